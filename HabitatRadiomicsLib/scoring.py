"""One patient, one frozen model: the score, its interval, its reasons, and what to be wary of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from HabitatRadiomicsLib import RESEARCH_USE_ONLY
from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.errors import HarmonisationError, ModelError, RegionError
from HabitatRadiomicsLib.explanation import Contribution, explain
from HabitatRadiomicsLib.features import FeatureEngine, choose_engine, measure_regions, regions_of
from HabitatRadiomicsLib.features.deep import known_image_warnings
from HabitatRadiomicsLib.features.delta import value_of
from HabitatRadiomicsLib.features.harmonisation import apply_combat
from HabitatRadiomicsLib.features.undefined import undefined_columns
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.mapping import map_sequence, prepare_case
from HabitatRadiomicsLib.model import Model, model_digest
from HabitatRadiomicsLib.model.nomogram_part import EVIDENCE, clinical_values
from HabitatRadiomicsLib.model.prediction import scores_of, training_scores
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol.base import readable_key
from HabitatRadiomicsLib.provenance import image_digest, versions

_NORMAL_95 = NormalDist().inv_cdf(0.975)
#: A larger part of a cohort that could not be measured is worth a warning.
_MANY_EXCLUDED = 0.1


@dataclass(frozen=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


@dataclass(frozen=True)
class ScoreResult:
    """What one model says of one patient.

    Attributes:
        score: the linear rad-score; ``base`` is the mean score of the training cases.
        interval: of the score, from the bootstrap covariance of the coefficients; None where the model has none: a
            classifier, or published coefficients.
        probability: None when the model has no calibration; its interval joins the uncertainty of the score's
            coefficients and of the calibration.
        call: the endpoint's word for the side of the cut-off on which the score lies.
        values: of the model's features, harmonised.
        maps, prepared: of each sequence that the model needs, at each time point.
        site: where the images were made, as it was given.
    """

    model: Model
    score: float
    interval: Interval | None
    probability: float | None
    probability_interval: Interval | None
    positive: bool
    base: float
    values: Mapping[str, float]
    contributions: tuple[Contribution, ...]
    warnings: tuple[str, ...]
    maps: Mapping[str, HabitatMap]
    prepared: Mapping[str, PreparedSequence]
    provenance: Mapping[str, Any]
    site: str | None = None

    @property
    def call(self) -> str:
        """Positive or negative, in the endpoint's words."""
        return self.model.endpoint.positive if self.positive else self.model.endpoint.negative

    def document(self) -> dict[str, Any]:
        """``score.json``: everything but the pixels, and no identifier."""
        model = self.model
        return {
            "notice": notice(model),
            "model": {
                "name": model.name,
                "title": model.title,
                "evidence": model.evidence.kind,
                "sha256": self.provenance["model_sha256"],
            },
            "endpoint": model.endpoint.model_dump(mode="json"),
            "score": self.score,
            "score_interval": None if self.interval is None else asdict(self.interval),
            "probability": self.probability,
            "probability_interval": None if self.probability_interval is None else asdict(self.probability_interval),
            "cutoff": model.cutoff.model_dump(mode="json"),
            "call": self.call,
            "positive": self.positive,
            "base": self.base,
            "values": dict(self.values),
            "nomogram": self._nomogram(),
            "training_scores": training_scores(model).tolist(),
            "contributions": [asdict(contribution) for contribution in self.contributions],
            "habitats": {
                name: [asdict(row) for row in habitat_map.statistics] for name, habitat_map in self.maps.items()
            },
            "warnings": list(self.warnings),
            "provenance": dict(self.provenance),
        }

    def _nomogram(self) -> dict[str, Any] | None:
        """The nomogram and its rad-score of the patient: with the clinical values, all that a drawing needs."""
        part = self.model.nomogram
        if part is None or part.rad_score.coefficient == 0:
            return None
        return {
            "rad_score": part.rad_score_of(self.score, self.values),
            "part": part.model_dump(mode="json", exclude=set(EVIDENCE)),
        }


def notice(model: Model) -> str:
    """What has to stand wherever a score of this model is shown."""
    if model.is_demonstration:
        what = "Demonstration model, trained on synthetic images: its score says nothing of a patient."
        return f"{what} {RESEARCH_USE_ONLY}"
    return RESEARCH_USE_ONLY


