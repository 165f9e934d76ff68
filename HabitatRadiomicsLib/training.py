"""A cohort and a protocol become a frozen model.

The plain path: habitats are fitted once on all cases (without their outcomes), everything that sees the outcome
(selection, scaling, LASSO) is repeated inside each fold of the cross-validation that gives the performance.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cohort import Cohort
from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.evaluation import sensitivity_and_specificity, youden_cut_off
from HabitatRadiomicsLib.extraction import Extraction, extract_cohort
from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.learning import RadScore, calibrate, coefficient_covariance, fit_rad_score
from HabitatRadiomicsLib.model import (
    Calibration,
    CutOff,
    Endpoint,
    Evidence,
    EvidenceKind,
    Model,
    ModelFeature,
    OperatingPoint,
    Performance,
)
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.protocol.settings import NAME_PATTERN
from HabitatRadiomicsLib.provenance import versions
from HabitatRadiomicsLib.validation import Validation, cross_validate


@dataclass(frozen=True)
class Purpose:
    """What a model is called and meant for; everything that numbers cannot say."""

    name: str
    title: str
    intended_use: str
    endpoint: Endpoint
    cohort: str
    evidence: EvidenceKind
    licence: str
    attribution: str = ""


@dataclass(frozen=True)
class Training:
    """A model and where it came from."""

    model: Model
    extraction: Extraction


def train_model(
    cohort: Cohort,
    protocol: Protocol,
    purpose: Purpose,
    folder: Path,
    *,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Training:
    """Extract, learn, validate, freeze.

    Args:
        cohort: with outcomes.
        folder: where finished cases are kept.

    Raises:
        LearningError: too few cases of an outcome, or nothing to learn.
        HabitatRadiomicsError: no case could be measured, or no habitats fit the cohort.
    """
    from threadpoolctl import threadpool_limits

    _check_name(purpose.name)
    _check_outcomes([cohort.outcomes[case.case_id] for case in cohort.cases], protocol.learning)
    extraction = extract_cohort(
        cohort, protocol, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, 0.9)
    )
    progress(0.9, "learning the rad-score")
    table = _learnable(extraction.table, extraction.protocol)
    outcome = np.array([cohort.outcomes[case_id] for case_id in table.case_ids])
    _check_outcomes(outcome, protocol.learning)
    # Sums over threads depend on how many there are; one keeps the bits the same on every machine.
    with threadpool_limits(limits=1):
        score = fit_rad_score(table.values, outcome, protocol.learning, seed=protocol.seed)
        progress(0.92, "cross-validating")
        validation = cross_validate(table.values, outcome, protocol.learning, seed=protocol.seed)
        model = _frozen(score, table, outcome, validation, extraction, purpose, cohort)
    return Training(model, extraction)


def _learnable(table: FeatureTable, protocol: Protocol) -> FeatureTable:
    regions = protocol.learning.regions
    if regions is None:
        return table
    habitats = "habitats" in regions
    columns = [
        column
        for column in table.columns
        if (name := parse(column)).region in regions or (habitats and name.region.startswith("S"))
    ]
    return table.with_columns(columns)


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME_PATTERN, name):
        raise LearningError(
            f"'{name}' is not a name for a model.", where="--name", remedy="Use letters, digits, hyphens."
        )


def _check_outcomes(outcome: list[int] | np.ndarray, settings: LearningSettings) -> None:
    counts = np.bincount(np.asarray(outcome, dtype=int), minlength=2)
    # Each fold's training part is itself cross-validated: of each class, one case per fold must be left in it.
    folds = settings.folds
    needed = next(count for count in range(folds, 4 * folds) if count - math.ceil(count / folds) >= folds)
    if counts.min() < needed:
        raise LearningError(
            f"There are {counts[1]} cases with outcome 1 and {counts[0]} with 0; {settings.folds}-fold validation "
            f"needs at least {needed} of each.",
            where="cohort",
            remedy="Add cases, or lower 'folds' in the protocol.",
        )


def _frozen(
    score: RadScore,
    table: FeatureTable,
    outcome: np.ndarray,
    validation: Validation,
    extraction: Extraction,
    purpose: Purpose,
    cohort: Cohort,
) -> Model:
    protocol = extraction.protocol
    columns = table.values[:, score.columns]
    covariance = coefficient_covariance(
        table.values, outcome, score, count=protocol.learning.bootstraps, seed=protocol.seed
    )
    fitted = score.score(table.values)
    return Model(
        name=purpose.name,
        title=purpose.title,
        intended_use=purpose.intended_use,
        endpoint=purpose.endpoint,
        evidence=Evidence(
            kind=purpose.evidence,
            cohort=purpose.cohort,
            cases=len(outcome),
            excluded=len(cohort.cases) - len(outcome),
            events=int(outcome.sum()),
            sites=tuple(sorted({cohort.sites[name] for name in table.case_ids if name in cohort.sites})),
            licence=purpose.licence,
            attribution=purpose.attribution,
            performance=_performance(validation, outcome, protocol),
        ),
        protocol=protocol,
        features=tuple(
            ModelFeature(
                name=table.columns[column],
                mean=float(score.means[index]),
                sd=float(score.deviations[index]),
                coefficient=float(score.coefficients[index]),
                minimum=float(columns[:, index].min()),
                maximum=float(columns[:, index].max()),
            )
            for index, column in enumerate(score.columns)
        ),
        intercept=score.intercept,
        cutoff=_cut_off(fitted, validation, outcome),
        calibration=_calibration(fitted, validation, outcome),
        coefficient_covariance=tuple(tuple(float(value) for value in row) for row in covariance),
        background=tuple(tuple(float(value) for value in row) for row in columns),
        versions={**versions(), "engine": extraction.engine},
    )


def _performance(validation: Validation, outcome: np.ndarray, protocol: Protocol) -> Performance:
    area = validation.area(outcome)
    learning = protocol.learning
    method = (
        f"mean of {learning.repeats} repeats of {learning.folds}-fold cross-validation, selection and LASSO inside the "
        "folds; DeLong interval, which takes the held-out scores as independent"
    )
    if protocol.population:
        method += "; habitats fitted once on all cases, without their outcomes"
    if validation.empty:
        method += f"; in {validation.empty} of {validation.fits} folds no score could be learned"
    return Performance(auc=area.auc, auc_low=area.low, auc_high=area.high, method=method)


def _cut_off(fitted: np.ndarray, validation: Validation, outcome: np.ndarray) -> CutOff:
    value = youden_cut_off(outcome, fitted)
    sensitivity, specificity = sensitivity_and_specificity(outcome, fitted, value)
    standardised = (value - fitted.mean()) / fitted.std()
    unseen = np.mean([sensitivity_and_specificity(outcome, row, standardised) for row in validation.scores], axis=0)
    return CutOff(
        value=value,
        rule="largest sensitivity + specificity - 1 on the training scores; positive when score >= cut-off",
        training=OperatingPoint(sensitivity=sensitivity, specificity=specificity),
        held_out=OperatingPoint(sensitivity=float(unseen[0]), specificity=float(unseen[1])),
    )


def _calibration(fitted: np.ndarray, validation: Validation, outcome: np.ndarray) -> Calibration | None:
    """From the scale of the held-out scores, in SD of training scores, to that of the model's."""
    found = calibrate(validation.scores, outcome)
    if found.slope <= 0:
        return None
    mean, deviation = float(fitted.mean()), float(fitted.std())
    change = np.array([[1 / deviation, 0.0], [-mean / deviation, 1.0]])
    covariance = change @ found.covariance @ change.T
    return Calibration(
        slope=found.slope / deviation,
        intercept=found.intercept - found.slope * mean / deviation,
        covariance=tuple(tuple(float(value) for value in row) for row in covariance),
        method="Platt scaling of the held-out scores of the cross-validation",
    )
