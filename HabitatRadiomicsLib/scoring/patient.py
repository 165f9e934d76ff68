"""Scores one patient with one frozen model: from images to score, interval, contributions and warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np

from HabitatRadiomicsLib.cases import Case, title_of
from HabitatRadiomicsLib.errors import HarmonisationError, ModelError, RegionError
from HabitatRadiomicsLib.extraction.maps import baseline_first, map_sequence, prepare_case
from HabitatRadiomicsLib.extraction.regions import measure_regions, regions_of
from HabitatRadiomicsLib.features import FeatureEngine, choose_engine
from HabitatRadiomicsLib.features.delta import value_of
from HabitatRadiomicsLib.features.harmonisation import apply_combat
from HabitatRadiomicsLib.features.undefined import undefined_columns
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.model import Model, load_model, model_digest
from HabitatRadiomicsLib.model.nomogram import clinical_values
from HabitatRadiomicsLib.model.prediction import scores_of
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.scoring.explanation import explain
from HabitatRadiomicsLib.scoring.result import Interval, ScoreResult
from HabitatRadiomicsLib.scoring.warnings import model_doubts, score_warnings
from HabitatRadiomicsLib.system.provenance import image_digest, versions

_NORMAL_95 = NormalDist().inv_cdf(0.975)


def score_case(
    case: Case,
    model: Model | str | Path,
    *,
    site: str | None = None,
    clinical: Mapping[str, object] | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> ScoreResult:
    """Maps, score and explanation of one patient by a frozen model.

    Args:
        case: see :func:`read_case`; with the sequences that the model needs, under its names for them.
        model: bundled name, JSON file or model.
        site: where the images were made: a model that harmonises sites needs it; others warn of a new site.
        clinical: clinical values by name, such as ``{"age": 61}``, for a model with a nomogram; others are ignored.
        jobs: threads that measure the features; the result does not depend on it.

    Raises:
        ModelError: a sequence or a clinical value is missing, a feature of the model has no value in this lesion, or
            the model still needs a reference cohort.
        HabitatRadiomicsError: images, habitats or regions that cannot be measured.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> folder = "images/synthetic-001"
        >>> files = {name: (f"{folder}/{name}.nrrd", f"{folder}/{name}-mask.nrrd") for name in ("T1W", "T2FS")}
        >>> case = hr.read_case(files)
        >>> result = hr.score(case, "t790m-spine-demo")
        >>> result.call
        'T790M-negative'
        >>> abs(result.base + sum(row.shap for row in result.contributions) - result.score) < 1e-9
        True
    """
    model = load_model(model)
    model.check_scorable()
    needed = _needed(case, model)
    _check_site(model, site)
    texts = {name: str(value) for name, value in (clinical or {}).items()}
    clinical_terms = {} if model.nomogram is None else clinical_values(model.nomogram, texts)
    engine = choose_engine(model.protocol.features, jobs=jobs)
    prepared = prepare_case(needed, model.protocol, part(progress, 0, 0.2))
    maps, unmapped = _maps(prepared, model, part(progress, 0.2, 0.4))
    measured = harmonised(model, _feature_values(prepared, maps, model, engine, part(progress, 0.4, 0.8)), site)
    values = np.array([{**measured, **clinical_terms}[feature.name] for feature in model.features])
    progress(0.8, "explaining the score")
    base, contributions = explain(model, values)
    doubts = model_doubts(model)
    score, variance = _score(model, values)
    interval = None
    if variance is not None:
        reach = _NORMAL_95 * variance**0.5
        interval = Interval(score - reach, score + reach)
        if interval.low < model.cutoff.value <= interval.high:
            doubts.append("The interval of the score includes the cut-off: the call could as well be the other one.")
    probability, probability_interval = _probability(model, score, variance)
    return ScoreResult(
        model=model,
        score=score,
        interval=interval,
        probability=probability,
        probability_interval=probability_interval,
        positive=score >= model.cutoff.value,
        base=base,
        values={feature.name: float(value) for feature, value in zip(model.features, values)},
        contributions=contributions,
        warnings=(*doubts, *unmapped, *score_warnings(model, values, prepared, maps, site)),
        maps=maps,
        prepared=prepared,
        provenance={
            "model_sha256": model_digest(model),
            "engine": f"{engine.name} {engine.version}",
            "versions": versions(),
            "inputs": {
                name: {"image_sha256": image_digest(sequence.image), "mask_sha256": image_digest(sequence.mask)}
                for name, sequence in needed.sequences.items()
            },
        },
        site=site,
    )


#: The public name.
score = score_case


def _score(model: Model, values: np.ndarray) -> tuple[float, float | None]:
    """The score and its variance; None if the model has none."""
    if model.classifier is not None:
        return float(scores_of(model, values[None, :])[0]), None
    assert model.intercept is not None
    z = np.concatenate([[1.0], model.standardised(values[None, :])[0]])
    score = float(z @ np.concatenate([[model.intercept], model.coefficients]))
    covariance = model.coefficient_covariance
    return score, None if covariance is None else float(z @ np.array(covariance) @ z)


def measured_values(case: Case, model: Model) -> np.ndarray:
    """The features of a model without clinical terms in a case, not harmonised, shape (features,).

    Raises:
        HabitatRadiomicsError: as :func:`score_case`.
    """
    prepared = prepare_case(_needed(case, model), model.protocol)
    maps, _ = _maps(prepared, model, silent)
    measured = _feature_values(prepared, maps, model, choose_engine(model.protocol.features), silent)
    return np.array([measured[feature.name] for feature in model.features])


def harmonised(model: Model, values: Mapping[str, float], site: str | None) -> Mapping[str, float]:
    """A case's feature values on the common scale of the model's sites, if the model harmonises sites.

    Raises:
        HarmonisationError: the site is missing, or the model does not know it.
    """
    if model.combat is None:
        return values
    row = np.array([list(values.values())])
    harmonised_row = apply_combat(model.combat, row, [_check_site(model, site)], columns=list(values))[0]
    return dict(zip(values, harmonised_row.tolist()))


def _check_site(model: Model, site: str | None) -> str:
    if model.combat is None or (site and site in model.combat.sites):
        return site or ""
    known = ", ".join(model.combat.sites)
    raise HarmonisationError(
        f"The model harmonises sites and knows {known}; " + (f"{site} is none of them." if site else "none is given."),
        where=model.name,
        remedy="Only cases of these sites can be scored: give the one where the images were made.",
    )


def _needed(case: Case, model: Model) -> Case:
    """The case with the model's sequences, in the model's order."""
    missing = [name for name in model.sequences if name not in case.sequences]
    unknown = [name for name in case.sequences if name not in model.sequences]
    if missing or unknown:
        parts = [f"it needs {_listed(model.sequences)}"]
        parts += [f"{_listed(missing)} is missing"] if missing else []
        parts += [f"{_listed(unknown)} is not a sequence of this model"] if unknown else []
        options = " ".join(f"--image {name}=FILE" for name in model.sequences)
        raise ModelError(
            f"The images do not fit the model: {'; '.join(parts)}.",
            where=model.name,
            remedy=f"Give each sequence under the model's name for it, e.g. {options}.",
        )
    return Case(case.case_id, {name: case.sequences[name] for name in model.sequences})


def _listed(keys: Sequence[str]) -> str:
    return " and ".join(map(title_of, keys))


def _maps(
    prepared: Mapping[str, PreparedSequence], model: Model, progress: Progress
) -> tuple[dict[str, HabitatMap], list[str]]:
    """Habitats of each sequence; habitats that are missing and not needed for the score only cause a warning."""
    maps: dict[str, HabitatMap] = {}
    unmapped: list[str] = []
    for index, name in enumerate(baseline_first(prepared, model.protocol)):
        progress(index / len(prepared), f"habitats of {prepared[name].title}")
        try:
            maps[name] = map_sequence(name, prepared, model.protocol, maps)
        except RegionError as error:
            if any(region.startswith("S") for region in model.regions(name)):
                raise
            unmapped.append(f"No maps of {prepared[name].title}, which the score does not need: {error.problem}")
    return {name: maps[name] for name in prepared if name in maps}, unmapped


def _feature_values(
    prepared: Mapping[str, PreparedSequence],
    maps: Mapping[str, HabitatMap],
    model: Model,
    engine: FeatureEngine,
    progress: Progress,
) -> dict[str, float]:
    values: dict[str, float] = {}
    undefined: dict[str, str] = {}
    for index, (name, sequence) in enumerate(prepared.items()):
        progress(index / len(prepared), f"features of {sequence.title}")
        wanted = model.measured_on(name)
        if not wanted:  # a baseline that only defines the scale of the follow-up's habitats
            continue
        regions = regions_of(sequence, maps.get(name), model.regions(name), model.protocol)
        measured = measure_regions(sequence, regions, model.protocol, engine, wanted)
        needed = {str(feature): measured[str(feature)] for feature in wanted}
        undefined |= undefined_columns(sequence, regions, model.protocol, needed)
        values |= needed
    if undefined:
        reasons = [
            f"{', '.join(name for name, why in undefined.items() if why == reason)}: {reason}"
            for reason in dict.fromkeys(undefined.values())
        ]
        raise ModelError(
            f"The score needs features that are not defined for this lesion. {' '.join(reasons)}",
            where=model.name,
            remedy="This lesion cannot be scored by this model.",
        )
    return {str(name): value_of(name, values, model.protocol.timepoints) for name in model.measured_features}


def _probability(model: Model, score: float, variance: float | None) -> tuple[float | None, Interval | None]:
    from scipy.special import expit

    calibration = model.calibration
    if calibration is None:
        return None, None
    linear = calibration.intercept + calibration.slope * score
    gradient = np.array([score, 1.0])
    # Delta method: the uncertainty of the score, if it is known, and that of the calibration line at this score.
    total = calibration.slope**2 * (variance or 0.0) + float(gradient @ np.array(calibration.covariance) @ gradient)
    reach = _NORMAL_95 * total**0.5
    low, middle, high = (float(expit(value)) for value in (linear - reach, linear, linear + reach))
    return middle, Interval(low, high)
