"""Warnings about a score: weak evidence for the model, values outside the training range, small habitats, new sites."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from HabitatRadiomicsLib.features.deep.measure import known_image_warnings
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.system.provenance import image_digest

#: A warning is given if a larger fraction of the training cohort could not be measured.
_MANY_EXCLUDED = 0.1


def score_warnings(
    model: Model,
    values: np.ndarray,
    prepared: Mapping[str, PreparedSequence],
    maps: Mapping[str, HabitatMap],
    site: str | None,
) -> tuple[str, ...]:
    """Sentences on what limits the reliability of one patient's score.

    Args:
        values: of the model's features, shape (features,).
        prepared, maps: of each sequence that the model needs.
        site: where the images were made, if known.
    """
    found: list[str] = []
    for name, sequence in prepared.items():
        of_network: tuple[str, ...] = ()
        if model.protocol.deep is not None:
            of_network = known_image_warnings(image_digest(sequence.source.image), model.protocol)
        found += [f"{sequence.title}: {text}" for text in (*sequence.warnings, *of_network)]
        if name in maps:
            found += [*maps[name].warnings, *_small_habitats(model, maps[name])]
    for feature, value in zip(model.features, values):
        low, high = feature.minimum, feature.maximum
        if low is not None and high is not None and not low <= value <= high:
            found.append(
                f"{feature.name} is {value:.4g}, outside the training range {low:.4g} to {high:.4g}: the score is an "
                "extrapolation."
            )
    sites = model.evidence.sites
    if site is not None and sites and site not in sites:
        found.append(f"The model has not seen the site {site}; it was trained on {', '.join(sites)}.")
    return tuple(found)


def model_doubts(model: Model) -> list[str]:
    """Sentences on the weaknesses of the model's own evidence; the same for every patient."""
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
            f"{model.reference.description}, {model.reference.cases} cases. How similar it is to the published cohort "
            "is not known."
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
