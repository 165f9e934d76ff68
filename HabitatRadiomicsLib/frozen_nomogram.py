"""A nomogram as a part of a model file: axes, odds ratios, and how well its risks fit the cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.evaluation import hosmer_lemeshow_test
from HabitatRadiomicsLib.evaluation.corrected_calibration import corrected_calibration
from HabitatRadiomicsLib.learning.clinical_factors import ClinicalFactor
from HabitatRadiomicsLib.learning.nomogram_score import NomogramScore
from HabitatRadiomicsLib.model.nomogram_part import (
    CalibrationCurve,
    ClinicalInput,
    ClinicalTerm,
    HosmerLemeshow,
    NomogramPart,
    OddsRatioLine,
    RadScoreTerm,
    UnivariateLine,
)


def frozen_nomogram(
    score: NomogramScore,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    *,
    bootstraps: int,
    seed: int,
) -> NomogramPart:
    """What a model file says of a nomogram.

    Args:
        covariates, outcome: of the training cases, in the order of ``score.inner``.
        bootstraps: for the corrected calibration; 0: none.
    """
    nomogram = score.nomogram
    reach = nomogram.rad_score_range
    assert reach is not None
    model = nomogram.model
    return NomogramPart(
        intercept=model.intercept,
        rad_score=RadScoreTerm(coefficient=float(model.coefficients[0]), minimum=reach[0], maximum=reach[1]),
        inputs=tuple(_input(factor) for factor in nomogram.factors),
        terms=tuple(
            ClinicalTerm(term=term, coefficient=float(value))
            for term, value in zip(nomogram.terms[1:], model.coefficients[1:])
        ),
        covariance=tuple(tuple(float(value) for value in row) for row in model.covariance),
        linear_minimum=nomogram.linear_range[0],
        linear_maximum=nomogram.linear_range[1],
        univariate=tuple(
            UnivariateLine(
                factor=row.factor, kind=row.kind, test=row.test, statistic=row.statistic, p=row.p,
                without=row.without, with_outcome=row.with_outcome,
            )
            for row in nomogram.univariate
        ),
        multivariable=tuple(
            OddsRatioLine(term=row.term, coefficient=row.coefficient, standard_error=row.standard_error, p=row.p)
            for row in nomogram.multivariable
        ),
        left_out=dict(nomogram.left_out),
        calibration=_calibration(score, covariates, outcome, bootstraps, seed),
        hosmer_lemeshow=_hosmer_lemeshow(nomogram.probability(score.inner, covariates), outcome),
    )  # fmt: skip


def _input(factor: ClinicalFactor) -> ClinicalInput:
    return ClinicalInput(
        name=factor.name, kind=factor.kind, levels=factor.levels, labels=factor.levels, usual=factor.usual,
        minimum=factor.minimum, maximum=factor.maximum,
    )  # fmt: skip


def _calibration(
    score: NomogramScore, covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, bootstraps: int, seed: int
) -> CalibrationCurve | None:
    """None where it was not asked for, or cannot be had of these cases."""
    if not bootstraps:
        return None
    columns = score.nomogram.columns(score.inner, covariates)
    try:
        found = corrected_calibration(columns, outcome, bootstraps=bootstraps, seed=seed)
    except EvaluationError:
        return None
    return CalibrationCurve(
        predicted=tuple(found.predicted.tolist()),
        apparent=tuple(found.apparent.tolist()),
        corrected=tuple(found.corrected.tolist()),
        mean_absolute_error=found.mean_absolute_error,
        quantile_90=found.quantile_90,
        samples=found.samples,
    )


def _hosmer_lemeshow(probability: np.ndarray, outcome: np.ndarray) -> HosmerLemeshow | None:
    """None where the cases are too few, or too alike, for its groups."""
    try:
        found = hosmer_lemeshow_test(outcome, probability)
    except EvaluationError:
        return None
    return HosmerLemeshow(statistic=found.statistic, degrees=found.degrees, p=found.p)
