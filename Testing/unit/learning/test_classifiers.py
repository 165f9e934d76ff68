"""Classifiers learn what there is, say it as a score, and the linear ones in their coefficients."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.classifiers import fit_classifier, make_classifier
from HabitatRadiomicsLib.model.classifier import decision, linear_terms
from HabitatRadiomicsLib.protocol import ClassifierName
from HabitatRadiomicsLib.statistics import auc_with_interval

CLASSIFIERS = get_args(ClassifierName)


def _table(seed: int, cases: int = 90, effect: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    outcome = (np.arange(cases) % 3 == 0).astype(int)
    values = np.random.default_rng(seed).normal(size=(cases, 4))
    values[:, 1] += effect * outcome
    return values, outcome


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_finds_an_effect_on_new_cases(name: ClassifierName) -> None:
    estimator = fit_classifier(name, *_table(1), seed=0)
    values, outcome = _table(2, cases=300)
    scores = decision(estimator, values)
    assert scores.shape == (300,)
    assert auc_with_interval(outcome, scores).auc > 0.82


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_scores_are_the_same_each_time(name: ClassifierName) -> None:
    values, outcome = _table(3)
    first = decision(fit_classifier(name, values, outcome, seed=4), values)
    assert decision(fit_classifier(name, values.copy(), outcome, seed=4), values).tobytes() == first.tobytes()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_score_is_the_decision_function_or_log_odds_within_bounds(name: ClassifierName) -> None:
    values, outcome = _table(5, effect=8.0)
    estimator = fit_classifier(name, values, outcome, seed=0)
    scores = decision(estimator, values)
    if name in ("svm", "logistic-regression", "lda"):
        np.testing.assert_allclose(scores, estimator.decision_function(values), rtol=0, atol=1e-12)
    else:
        probability = np.clip(estimator.predict_proba(values)[:, 1], 0.01, 0.99)
        np.testing.assert_allclose(1 / (1 + np.exp(-scores)), probability, rtol=0, atol=1e-12)
        assert np.abs(scores).max() <= np.log(99) + 1e-12


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_linear_terms_are_the_score(name: ClassifierName) -> None:
    values, outcome = _table(6)
    estimator = fit_classifier(name, values, outcome, seed=0)
    terms = linear_terms(estimator)
    assert (terms is not None) is (name in ("logistic-regression", "lda"))
    if terms is not None:
        intercept, coefficients = terms
        assert (intercept + values @ coefficients).tobytes() == decision(estimator, values).tobytes()


def test_logistic_regression_is_at_the_optimum_of_its_objective() -> None:
    """Gradient of half the squared norm of the coefficients and the log loss, the intercept not penalised."""
    values, outcome = _table(7)
    terms = linear_terms(fit_classifier("logistic-regression", values, outcome, seed=0))
    assert terms is not None
    residual = 1 / (1 + np.exp(-(terms[0] + values @ terms[1]))) - outcome
    assert residual.sum() == pytest.approx(0, abs=1e-4)
    np.testing.assert_allclose(values.T @ residual + terms[1], 0, atol=1e-4)


@pytest.mark.parametrize(("cases", "neighbours"), [(None, 5), (100, 5), (20, 5), (12, 3), (5, 1), (3, 1)])
def test_few_cases_have_fewer_neighbours(cases: int | None, neighbours: int) -> None:
    assert make_classifier("knn", seed=0, cases=cases).n_neighbors == neighbours


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_fewest_cases_that_a_fold_can_have(name: ClassifierName) -> None:
    values, outcome = np.array([[0.0], [0.4], [2.0], [2.2]]), np.array([0, 0, 1, 1])
    assert np.isfinite(decision(fit_classifier(name, values, outcome, seed=0), values)).all()


@pytest.mark.parametrize("wrong", ["gap", "one outcome"])
def test_what_cannot_be_learned_from_is_told(wrong: str) -> None:
    values, outcome = _table(8)
    if wrong == "gap":
        values[3, 1] = np.nan
    else:
        outcome = np.ones_like(outcome)
    with pytest.raises(LearningError, match="finite" if wrong == "gap" else "same outcome"):
        fit_classifier("svm", values, outcome, seed=0)
