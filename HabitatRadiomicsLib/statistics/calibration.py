"""Calibration of probabilities: recalibration, Brier score, tests, and the calibration curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, LearningError
from HabitatRadiomicsLib.statistics.checking import checked_probability
from HabitatRadiomicsLib.statistics.intervals import NORMAL_QUANTILE, Estimate, wilson
from HabitatRadiomicsLib.statistics.logistic import logistic_model


@dataclass(frozen=True)
class Recalibration:
    """Logistic regression of the outcome on the log odds (Cox 1958, doi 10.1093/biomet/45.3-4.562); Wald intervals.

    Attributes:
        slope: 1 is ideal; below 1, probabilities are too extreme, as after overfitting.
        intercept: of the same fit.
        in_the_large: intercept with the slope fixed at 1. 0 is ideal; below 0, probabilities are too high on average.
    """

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate


@dataclass(frozen=True)
class BrierScore:
    """Mean squared error of the probabilities.

    Attributes:
        score: 0 is perfect.
        scaled: 1 is perfect, 0 as good as the prevalence for everybody (Steyerberg 2010,
            doi 10.1097/EDE.0b013e3181c30fb2).
    """

    score: float
    scaled: float


@dataclass(frozen=True)
class CalibrationTest:
    """A statistic and its p value, which is small where calibration is poor; ``degrees`` of freedom, if there are."""

    statistic: float
    p: float
    degrees: int | None = None


def recalibration(outcome: np.ndarray, probability: np.ndarray) -> Recalibration:
    """Calibration slope, intercept and calibration-in-the-large.

    Raises:
        EvaluationError: the probabilities are exactly 0 or 1, separate the outcomes completely, or do not vary.
    """
    outcome, probability = checked_probability(outcome, probability)
    certain = (probability == 0) | (probability == 1)
    if certain.any():
        raise EvaluationError(
            f"{certain.sum()} of {len(probability)} probabilities are exactly 0 or 1, and so have no log odds.",
            remedy="Calibrate the model first, for example by Platt scaling.",
        )
    logit = np.log(probability) - np.log1p(-probability)
    if np.ptp(logit) == 0:
        raise EvaluationError("All probabilities are equal: they have no calibration slope.")
    try:
        both = logistic_model(logit[:, None], ["log odds"], outcome)
        shift = logistic_model(np.empty((len(outcome), 0)), [], outcome, offset=logit)
    except LearningError as error:
        raise EvaluationError(
            "The logistic regression has no solution: the scores separate the outcomes completely, or do not vary.",
            remedy="Calibration cannot be judged on these cases; more of them, or held-out scores, are needed.",
        ) from error
    return Recalibration(
        _wald(float(both.coefficients[0]), both.covariance[1, 1]),
        _wald(both.intercept, both.covariance[0, 0]),
        _wald(shift.intercept, shift.covariance[0, 0]),
    )


def _wald(value: float, variance: float) -> Estimate:
    reach = NORMAL_QUANTILE * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def brier_score(outcome: np.ndarray, probability: np.ndarray) -> BrierScore:
    """Brier score, plain and scaled."""
    outcome, probability = checked_probability(outcome, probability)
    score = float(np.mean((probability - outcome) ** 2))
    prevalence = float(outcome.mean())
    return BrierScore(score, 1 - score / (prevalence * (1 - prevalence)))


def spiegelhalter_test(outcome: np.ndarray, probability: np.ndarray) -> CalibrationTest:
    """Spiegelhalter's z (1986, doi 10.1002/sim.4780050506), two-sided: whether the Brier score is as large as expected.

    Raises:
        EvaluationError: all probabilities are 0, 0.5 or 1, for which the test has no variance.
    """
    outcome, probability = checked_probability(outcome, probability)
    weight = 1 - 2 * probability
    variance = float(np.sum(weight**2 * probability * (1 - probability)))
    if variance == 0:
        raise EvaluationError("All probabilities are 0, 0.5 or 1, and Spiegelhalter's test says nothing about these.")
    z = float(np.sum((outcome - probability) * weight)) / math.sqrt(variance)
    return CalibrationTest(z, math.erfc(abs(z) / math.sqrt(2)))


def hosmer_lemeshow_test(
    outcome: np.ndarray, probability: np.ndarray, *, groups: int = 10, held_out: bool = False
) -> CalibrationTest:
    """Hosmer and Lemeshow's chi-square over groups by quantiles (1980, doi 10.1080/03610928008827941).

    Where probabilities are equal, fewer groups may remain than were requested.

    Args:
        held_out: the model never saw these cases: as many degrees of freedom as groups. Otherwise two fewer.

    Raises:
        EvaluationError: fewer than three groups, or a group whose probabilities are all 0 or all 1.
    """
    from scipy.special import chdtrc

    outcome, probability = checked_probability(outcome, probability)
    member = _quantile_groups(probability, groups)
    size = np.bincount(member)
    if len(size) < 3:
        raise EvaluationError(
            f"The probabilities make {len(size)} groups, and the Hosmer-Lemeshow test needs at least three.",
            remedy="Ask for more groups, or leave out the test where most probabilities are equal.",
        )
    observed, expected = np.bincount(member, outcome), np.bincount(member, probability)
    variance = expected * (1 - expected / size)
    if (variance <= 0).any():
        raise EvaluationError(
            "A group of the Hosmer-Lemeshow test has only probabilities of exactly 0 or 1.",
            remedy="Calibrate the model first, or ask for fewer groups.",
        )
    statistic = float(np.sum((observed - expected) ** 2 / variance))
    degrees = len(size) if held_out else len(size) - 2
    return CalibrationTest(statistic, float(chdtrc(degrees, statistic)), degrees)


def _quantile_groups(probability: np.ndarray, groups: int) -> np.ndarray:
    """The group of each case, from 0, between quantiles of the probability; equal probabilities stay together, and
    groups without cases are left out."""
    edges = np.quantile(probability, np.arange(1, groups) / groups)
    return np.unique(np.searchsorted(edges, probability, "left"), return_inverse=True)[1]


#: Cases per group that justify a point on the curve.
_GROUP = 10


@dataclass(frozen=True)
class CalibrationGroup:
    """Cases of similar probability: number, mean probability, and observed proportion with its Wilson interval."""

    cases: int
    predicted: float
    observed: Estimate


@dataclass(frozen=True)
class SmoothCalibration:
    """The smooth curve, and absolute differences between it and the probabilities over the cases.

    Attributes:
        predicted, observed: points of the curve, shape (points,); predicted ascends.
        e_max, e_90, e_avg: largest, 90th percentile and mean of the differences.
    """

    predicted: np.ndarray
    observed: np.ndarray
    e_max: float
    e_90: float
    e_avg: float


def calibration_groups(outcome: np.ndarray, probability: np.ndarray) -> list[CalibrationGroup]:
    """The calibration curve by one to ten groups of about equal size, of ten cases at least, ascending.

    The intervals belong to groups and not to the smooth curve: with the few cases of most radiomics studies, a smoother
    shows shapes that are chance (Van Calster 2019, doi 10.1186/s12916-019-1466-7).
    """
    outcome, probability = checked_probability(outcome, probability)
    member = _quantile_groups(probability, min(10, max(1, len(outcome) // _GROUP)))
    groups = [member == group for group in range(member.max() + 1)]
    return [
        CalibrationGroup(
            int(inside.sum()),
            float(probability[inside].mean()),
            wilson(int(outcome[inside].sum()), int(inside.sum())),
        )
        for inside in groups
    ]


def smooth_calibration(outcome: np.ndarray, probability: np.ndarray) -> SmoothCalibration:
    """The lowess curve, and E-max, E-90 and E-avg as R's ``rms::val.prob`` defines them."""
    outcome, probability = checked_probability(outcome, probability)
    predicted, observed = lowess(probability, outcome.astype(float))
    error = np.abs(probability - np.interp(probability, predicted, observed))
    return SmoothCalibration(
        predicted, observed, float(error.max()), float(np.quantile(error, 0.9)), float(error.mean())
    )


