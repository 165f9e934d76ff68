"""Turns the learned score into a model file: coefficients, cut-off, calibration, and the evidence for them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import EvaluationError, LearningError
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.features.deep.measure import network_of
from HabitatRadiomicsLib.learning.nomogram import Nomogram, fit_clinical_model
from HabitatRadiomicsLib.learning.preparation import FoldTable, PreparedFold
from HabitatRadiomicsLib.learning.radscore import calibrate
from HabitatRadiomicsLib.learning.strategy import Learned
from HabitatRadiomicsLib.model.document import (
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
from HabitatRadiomicsLib.model.nomogram import (
    CalibrationCurve,
    ClinicalInput,
    ClinicalModelPart,
    ClinicalTerm,
    HosmerLemeshow,
    NomogramPart,
    RadScoreTerm,
    UnivariateLine,
)
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.protocol.base import NAME_PATTERN
from HabitatRadiomicsLib.statistics import (
    count_calls,
    hosmer_lemeshow_test,
    sensitivity_and_specificity,
    youden_cut_off,
)
from HabitatRadiomicsLib.statistics.corrected_calibration import corrected_calibration
from HabitatRadiomicsLib.statistics.intervals import OVERLAP_CORRECTED
from HabitatRadiomicsLib.system.provenance import versions
from HabitatRadiomicsLib.training.frozen_terms import frozen_terms
from HabitatRadiomicsLib.training.measured import MeasuredStudy
from HabitatRadiomicsLib.validation.nested import STRATEGY, HeldOut, Validation

_ENDPOINT = Endpoint(name="outcome", positive="positive", negative="negative")


@dataclass(frozen=True)
class Purpose:
    """A model's name, purpose and other descriptions that cannot be derived from data."""

    name: str = "model"
    title: str = "Rad-score model"
    intended_use: str = "Research on cohorts like the one it was trained on."
    endpoint: Endpoint = _ENDPOINT
    cohort: str = "not described"
    evidence: EvidenceKind = "trained-on-patients"
    licence: str = "not stated"
    attribution: str = ""