def score_case(
    case: Case,
    model: Model,
    *,
    site: str | None = None,
    clinical: Mapping[str, str] | None = None,
    jobs: int = 1,
    progress: Progress = silent,
) -> ScoreResult:
    """Score a patient.

    Args:
        case: with the sequences that the model needs, under its names for them.
        model: a frozen model.
        site: where the images were made: a model that harmonises sites needs it, the others warn of one that they
            have not seen.
        clinical: the patient's clinical variables by name, as a table has them, for a model with a nomogram; others
            are ignored.
        jobs: threads that measure the features; the result does not depend on it.

    Raises:
        ModelError: a sequence or a clinical variable is missing, a feature of the model has no value in this lesion,
            or the model still needs a reference cohort.
        HabitatRadiomicsError: images, habitats or regions that cannot be measured.
    """
    model.check_scorable()
    _check_sequences(case, model)
    _check_site(model, site)
    known = {} if model.nomogram is None else clinical_values(model.nomogram, clinical or {})
    engine = choose_engine(model.protocol.features, jobs=jobs)
    needed = Case(case.case_id, {name: case.sequences[name] for name in model.sequences})
    prepared = prepare_case(needed, model.protocol, part(progress, 0, 0.2))
    maps, unmapped = _maps(prepared, model, part(progress, 0.2, 0.4))
    measured = _feature_values(prepared, maps, model, engine, part(progress, 0.4, 0.8))
    values = np.array([{**harmonised(model, measured, site), **known}[feature.name] for feature in model.features])
    progress(0.8, "explaining the score")
    base, contributions = explain(model, values)
    doubts = model_doubts(model)
    score, variance = _score(model, values)
    interval = None
    if variance is not None:
        reach = _NORMAL_95 * variance**0.5
        interval = Interval(score - reach, score + reach)
    if interval is not None and interval.low < model.cutoff.value <= interval.high:
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
        warnings=(*doubts, *unmapped, *_warnings(model, values, prepared, maps, site)),
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


def _score(model: Model, values: np.ndarray) -> tuple[float, float | None]:
    """The score and its variance; None where the model has none."""
    if model.classifier is not None:
        return float(scores_of(model, values[None, :])[0]), None
    assert model.intercept is not None
    z = np.concatenate([[1.0], model.standardised(values[None, :])[0]])
    score = float(z @ np.concatenate([[model.intercept], model.coefficients]))
    covariance = model.coefficient_covariance
    return score, None if covariance is None else float(z @ np.array(covariance) @ z)


def measured_values(case: Case, model: Model) -> np.ndarray:
    """The model's features in a case, not harmonised, shape (features,); of a model without clinical terms.

    Raises:
        HabitatRadiomicsError: as :func:`score_case`.
    """
    _check_sequences(case, model)
    needed = Case(case.case_id, {name: case.sequences[name] for name in model.sequences})
    prepared = prepare_case(needed, model.protocol)
    maps, _ = _maps(prepared, model, silent)
    measured = _feature_values(prepared, maps, model, choose_engine(model.protocol.features), silent)
    return np.array([measured[feature.name] for feature in model.features])


def harmonised(model: Model, values: Mapping[str, float], site: str | None) -> Mapping[str, float]:
    """A case's feature values brought to the model's sites' common scale, where the model does that.

    Raises:
        HarmonisationError: no site is given, or one that the model does not know.
    """
    if model.combat is None:
        return values
    row = np.array(list(values.values()))
    found = apply_combat(model.combat, row[None, :], [_check_site(model, site)], columns=list(values))[0]
    return dict(zip(values, found.tolist()))


def _check_site(model: Model, site: str | None) -> str:
    if model.combat is None or (site and site in model.combat.sites):
        return site or ""
    known = ", ".join(model.combat.sites)
    raise HarmonisationError(
        f"The model harmonises sites and knows {known}; " + (f"{site} is none of them." if site else "none is given."),
        where=model.name,
        remedy="Only cases of these sites can be scored: give the one where the images were made.",
    )


def _check_sequences(case: Case, model: Model) -> None:
    missing = [name for name in model.sequences if name not in case.sequences]
    unknown = [name for name in case.sequences if name not in model.sequences]
    if missing or unknown:
        parts = [f"it needs {_listed(model.sequences)}"]
        parts += [f"{_listed(missing)} is missing"] if missing else []
        parts += [f"{_listed(unknown)} is not a sequence of this model"] if unknown else []
        raise ModelError(
            f"The images do not fit the model: {'; '.join(parts)}.",
            where=model.name,
            remedy="Give each sequence under the model's name for it, e.g. "
            + " ".join(f"--image {name}=FILE" for name in model.sequences)
            + ".",
        )


def _listed(keys: Sequence[str]) -> str:
    return " and ".join(map(readable_key, keys))


