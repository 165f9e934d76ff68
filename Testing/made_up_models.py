"""Models of no patient, made from the demonstration's: with a nomogram, a classifier, published coefficients, of two
time points, with deep features.

Plain library code, so that 3D Slicer can use them too.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.features.deep import load_network
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.model.classifier import classifier_text
from HabitatRadiomicsLib.model.document import (
    Calibration,
    ClassifierInput,
    FrozenClassifier,
    ModelFeature,
    ReferenceCohort,
)
from HabitatRadiomicsLib.model.nomogram import ClinicalInput, ClinicalTerm, NomogramPart, RadScoreTerm
from HabitatRadiomicsLib.model.prediction import training_scores
from HabitatRadiomicsLib.protocol import ClassifierName, Protocol, protocol_from

DEMONSTRATION = "t790m-spine-demo"
#: What one patient says of the inputs of :func:`nomogram_model`, and the log-odds that it adds.
CLINICAL = {"age": "61", "visceral": "yes"}
CLINICAL_EFFECT = -0.04 * 61 + 0.9


def nomogram_model() -> Model:
    """``2.5 + 0.8 rad-score - 0.04 age + 0.9 visceral``, the rad-score being the demonstration's."""
    base = load_model(DEMONSTRATION)
    intercept, slope, reach = 2.5, 0.8, training_scores(base)
    inputs = (
        ClinicalInput(name="age", kind="numeric", usual="60", minimum=38, maximum=81, unit="years"),
        ClinicalInput(
            name="visceral", kind="categorical", levels=("no", "yes"), labels=("none", "liver or lung"), usual="no"
        ),
    )
    terms = (
        ClinicalTerm(term="clinical:age", coefficient=-0.04),
        ClinicalTerm(term="clinical:visceral=yes", coefficient=0.9),
    )
    part = NomogramPart(
        intercept=intercept,
        rad_score=RadScoreTerm(coefficient=slope, minimum=float(reach.min()), maximum=float(reach.max())),
        inputs=inputs,
        terms=terms,
        covariance=tuple(tuple(row) for row in np.diag([0.3, 0.02, 0.0001, 0.1]).tolist()),
        linear_minimum=-3.0,
        linear_maximum=3.0,
    )
    measured = [row.model_copy(update={"coefficient": slope * row.coefficient}) for row in base.features]
    age = ModelFeature(name=terms[0].term, mean=60.0, sd=10.0, coefficient=-0.4, minimum=38.0, maximum=81.0)
    visceral = ModelFeature(name=terms[1].term, mean=0.5, sd=0.5, coefficient=0.45, minimum=0.0, maximum=1.0)
    ages = np.linspace(38, 81, len(base.background))
    rows = tuple((*row, float(own), float(number % 2)) for number, (row, own) in enumerate(zip(base.background, ages)))
    return base.model_copy(
        update={
            "name": "made-up-nomogram",
            "title": "Made-up nomogram",
            "features": (*measured, age, visceral),
            "intercept": intercept + slope * base.intercept - 0.04 * 60 + 0.9 * 0.5,
            "coefficient_covariance": None,
            "background": rows,
            "nomogram": part,
            "calibration": Calibration(
                intercept=0.0, slope=1.0, covariance=((0.0, 0.0), (0.0, 0.0)), method="none needed"
            ),
        }
    )


def classifier_model(*inputs: ClassifierInput, name: ClassifierName = "svm") -> Model:
    """A classifier of the demonstration's features.

    Args:
        inputs: what it is given; none: every feature by itself.
    """
    base = load_model(DEMONSTRATION)
    rows = inputs or tuple(
        ClassifierInput(name=one.name, intercept=0.0, weights={one.name: 1.0}) for one in base.features
    )
    generator = np.random.default_rng(5)
    seen = generator.normal(size=(60, len(rows)))
    outcome = (seen.sum(axis=1) + seen[:, 0] ** 2 + generator.normal(0, 0.5, 60) > 0.7).astype(int)
    estimator = classifier_text(fit_classifier(name, seen, outcome, seed=0))
    return base.model_copy(
        update={
            "name": "made-up-classifier",
            "title": "Made-up classifier",
            "features": tuple(row.model_copy(update={"coefficient": None}) for row in base.features),
            "intercept": None,
            "coefficient_covariance": None,
            "classifier": FrozenClassifier(name=name, inputs=rows, estimator=estimator),
            "calibration": None,
        }
    )