def check_name(name: str) -> None:
    """Refuse an invalid model name.

    Raises:
        LearningError: the name has other characters than letters, digits and hyphens.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise LearningError(
            f"'{name}' is not a valid model name.", where="--name", remedy="Use letters, digits, hyphens."
        )


def freeze(
    study: MeasuredStudy,
    table: FoldTable,
    prepared: PreparedFold,
    learned: Learned,
    validation: Validation,
    protocol: Protocol,
    purpose: Purpose,
    asked: int,
) -> Model:
    """The model of the chosen candidate.

    Args:
        table: the features of all cases, with habitats fitted on all of them.
        prepared: the table's robust, harmonised columns.
        asked: number of cases in the cohort, measured or not.
    """
    score, chosen = learned.score, learned.chosen
    assert score is not None
    assert chosen is not None
    rows = np.flatnonzero(chosen.measured(prepared.columns, prepared.values))
    values, outcome = prepared.values[rows], table.outcome[rows]
    terms = frozen_terms(score, prepared.columns, values, outcome, protocol.learning, seed=protocol.seed)
    columns = values[:, terms.columns]
    fitted = score.score(values)
    held_out = validation.held_out[STRATEGY]
    area = held_out.area(table.outcome, table.patients)
    populations = {name: model for name, model in study.features.populations[0].items() if model is not None}
    names = [prepared.columns[column] for column in terms.columns]
    # The network is fixed by its SHA-256: another network gives other features.
    deep = protocol.deep and protocol.deep.model_copy(update={"sha256": network_of(protocol).sha256})
    return Model(
        name=purpose.name,
        title=purpose.title,
        intended_use=purpose.intended_use,
        endpoint=purpose.endpoint,
        evidence=Evidence(
            kind=purpose.evidence,
            cohort=purpose.cohort,
            cases=len(rows),
            excluded=asked - len(rows),
            events=int(outcome.sum()),
            sites=tuple(sorted({str(site) for site in table.sites[rows] if site})),
            licence=purpose.licence,
            attribution=purpose.attribution,
            performance=Performance(
                auc=area.auc, auc_low=area.low, auc_high=area.high, method=method_of(study, held_out, protocol)
            ),
        ),
        protocol=protocol.model_copy(update={"population": populations, "deep": deep}),
        features=tuple(
            ModelFeature(
                name=name,
                mean=float(terms.means[index]),
                sd=float(terms.deviations[index]),
                coefficient=None if terms.coefficients is None else float(terms.coefficients[index]),
                minimum=float(columns[:, index].min()),
                maximum=float(columns[:, index].max()),
            )
            for index, name in enumerate(names)
        ),
        intercept=terms.intercept,
        classifier=terms.classifier,
        nomogram=_nomogram(learned, table, protocol),
        cutoff=_cut_off(fitted, outcome, held_out, table.outcome),
        calibration=_calibration(fitted, held_out, table.outcome, log_odds=learned.nomogram is not None),
        coefficient_covariance=None if terms.covariance is None else tuple(map(tuple, terms.covariance.tolist())),
        combat=None
        if prepared.combat is None
        else prepared.combat.subset([name for name in names if not name.startswith(CLINICAL)]),
        background=tuple(map(tuple, columns.tolist())),
        versions={**versions(), "engine": study.features.engine},
    )


def method_of(study: MeasuredStudy, held_out: HeldOut, protocol: Protocol) -> str:
    """How a performance was estimated, as a sentence without its full stop."""
    learning = protocol.learning
    inside = [*_steps(learning), "the choice of region and sequences"]
    if protocol.harmonisation is not None:
        inside.insert(0, "harmonisation")
    if protocol.robustness is not None:
        inside.insert(0, "robustness of features")
    once = ""
    if study.features.populations[0]:
        if study.frozen_habitats:
            once = "; habitats fitted once on all cases, without their outcomes"
        elif all(name in protocol.population for name in study.features.populations[0]):
            once = "; habitats taken from the protocol"
        else:
            inside.insert(0, "habitats")
    repeats = f"mean of {learning.repeats} repeats of " if learning.repeats > 1 else ""
    method = (
        f"{repeats}nested {learning.folds}-fold cross-validation, "
        f"{', '.join(inside[:-1])} and {inside[-1]} inside the folds{once}; " + interval_of(study.cohort, held_out=True)
    )
    if held_out.empty:
        method += f"; in {held_out.empty} of {held_out.fits} folds no score could be learned"
    return method


def interval_of(cohort: Cohort, *, held_out: bool) -> str:
    """The method of the confidence interval of the cohort's AUC.

    Args:
        held_out: in a cross-validation; else the score was learned from other patients.
    """
    ids = [case.case_id for case in cohort.cases]
    several = len({cohort.patient_of(case_id) for case_id in ids}) < len(ids)
    name = "DeLong interval for clustered data (Obuchowski), by patient" if several else "DeLong interval"
    return f"{name}, {OVERLAP_CORRECTED}" if held_out else name


def _steps(learning: LearningSettings) -> list[str]:
    """The learning steps, in words."""
    if learning.search is not None:
        scouts = ["scout models"] if learning.scouts is not None else []
        return [*scouts, "the search over selectors and classifiers"]
    fusion = ["the fusing classifier"] if learning.fusion is not None else []
    nomogram = ["the nomogram with its clinical factors"] if learning.nomogram is not None else []
    return ["selection", "LASSO", *fusion, *nomogram]


def _cut_off(fitted: np.ndarray, outcome: np.ndarray, held_out: HeldOut, every_outcome: np.ndarray) -> CutOff:
    value = youden_cut_off(outcome, fitted)
    sensitivity, specificity = sensitivity_and_specificity(outcome, fitted, value)
    # Each fold has its own cut-off: the model's cut-off has seen these cases.
    unseen = count_calls(every_outcome, held_out.scores, held_out.cut_offs)
    events = unseen.true_positives + unseen.false_negatives
    others = unseen.true_negatives + unseen.false_positives
    return CutOff(
        value=value,
        rule="largest sensitivity + specificity - 1 on the training scores; positive when score >= cut-off",
        training=OperatingPoint(sensitivity=sensitivity, specificity=specificity),
        held_out=OperatingPoint(sensitivity=unseen.true_positives / events, specificity=unseen.true_negatives / others),
    )


def _nomogram(learned: Learned, table: FoldTable, protocol: Protocol) -> NomogramPart | None:
    settings = protocol.learning.nomogram
    if learned.nomogram is None or settings is None:
        return None
    clinical = fit_clinical_model(table.covariates, table.outcome, settings, seed=protocol.seed)
    return frozen_nomogram(
        learned.nomogram.nomogram, learned.nomogram.inner, table.covariates, table.outcome,
        bootstraps=settings.bootstraps, seed=protocol.seed, clinical=clinical,
    )  # fmt: skip


def frozen_nomogram(
    fitted: Nomogram,
    rad_scores: np.ndarray,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    *,
    bootstraps: int,
    seed: int,
    clinical: Nomogram | None = None,
) -> NomogramPart:
    """The nomogram as the model file holds it.

    Args:
        rad_scores, covariates, outcome: of the training cases, on which the nomogram was fitted.
        bootstraps: for the corrected calibration; 0: none.
        clinical: the model of clinical factors alone, of the same cases.
    """
    assert fitted.rad_score_range is not None
    calibration = hosmer_lemeshow = None
    if bootstraps:
        with suppress(EvaluationError):  # the model, or most of its refits, have no finite coefficients
            columns = fitted.columns(rad_scores, covariates)
            corrected = corrected_calibration(columns, outcome, bootstraps=bootstraps, seed=seed)
            calibration = CalibrationCurve.model_validate(corrected)
    with suppress(EvaluationError):  # too few cases, or too similar probabilities, to form the test's groups
        test = hosmer_lemeshow_test(outcome, fitted.probability(rad_scores, covariates))
        hosmer_lemeshow = HosmerLemeshow(statistic=test.statistic, degrees=test.degrees or 1, p=test.p)
    coefficients = fitted.model.coefficients.tolist()
    minimum, maximum = fitted.rad_score_range
    return NomogramPart(
        intercept=fitted.model.intercept,
        rad_score=RadScoreTerm(coefficient=coefficients[0], minimum=minimum, maximum=maximum),
        inputs=_inputs(fitted),
        terms=_terms(fitted.terms[1:], coefficients[1:]),
        covariance=tuple(map(tuple, fitted.model.covariance.tolist())),
        linear_minimum=fitted.linear_range[0],
        linear_maximum=fitted.linear_range[1],
        univariate=tuple(map(UnivariateLine.model_validate, fitted.univariate)),
        multivariable=fitted.multivariable,
        left_out=dict(fitted.left_out),
        calibration=calibration,
        hosmer_lemeshow=hosmer_lemeshow,
        clinical_model=None
        if clinical is None
        else ClinicalModelPart(
            intercept=clinical.model.intercept,
            inputs=_inputs(clinical),
            terms=_terms(clinical.terms, clinical.model.coefficients.tolist()),
        ),
    )


def _inputs(fitted: Nomogram) -> tuple[ClinicalInput, ...]:
    return tuple(
        ClinicalInput(
            name=factor.name, kind=factor.kind, levels=factor.levels, labels=factor.levels, usual=factor.usual,
            minimum=factor.minimum, maximum=factor.maximum,
        )
        for factor in fitted.factors
    )  # fmt: skip


def _terms(names: Sequence[str], coefficients: Sequence[float]) -> tuple[ClinicalTerm, ...]:
    return tuple(ClinicalTerm(term=name, coefficient=value) for name, value in zip(names, coefficients))


def _calibration(
    fitted: np.ndarray, held_out: HeldOut, outcome: np.ndarray, *, log_odds: bool = False
) -> Calibration | None:
    """The calibration of the held-out scores, in SD of training scores, on the scale of the model's scores.

    The score of a nomogram is the log odds, as its axes show them.
    """
    platt = calibrate(held_out.scores, outcome)
    if platt.slope <= 0:
        return None
    if log_odds:
        method = "logistic regression of the nomogram, on rad-scores that had not seen the cases"
        return Calibration(slope=1.0, intercept=0.0, covariance=((0.0, 0.0), (0.0, 0.0)), method=method)
    mean, deviation = float(fitted.mean()), float(fitted.std())
    change = np.array([[1 / deviation, 0.0], [-mean / deviation, 1.0]])
    covariance = change @ platt.covariance @ change.T
    return Calibration(
        slope=platt.slope / deviation,
        intercept=platt.intercept - platt.slope * mean / deviation,
        covariance=tuple(map(tuple, covariance.tolist())),
        method="Platt scaling of the held-out scores of the cross-validation",
    )
