"""Fitted scores become terms of a model file that give the same scores."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.learning.fusion import fit_fused
from HabitatRadiomicsLib.learning.radscore import fit_rad_score
from HabitatRadiomicsLib.learning.search import fit_search
from HabitatRadiomicsLib.learning.strategy import FittedScore
from HabitatRadiomicsLib.model.classifier import decision, load_classifier
from HabitatRadiomicsLib.protocol import ClassifierName, FusionSettings, LearningSettings, SearchSettings
from HabitatRadiomicsLib.training.frozen_terms import FrozenTerms, frozen_terms

CASES = 60
NAMES = tuple(f"CT_{'whole' if number < 8 else 'ring'}_original_glcm_F{number}" for number in range(16))
LEARNING = LearningSettings(folds=4, bootstraps=50)


def a_table() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(4)
    outcome = np.arange(CASES) % 2
    values = generator.normal(5, 2, size=(CASES, len(NAMES)))
    values[:, [0, 1, 8, 9]] += 2 * outcome[:, None]
    return values, outcome


def searched(classifier: ClassifierName) -> FittedScore:
    values, outcome = a_table()
    settings = SearchSettings(selectors=("anova",), classifiers=(classifier,), features=(4,))
    return fit_search(values, outcome, settings, folds=4, seed=1)


def fused(classifier: ClassifierName) -> FittedScore:
    values, outcome = a_table()
    regions = {"CT whole": np.arange(6)}
    fusion = FusionSettings(classifiers=(classifier,), deep_features=3)
    return fit_fused(values, outcome, regions, np.arange(6, 16), LEARNING, fusion, seed=1)


def rad_score(_: ClassifierName) -> FittedScore:
    return fit_rad_score(*a_table(), LEARNING, seed=1)


def scores_by_terms(terms: FrozenTerms, values: np.ndarray) -> np.ndarray:
    """As a reader of the model file would compute them."""
    z = (values[:, terms.columns] - terms.means) / terms.deviations
    if terms.classifier is None:
        assert terms.coefficients is not None
        return terms.intercept + z @ terms.coefficients
    place = {NAMES[column]: index for index, column in enumerate(terms.columns)}
    inputs = [
        row.intercept + sum(weight * z[:, place[name]] for name, weight in row.weights.items())
        for row in terms.classifier.inputs
    ]
    return decision(load_classifier(terms.classifier.estimator), np.stack(inputs, axis=1))


@pytest.mark.parametrize(
    ("make", "classifier"),
    [
        (rad_score, "logistic-regression"),
        *(
            (make, name)
            for make in (searched, fused)
            for name in ("logistic-regression", "lda", "svm", "random-forest")
        ),
    ],
)
def test_terms_give_the_scores_of_what_was_fitted(make, classifier: ClassifierName) -> None:
    score = make(classifier)
    values, outcome = a_table()
    terms = frozen_terms(score, NAMES, values, outcome, LEARNING, seed=1)
    new = np.random.default_rng(9).normal(5, 2, size=(25, len(NAMES)))
    np.testing.assert_allclose(scores_by_terms(terms, new), score.score(new), rtol=1e-9, atol=1e-9)
    assert (terms.classifier is None) == (classifier in ("logistic-regression", "lda"))


def test_a_linear_score_has_a_covariance_that_is_one() -> None:
    terms = frozen_terms(fused("logistic-regression"), NAMES, *a_table(), LEARNING, seed=1)
    covariance = terms.covariance
    assert covariance is not None
    assert covariance.shape == (len(terms.columns) + 1,) * 2
    np.testing.assert_allclose(covariance, covariance.T, atol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > -1e-10


def test_inputs_of_a_classifier_are_named_by_region_or_feature() -> None:
    terms = frozen_terms(fused("svm"), NAMES, *a_table(), LEARNING, seed=1)
    assert terms.classifier is not None
    names = [row.name for row in terms.classifier.inputs]
    assert names[0] == "rad-score CT whole"
    assert set(names[1:]) <= set(NAMES)
    terms = frozen_terms(searched("knn"), NAMES, *a_table(), LEARNING, seed=1)
    assert terms.classifier is not None
    assert all(row.name in NAMES and row.weights == {row.name: 1.0} for row in terms.classifier.inputs)
