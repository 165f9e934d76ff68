"""A fitted nomogram as the model file has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, ModelError
from HabitatRadiomicsLib.learning.nomogram import Nomogram, NomogramScore
from HabitatRadiomicsLib.model.nomogram import (
    CalibrationCurve,
    ClinicalInput,
    ClinicalModelPart,
    ClinicalTerm,
    HosmerLemeshow,
    NomogramPart,
    OddsRatioLine,
    RadScoreTerm,
    UnivariateLine,
)
from HabitatRadiomicsLib.statistics import hosmer_lemeshow_test
from HabitatRadiomicsLib.statistics.calibration import CalibrationTest
from HabitatRadiomicsLib.statistics.corrected_calibration import CorrectedCalibration, corrected_calibration


def nomogram_part(
    fitted: Nomogram,
    *,
    calibration: CorrectedCalibration | None = None,
    hosmer_lemeshow: CalibrationTest | None = None,
    clinical: Nomogram | None = None,
    units: Mapping[str, str] | None = None,
) -> NomogramPart:
    """The part of the model file.

    Args:
        calibration, hosmer_lemeshow: of the final model on its training cases.
        clinical: the model of clinical factors alone.
        units: of numeric inputs, by name.

    Raises:
        ModelError: a clinical model, which has no rad-score.
    """
    if fitted.rad_score_range is None:
        raise ModelError("A clinical model without a rad-score is no nomogram.")
    low, high = fitted.rad_score_range
    coefficients = fitted.model.coefficients.tolist()
    return NomogramPart(
        intercept=fitted.model.intercept,
        rad_score=RadScoreTerm(coefficient=coefficients[0], minimum=low, maximum=high),
        inputs=_inputs(fitted, units or {}),
        terms=_terms(fitted.terms[1:], coefficients[1:]),
        covariance=tuple(map(tuple, fitted.model.covariance.tolist())),
        linear_minimum=fitted.linear_range[0],
        linear_maximum=fitted.linear_range[1],
        univariate=tuple(UnivariateLine(**vars(row)) for row in fitted.univariate),
        multivariable=tuple(OddsRatioLine(**vars(row)) for row in fitted.multivariable),
        left_out=dict(fitted.left_out),
        calibration=None if calibration is None else _curve(calibration),
        hosmer_lemeshow=None
        if hosmer_lemeshow is None
        else HosmerLemeshow(
            statistic=hosmer_lemeshow.statistic, degrees=hosmer_lemeshow.degrees or 1, p=hosmer_lemeshow.p
        ),
        clinical_model=None
        if clinical is None
        else ClinicalModelPart(
            intercept=clinical.model.intercept,
            inputs=_inputs(clinical, units or {}),
            terms=_terms(clinical.terms, clinical.model.coefficients.tolist()),
        ),
    )


def _inputs(fitted: Nomogram, units: Mapping[str, str]) -> tuple[ClinicalInput, ...]:
    return tuple(
        ClinicalInput(
            name=one.name, kind=one.kind, levels=one.levels, labels=one.levels, usual=one.usual,
            minimum=one.minimum, maximum=one.maximum, unit=units.get(one.name, ""),
        )
        for one in fitted.factors
    )  # fmt: skip


def _terms(names: Sequence[str], coefficients: Sequence[float]) -> tuple[ClinicalTerm, ...]:
    return tuple(ClinicalTerm(term=name, coefficient=value) for name, value in zip(names, coefficients))


def _curve(found: CorrectedCalibration) -> CalibrationCurve:
    return CalibrationCurve(
        predicted=tuple(found.predicted.tolist()),
        apparent=tuple(found.apparent.tolist()),
        corrected=tuple(found.corrected.tolist()),
        mean_absolute_error=found.mean_absolute_error,
        quantile_90=found.quantile_90,
        samples=found.samples,
    )


def frozen_nomogram(
    score: NomogramScore,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    *,
    bootstraps: int,
    seed: int,
    clinical: Nomogram | None = None,
) -> NomogramPart:
    """What a model file says of a nomogram.

    Args:
        covariates, outcome: of the training cases, in the order of ``score.inner``.
        bootstraps: for the corrected calibration; 0: none.
        clinical: the model of clinical factors alone, of the same cases.
    """
    return nomogram_part(
        score.nomogram,
        calibration=_calibration(score, covariates, outcome, bootstraps, seed),
        hosmer_lemeshow=_hosmer_lemeshow(score.nomogram.probability(score.inner, covariates), outcome),
        clinical=clinical,
    )


def _calibration(
    score: NomogramScore, covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, bootstraps: int, seed: int
) -> CorrectedCalibration | None:
    """None where it was not asked for, or cannot be had of these cases."""
    if not bootstraps:
        return None
    columns = score.nomogram.columns(score.inner, covariates)
    try:
        return corrected_calibration(columns, outcome, bootstraps=bootstraps, seed=seed)
    except EvaluationError:
        return None


def _hosmer_lemeshow(probability: np.ndarray, outcome: np.ndarray) -> CalibrationTest | None:
    """None where the cases are too few, or too alike, for its groups."""
    try:
        return hosmer_lemeshow_test(outcome, probability)
    except EvaluationError:
        return None