def lowess(x: np.ndarray, y: np.ndarray, *, share: float = 2 / 3) -> tuple[np.ndarray, np.ndarray]:
    """Cleveland's smoother (1979, doi 10.1080/01621459.1979.10481038) without its robustness iterations.

    The values are those of R's ``lowess(x, y, f = share, iter = 0)``: lines are fitted at knots about a hundredth of
    the range apart, and between the knots the curve is straight. statsmodels' ``lowess`` places its knots differently:
    it differs by up to 2e-5 where all x are distinct, and may be NaN where many x are equal.

    Args:
        x, y: shape (points,), in any order.
        share: of the points that have weight in each line.

    Returns:
        The knots, ascending, and the smooth values there; ``numpy.interp`` gives the curve between them.
    """
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    near = min(len(x), max(2, int(share * len(x) + 1e-7)))
    width = x[-1] - x[0]
    knots = _knots(np.unique(x), 0.01 * width)
    distance = np.abs(knots[:, None] - x)
    reach = np.partition(distance, near - 1, axis=1)[:, near - 1, None]
    # Where the reach is 0, only the points at the knot itself count, all with the same weight.
    relative = np.divide(distance, reach, out=np.where(distance == 0, 0.0, np.inf), where=reach > 0)
    weight = np.where(relative <= 0.001, 1.0, np.where(relative <= 0.999, (1 - np.minimum(relative, 1) ** 3) ** 3, 0.0))
    weight /= weight.sum(axis=1, keepdims=True)
    centre = weight @ x
    offset = x - centre[:, None]
    spread = np.sum(weight * offset**2, axis=1)
    # Points that nearly coincide determine a mean but not a slope.
    sloped = (np.sqrt(spread) > 0.001 * width) & (reach[:, 0] > 0)
    slope = np.divide(np.sum(weight * offset * y, axis=1), spread, out=np.zeros(len(knots)), where=sloped)
    return knots, weight @ y + (knots - centre) * slope


def _knots(values: np.ndarray, apart: float) -> np.ndarray:
    """From the lowest value to the highest: always the farthest one within ``apart``, or else the next."""
    chosen = [0]
    while chosen[-1] < len(values) - 1:
        farthest = int(np.searchsorted(values, values[chosen[-1]] + apart, "right")) - 1
        chosen.append(max(farthest, chosen[-1] + 1))
    return values[chosen]
