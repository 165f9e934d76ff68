"""Bias-corrected calibration against a plain computation of its definition, sample by sample with statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.nonparametric.smoothers_lowess import lowess as statsmodels_lowess

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.corrected_calibration import corrected_calibration, weighted_logistic_fits

_CASES = 90


def _made_up(seed: int = 3, cases: int = _CASES, noise: int = 2) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    columns = generator.normal(size=(cases, 1 + noise)) * np.array([1.0, 20.0, 0.01, *[1.0] * noise])[: 1 + noise]
    outcome = (generator.random(cases) < 1 / (1 + np.exp(0.4 - 1.2 * columns[:, 0]))).astype(int)
    return columns, outcome


def _logit(columns: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    return (
        sm.Logit(outcome, sm.add_constant(columns, has_constant="add")).fit(disp=0, method="newton", tol=1e-12).params
    )


def _predict(coefficients: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(coefficients[0] + columns @ coefficients[1:])))


def _smooth(probability: np.ndarray, outcome: np.ndarray, points: np.ndarray) -> np.ndarray:
    """R's lowess with iter = 0, by statsmodels' implementation of the same algorithm."""
    curve = statsmodels_lowess(outcome, probability, frac=2 / 3, it=0, delta=0.01 * np.ptp(probability))
    return np.interp(points, curve[:, 0], curve[:, 1], left=np.nan, right=np.nan)


def test_equals_its_definition() -> None:
    columns, outcome = _made_up()
    found = corrected_calibration(columns, outcome, bootstraps=25, seed=11)
    fitted = _predict(_logit(columns, outcome), columns)
    points = np.linspace(np.sort(fitted)[4], np.sort(fitted)[-5], 50)
    assert found.predicted == pytest.approx(points, abs=1e-9)
    apparent = _smooth(fitted, outcome, points)
    assert found.apparent == pytest.approx(apparent, abs=1e-6)
    optimism = []
    for number in range(25):
        sample = np.random.default_rng((11, number)).integers(0, _CASES, _CASES)
        own = _logit(columns[sample], outcome[sample])
        trained = _smooth(_predict(own, columns[sample]), outcome[sample], points)
        optimism.append(trained - _smooth(_predict(own, columns), outcome, points))
    expected = apparent - np.nanmean(optimism, axis=0)
    assert found.corrected == pytest.approx(expected, abs=1e-5)
    assert np.abs(expected - apparent).max() > 0.02  # ... and there is something to correct
    inside = (fitted >= points[0]) & (fitted <= points[-1])
    error = np.abs(fitted[inside] - np.interp(fitted[inside], points, found.corrected))
    assert found.mean_absolute_error == pytest.approx(error.mean())
    assert found.quantile_90 == pytest.approx(np.quantile(error, 0.9))
    assert found.samples == 25


def test_weighted_fits_equal_statsmodels() -> None:
    columns, outcome = _made_up(seed=5)
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    design = np.column_stack([np.ones(_CASES), standard])
    drawn = np.random.default_rng(0).integers(0, _CASES, (20, _CASES))
    weights = np.array([np.bincount(sample, minlength=_CASES) for sample in drawn])
    fits = weighted_logistic_fits(design, outcome, weights)
    for sample, fit in zip(drawn, fits):
        assert fit == pytest.approx(_logit(standard[sample], outcome[sample]), abs=1e-7)


def test_separated_and_singular_samples_have_no_fit() -> None:
    outcome = np.array([0, 0, 0, 1, 1, 1])
    design = np.column_stack([np.ones(6), [-1.5, -1, 0.2, 0.1, 1, 1.5]])
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 1, 0, 0, 2, 1], [3, 0, 0, 3, 0, 0], [1, 1, 1, 0, 0, 0]])
    fits = weighted_logistic_fits(design, outcome, weights)
    assert np.isfinite(fits[0]).all()
    assert np.isnan(fits[1:]).all()


def test_more_noise_has_more_optimism() -> None:
    """Fitted to noise, probabilities are too extreme: the corrected curve is flatter than the apparent one."""
    columns, outcome = _made_up(seed=9, cases=80, noise=8)
    found = corrected_calibration(columns, outcome, bootstraps=200, seed=1)
    slope = [np.polyfit(found.predicted, curve, 1)[0] for curve in (found.apparent, found.corrected)]
    assert slope[1] < slope[0] - 0.1


def test_same_seed_same_bytes_and_any_scale_same_curve() -> None:
    columns, outcome = _made_up()
    first, again = (corrected_calibration(columns, outcome, bootstraps=20, seed=4) for _ in range(2))
    assert first.corrected.tobytes() == again.corrected.tobytes()
    other = corrected_calibration(columns * [1e3, 1e-4, 7] + 5, outcome, bootstraps=20, seed=4)
    assert other.corrected == pytest.approx(first.corrected, abs=1e-7)
    assert (
        corrected_calibration(columns, outcome, bootstraps=20, seed=5).corrected.tobytes() != first.corrected.tobytes()
    )


def test_separated_outcomes_are_told() -> None:
    columns = np.linspace(-1, 1, 30)[:, None]
    with pytest.raises(EvaluationError, match="separated by the model's terms"):
        corrected_calibration(columns, (columns[:, 0] > 0).astype(int), bootstraps=10, seed=0)


def test_a_term_that_does_not_vary_is_told() -> None:
    columns, outcome = _made_up()
    with pytest.raises(EvaluationError, match="depend on one another"):
        corrected_calibration(np.column_stack([columns, np.ones(_CASES)]), outcome, bootstraps=10, seed=0)


@pytest.mark.parametrize(("cases", "bootstraps", "message"), [(10, 10, "these are 10 cases"), (90, 0, "0 samples")])
def test_too_few_cases_or_samples_are_told(cases: int, bootstraps: int, message: str) -> None:
    columns, outcome = _made_up()
    with pytest.raises(EvaluationError, match=message):
        corrected_calibration(columns[:cases], outcome[:cases], bootstraps=bootstraps, seed=0)


@pytest.mark.parametrize(
    ("columns", "outcome", "message"),
    [
        (np.ones((20, 1)), np.zeros(20), "at least 1 of each"),
        (np.ones((19, 1)), np.arange(20) % 2, "do not belong together"),
        (np.full((20, 1), np.nan), np.arange(20) % 2, "not finite"),
    ],
)
def test_bad_tables_are_told(columns: np.ndarray, outcome: np.ndarray, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        corrected_calibration(columns, outcome, bootstraps=5, seed=0)
