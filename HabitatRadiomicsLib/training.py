"""A cohort and a protocol become a frozen model.

The plain path: habitats are fitted once on all cases (without their outcomes), everything that sees the outcome
(selection, scaling, LASSO) is repeated inside each fold of the cross-validation that gives the performance.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cohort import Cohort
from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.evaluation import AreaUnderCurve, auc_with_interval, youden_cut_off
from HabitatRadiomicsLib.extraction import Extraction, extract_cohort
from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.learning import RadScore, calibrate, coefficient_covariance, fit_rad_score
from HabitatRadiomicsLib.learning.radscore import stratified_folds
from HabitatRadiomicsLib.model import (
    Calibration,
    CutOff,
    Endpoint,
    Evidence,
    EvidenceKind,
    Model,
    ModelFeature,
    Performance,
)
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.provenance import versions

_HABITATS_NOTE = "; habitats fitted once on all cases, without their outcomes"


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

    _check_outcomes([cohort.outcomes[case.case_id] for case in cohort.cases], protocol.learning)
    extraction = extract_cohort(
        cohort, protocol, folder, jobs=jobs, resample_mask=resample_mask, progress=part(progress, 0, 0.9)
    )
    progress(0.9, "learning the rad-score")
    table = _learnable(extraction.table, extraction.protocol)
    outcome = np.array([cohort.outcomes[case_id] for case_id in table.case_ids])
    _check_outcomes(outcome, protocol.learning)
    sites = sorted({cohort.sites[case_id] for case_id in table.case_ids if case_id in cohort.sites})
    # Sums over threads depend on how many there are; one keeps the bits the same on every machine.
    with threadpool_limits(limits=1):
        score = fit_rad_score(table.values, outcome, protocol.learning, seed=protocol.seed)
        progress(0.95, "cross-validating")
        unseen = cross_validated_scores(table.values, outcome, protocol.learning, seed=protocol.seed)
        performance = auc_with_interval(outcome, unseen)
        model = _frozen(score, table, outcome, unseen, performance, extraction, purpose, tuple(sites))
    return Training(model, extraction)


def cross_validated_scores(
    values: np.ndarray, outcome: np.ndarray, settings: LearningSettings, *, seed: int
) -> np.ndarray:
    """Scores of cases by models that never saw them; selection, scaling and LASSO repeated in each fold."""
    scores = np.zeros(len(outcome))
    for training, test in stratified_folds(outcome, settings.folds, seed):
        try:
            fold = fit_rad_score(values[training], outcome[training], settings, seed=seed)
        except LearningError:
            # Nothing to learn in this fold: every test case gets the same score, and the AUC pays for it.
            prevalence = outcome[training].mean()
            scores[test] = np.log(prevalence / (1 - prevalence))
        else:
            scores[test] = fold.score(values[test])
    return scores


def _learnable(table: FeatureTable, protocol: Protocol) -> FeatureTable:
    regions = protocol.learning.regions
    if regions is None:
        return table
    columns = [column for column in table.columns if parse(column).region in regions]
    if not columns:
        raise LearningError(
            f"No feature is of the regions {', '.join(regions)}, from which the score shall be learned.",
            remedy="Name regions under learning that also stand under the protocol's regions.",
        )
    return table.with_columns(columns)


def _check_outcomes(outcome: list[int] | np.ndarray, settings: LearningSettings) -> None:
    counts = np.bincount(np.asarray(outcome, dtype=int), minlength=2)
    # Each fold's training part is itself cross-validated, so that each class must outlast one fold.
    needed = settings.folds + max(1, settings.folds // 2)
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
    unseen: np.ndarray,
    performance: AreaUnderCurve,
    extraction: Extraction,
    purpose: Purpose,
    sites: tuple[str, ...],
) -> Model:
    protocol = extraction.protocol
    columns = table.values[:, score.columns]
    covariance = coefficient_covariance(
        table.values, outcome, score, count=protocol.learning.bootstraps, seed=protocol.seed
    )
    slope, intercept = calibrate(unseen, outcome)
    folds = protocol.learning.folds
    return Model(
        name=purpose.name,
        title=purpose.title,
        intended_use=purpose.intended_use,
        endpoint=purpose.endpoint,
        evidence=Evidence(
            kind=purpose.evidence,
            cohort=purpose.cohort,
            cases=len(outcome),
            events=int(outcome.sum()),
            sites=sites,
            licence=purpose.licence,
            attribution=purpose.attribution,
            performance=Performance(
                auc=performance.auc,
                auc_low=performance.low,
                auc_high=performance.high,
                method=f"{folds}-fold cross-validation, selection and LASSO inside the folds, scores of the held-out "
                "cases pooled, DeLong interval" + _HABITATS_NOTE * bool(protocol.population),
            ),
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
        cutoff=CutOff(
            value=youden_cut_off(outcome, score.score(table.values)),
            rule="largest sensitivity + specificity - 1 on the training scores; positive when score >= cut-off",
        ),
        calibration=Calibration(
            slope=slope,
            intercept=intercept,
            method=f"Platt scaling of the held-out scores of {folds}-fold cross-validation",
        ),
        coefficient_covariance=tuple(tuple(float(value) for value in row) for row in covariance),
        background=tuple(tuple(float(value) for value in row) for row in columns),
        versions={**versions(), "engine": extraction.engine},
    )