def published_model(values_sha256: str = "0" * 64) -> Model:
    """The demonstration's coefficients as if they had been printed, with a reference cohort's means and SD.

    Args:
        values_sha256: of the values that were measured in the reference cohort.
    """
    base = load_model(DEMONSTRATION)
    reference = ReferenceCohort(
        description="eleven made-up lesions", cases=11, excluded=1, features_sha256=values_sha256
    )
    evidence = base.evidence.model_copy(update={"kind": "published-coefficients", "performance": None})
    return base.model_copy(
        update={
            "name": "made-up-published",
            "evidence": evidence,
            "coefficient_covariance": None,
            "calibration": None,
            "reference": reference,
        }
    )


def two_time_point_model(protocol: Protocol) -> Model:
    """The lesion's brightness at baseline, and how its volume changes, on CT."""
    base = load_model(DEMONSTRATION)
    rows = {
        "baseline_CT_whole_original_firstorder_Mean": (75.0, 5.0, 0.6),
        "delta_CT_whole_original_shape_VoxelVolume": (-500.0, 400.0, -0.9),
    }
    features = tuple(
        ModelFeature(name=name, mean=mean, sd=sd, coefficient=beta, minimum=mean - 3 * sd, maximum=mean + 3 * sd)
        for name, (mean, sd, beta) in rows.items()
    )
    steps = np.linspace(-1.5, 1.5, 12)
    background = tuple((75.0 + 5 * float(step), -500.0 + 400 * float(step) ** 3 / 2) for step in steps)
    return base.model_copy(
        update={
            "name": "made-up-change",
            "title": "Made-up change under treatment",
            "protocol": protocol,
            "features": features,
            "intercept": 0.1,
            "coefficient_covariance": None,
            "background": background,
        }
    )


def deep_model(*, timepoints: bool = False, spacing: tuple[float, float, float] | None = None) -> Model:
    """Two deep features of the bundled synthetic network, or their change, and the lesion's mean brightness.

    Args:
        spacing: of the grid that images are brought to, in mm; None: their own.
    """
    base = load_model(DEMONSTRATION)
    protocol = protocol_from(
        {
            "name": "made-up-deep",
            "title": "Made-up deep features",
            "sequences": ["CT"],
            "regions": ["whole", "patch"],
            "habitats": {"superpixels": 12, "k_max": 3},
            "features": {"classes": ["firstorder"]},
            "deep": {"network": "synthetic-demo", "patch": load_network("synthetic-demo").metadata.patch},
            **({"timepoints": {}} if timepoints else {}),
            **({} if spacing is None else {"preprocessing": {"resampling": {"spacing": spacing}}}),
        },
        where="test",
    )
    moment = "delta_" if timepoints else ""
    rows = {
        f"{moment}CT_patch_original_deep_E001": (0.0, 1.0, 0.8),
        f"{moment}CT_patch_original_deep_E003": (0.2, 0.5, -0.3),
        f"{moment}CT_whole_original_firstorder_Mean": (65.0, 20.0, 0.2),
    }
    features = tuple(
        ModelFeature(name=name, mean=mean, sd=sd, coefficient=beta, minimum=mean - 9 * sd, maximum=mean + 9 * sd)
        for name, (mean, sd, beta) in rows.items()
    )
    steps = np.random.default_rng(3).normal(size=(12, len(rows)))
    background = tuple(
        tuple(mean + sd * float(step) for (mean, sd, _), step in zip(rows.values(), row)) for row in steps
    )
    return base.model_copy(
        update={
            "name": "made-up-deep",
            "title": "Made-up deep features",
            "protocol": protocol,
            "features": features,
            "intercept": 0.1,
            "coefficient_covariance": None,
            "background": background,
        }
    )


def deep_image(seed: int, *, thickness: float = 2.5) -> tuple[sitk.Image, sitk.Image]:
    """CT of no patient, and the mask of a round lesion with a bright, grainy half."""
    size = (8, 72, 80)
    k, j, i = np.indices(size)
    noise = np.random.default_rng(seed).normal(0, 1, size)
    distance = np.sqrt(((k - 3.6) * 2.5 / thickness / 2.6) ** 2 + ((j - 34) / 13) ** 2 + ((i - 42) / 13) ** 2)
    lesion = distance < 1
    voxels = 30 + 5 * noise + 25 * lesion + (lesion & (i > 42)) * (40 + 18 * noise)
    images = []
    for array in (np.rint(voxels).astype(np.int16), lesion.astype(np.uint8)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((0.8, 0.8, thickness))
        image.SetOrigin((-31.0, 12.0, 5.0))
        images.append(image)
    return images[0], images[1]
