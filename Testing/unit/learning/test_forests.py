"""Tree builders by themselves give the forests' numbers to the last bit; where they cannot, the estimators do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning import forests
from HabitatRadiomicsLib.learning.classifiers import make_classifier
from HabitatRadiomicsLib.learning.forests import fitted_scores, tree_importances
from HabitatRadiomicsLib.model.classifier import decision
from HabitatRadiomicsLib.protocol import ClassifierName

_ALL: tuple[ClassifierName, ...] = ("random-forest", "svm", "logistic-regression", "lda", "knn", "naive-bayes", "mlp")
_CHECKS = (forests._forests_hold, forests._importances_hold)


@pytest.fixture(autouse=True)
def fresh_checks() -> Iterator[None]:
    """What one test finds of the solvers is not what the next one believes."""
    for check in _CHECKS:
        check.cache_clear()
    yield
    for check in _CHECKS:
        check.cache_clear()


def _table(seed: int, cases: int = 70, columns: int = 6, effect: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    outcome = (np.arange(cases) % 5 < 2).astype(int)
    values = np.random.default_rng(seed).normal(size=(cases, columns))
    values[:, 0] += effect * outcome
    return values, outcome


def _count_estimators(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the classifiers that are fitted as estimators from now on."""
    made: list[str] = []
    fit = forests.fit_within_limits
    monkeypatch.setattr(
        forests, "fit_within_limits", lambda name, *rest, seed: made.append(name) or fit(name, *rest, seed=seed)
    )
    return made


@pytest.mark.parametrize("name", _ALL)
@pytest.mark.parametrize(
    ("cases", "columns", "effect"), [(70, 6, 0.8), (17, 1, 0.0), (12, 3, 9.0), (150, 12, 0.3)], ids=str
)
def test_scores_are_those_of_the_estimator(name: ClassifierName, cases: int, columns: int, effect: float) -> None:
    values, outcome = _table(cases, cases, columns, effect)
    unseen = _table(cases + 1, 23, columns)[0]
    estimator = make_classifier(name, seed=4, cases=cases).fit(values, outcome)
    found = fitted_scores(name, values, outcome, unseen, seed=4)
    assert found[0].tobytes() == decision(estimator, values).tobytes()
    assert found[1].tobytes() == decision(estimator, unseen).tobytes()


@pytest.mark.parametrize("name", _ALL[:2])
def test_memory_order_and_integers_change_nothing(name: ClassifierName) -> None:
    values, outcome = _table(3)
    values = np.round(values * 3)
    expected = fitted_scores(name, values, outcome, values[:9], seed=0)
    other = fitted_scores(name, np.asfortranarray(values), outcome, values[:9].astype(int), seed=0)
    assert [row.tobytes() for row in other] == [row.tobytes() for row in expected]


@pytest.mark.parametrize("name", _ALL)
def test_scores_are_those_of_rows_as_an_estimator_that_is_kept_scores_them(name: ClassifierName) -> None:
    """Whatever the order in memory of a part of a table."""
    values, outcome = _table(4, columns=12)
    own = np.asfortranarray(values)
    estimator = make_classifier(name, seed=0, cases=70).fit(own, outcome)
    seen, unseen = fitted_scores(name, own, outcome, own[40:], seed=0)
    assert seen.tobytes() == decision(estimator, values).tobytes()
    assert unseen.tobytes() == decision(estimator, values[40:]).tobytes()


def test_no_forest_is_made_once_the_builders_have_proved_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    made = _count_estimators(monkeypatch)
    values, outcome = _table(5)
    for seed in range(3):
        fitted_scores("random-forest", values, outcome, values[:4], seed=seed)
    # Forests of scikit-learn before 1.9 draw their samples otherwise: the estimators make the scores there.
    older = tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 9)
    assert made == ["random-forest"] * (4 if older else 1)  # the first is what the builders were compared with


@pytest.mark.parametrize("columns", [1, 40])
def test_importances_are_those_of_the_forest(columns: int) -> None:
    values, outcome = _table(7, columns=columns)
    forest = ExtraTreesClassifier(50, class_weight="balanced", random_state=9).fit(values, outcome)
    assert tree_importances(values, outcome, 50, seed=9).tobytes() == forest.feature_importances_.tobytes()


def test_a_forest_without_a_split_has_no_importances() -> None:
    values, outcome = np.zeros((20, 3)), np.arange(20) % 2
    assert tree_importances(values, outcome, 10, seed=0).tolist() == [0, 0, 0]
    forest = RandomForestClassifier(100, min_samples_leaf=3, class_weight="balanced", random_state=0)
    expected = decision(forest.fit(values, outcome), values)
    found = fitted_scores("random-forest", values, outcome, values[:2], seed=0)[0]
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("fault", ["gone", "other arguments", "other numbers"])
def test_where_the_builders_differ_the_estimators_are_used(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a later scikit-learn could have it."""
    values, outcome = _table(8)
    expected = fitted_scores("random-forest", values, outcome, values[:7], seed=2)
    importances = tree_importances(values, outcome, 30, seed=2)
    for check in _CHECKS:
        check.cache_clear()
    _break(fault, monkeypatch)
    made = _count_estimators(monkeypatch)
    found = fitted_scores("random-forest", values, outcome, values[:7], seed=2)
    assert [row.tobytes() for row in found] == [row.tobytes() for row in expected]
    assert made == ["random-forest", "random-forest"]
    assert tree_importances(values, outcome, 30, seed=2).tobytes() == importances.tobytes()
    assert not forests._importances_hold()


def _break(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_bare_importances", "_bare_forest"):
        solver = getattr(forests, name)

        def broken(*given: object, solver: object = solver) -> object:
            if fault == "gone":
                raise ImportError("no such module")
            if fault == "other arguments":
                raise TypeError("unexpected keyword")
            found = solver(*given)  # type: ignore[operator]
            return tuple(np.nextafter(row, 9) for row in found) if isinstance(found, tuple) else np.nextafter(found, 9)

        monkeypatch.setattr(forests, name, broken)


@pytest.mark.parametrize("name", _ALL[:2])
@pytest.mark.parametrize("wrong", ["one outcome", "gap"])
def test_what_cannot_be_fitted_is_told(name: ClassifierName, wrong: str) -> None:
    values, outcome = _table(9)
    if wrong == "gap":
        values[3, 1] = np.nan
    else:
        outcome = np.ones_like(outcome)
    with pytest.raises(LearningError, match="finite" if wrong == "gap" else "same outcome"):
        fitted_scores(name, values, outcome, values[:4], seed=0)