def _maps(
    prepared: Mapping[str, PreparedSequence], model: Model, progress: Progress
) -> tuple[dict[str, HabitatMap], list[str]]:
    """Habitats of each sequence. Where the score needs none, a lesion that has none draws a warning only."""
    maps: dict[str, HabitatMap] = {}
    unmapped: list[str] = []
    for index, (name, sequence) in enumerate(prepared.items()):
        progress(index / len(prepared), f"habitats of {sequence.title}")
        try:
            maps[name] = map_sequence(sequence, model.protocol, maps)
        except RegionError as error:
            if any(region.startswith("S") for region in model.regions(name)):
                raise
            unmapped.append(f"No maps of {sequence.title}, which the score does not need: {error.problem}")
    return maps, unmapped


def _feature_values(
    prepared: Mapping[str, PreparedSequence],
    maps: Mapping[str, HabitatMap],
    model: Model,
    engine: FeatureEngine,
    progress: Progress,
) -> dict[str, float]:
    found: dict[str, float] = {}
    undefined: dict[str, str] = {}
    for index, (name, sequence) in enumerate(prepared.items()):
        progress(index / len(prepared), f"features of {sequence.title}")
        regions = regions_of(sequence, maps.get(name), model.regions(name), model.protocol)
        wanted = model.measured_on(name)
        measured = measure_regions(sequence, regions, model.protocol, engine, wanted)
        needed = {str(feature): measured[str(feature)] for feature in wanted}
        undefined |= undefined_columns(sequence, regions, model.protocol, needed)
        found |= needed
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
    return {str(name): value_of(name, found, model.protocol.timepoints) for name in model.measured_features}


def _probability(model: Model, score: float, variance: float | None) -> tuple[float | None, Interval | None]:
    calibration = model.calibration
    if calibration is None:
        return None, None
    linear = calibration.intercept + calibration.slope * score
    place = np.array([score, 1.0])
    # The score's own uncertainty, where it is known, and that of the calibration line at this score (delta method).
    total = calibration.slope**2 * (variance or 0.0) + float(place @ np.array(calibration.covariance) @ place)
    reach = _NORMAL_95 * total**0.5
    low, middle, high = (float(1 / (1 + np.exp(-value))) for value in (linear - reach, linear, linear + reach))
    return middle, Interval(low, high)


def _warnings(
    model: Model,
    values: np.ndarray,
    prepared: Mapping[str, PreparedSequence],
    maps: Mapping[str, HabitatMap],
    site: str | None,
) -> tuple[str, ...]:
    found: list[str] = []
    for name, sequence in prepared.items():
        found += [
            f"{sequence.title}: {text}"
            for text in (*sequence.warnings, *known_image_warnings(sequence, model.protocol))
        ]
        if name in maps:
            found += maps[name].warnings
            found += _small_habitats(model, maps[name])
    found += _extrapolations(model, values)
    sites = model.evidence.sites
    if site is not None and sites and site not in sites:
        found.append(f"The model has not seen the site {site}; it was trained on {', '.join(sites)}.")
    return tuple(found)


def _extrapolations(model: Model, values: np.ndarray) -> list[str]:
    found = []
    for feature, value in zip(model.features, values):
        low, high = feature.minimum, feature.maximum
        if low is not None and high is not None and not low <= value <= high:
            found.append(
                f"{feature.name} is {value:.4g}, outside the training range {low:.4g} to {high:.4g}: the score is an "
                "extrapolation."
            )
    return found


def model_doubts(model: Model) -> list[str]:
    """What the model's own evidence says against it."""
    found = []
    evidence = model.evidence
    area = evidence.performance
    if area is not None and area.auc_low <= 0.5:
        found.append(
            f"The model has not been shown to separate the outcomes: its cross-validated AUC is {area.auc:.2f} "
            f"({area.auc_low:.2f} to {area.auc_high:.2f})."
        )
    if model.reference is not None:
        found.append(
            f"Means and standard deviations, and so the zero of the score, are those of a reference cohort: "
            f"{model.reference.description}, {model.reference.cases} cases. How like the published one it is, is not "
            "known."
        )
    if model.calibration is None and area is None:
        found.append("No probability is given: none comes with the coefficients.")
    elif model.calibration is None:
        found.append("No probability is given: on held-out cases the score did not rise with the outcome.")
    all_cases = evidence.cases + evidence.excluded
    if evidence.excluded > _MANY_EXCLUDED * all_cases:
        found.append(
            f"{evidence.excluded} of the {all_cases} cases of the training cohort could not be measured; "
            "the model may not hold for lesions like theirs."
        )
    return found


def _small_habitats(model: Model, habitat_map: HabitatMap) -> list[str]:
    smallest = model.protocol.habitats.nearly_empty_fraction
    scored = model.regions(habitat_map.sequence)
    return [
        f"{habitat_map.title}: habitat {row.name} is small ({row.volume_ml:.2f} ml, {row.fraction:.1%} of the "
        "lesion); its features are unsteady."
        for row in habitat_map.statistics
        if row.name in scored and (row.fraction < smallest or row.voxels < 100)
    ]
