"""Clinical variables alone: coded by hand here, fitted by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from HabitatRadiomicsLib.learning.baselines import ClinicalModel, fit_clinical

_GENERATOR = np.random.default_rng(4)
_OUTCOME = np.arange(40) % 2
_AGE = np.round(_GENERATOR.normal(60, 9, 40) + 6 * _OUTCOME)
_STAGE = _GENERATOR.choice(["I", "II", "III"], 40, p=[0.2, 0.5, 0.3])


def _fitted(**columns: Sequence[str]) -> ClinicalModel:
    model = fit_clinical(_rows(**columns), _OUTCOME)
    assert model is not None
    return model


def _rows(**columns: Sequence[str]) -> list[dict[str, str]]:
    return [dict(zip(columns, cells)) for cells in zip(*columns.values())]


def _by_hand(columns: np.ndarray) -> np.ndarray:
    """Linear predictors of scikit-learn's default logistic regression on z-scored columns."""
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    return LogisticRegression(tol=1e-10, max_iter=10_000).fit(scaled, _OUTCOME).decision_function(scaled)


def test_numbers_and_categories_together_equal_scikit_learn() -> None:
    columns = {"age": [f"{value:.0f}" for value in _AGE], "stage": _STAGE.tolist()}
    order = sorted(set(_STAGE), key=lambda name: -(name == _STAGE).sum())
    assert order[0] == "II"
    dummies = [(name == _STAGE).astype(float) for name in order[1:]]
    expected = _by_hand(np.column_stack([_AGE, *dummies]))
    assert _fitted(**columns).score(_rows(**columns)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("mark", [",", "."])
def test_a_decimal_comma_is_a_decimal_point(mark: str) -> None:
    values = _AGE + 0.5
    columns = {"marker": [f"{value:.1f}".replace(".", mark) for value in values]}
    (factor,) = _fitted(**columns).factors
    assert (factor.kind, float(factor.usual)) == ("numeric", np.median(values))
    assert _fitted(**columns).score(_rows(**columns)) == pytest.approx(_by_hand(values[:, None]), abs=1e-6)


def test_a_missing_number_counts_as_the_median_of_training() -> None:
    texts = [f"{value:.0f}" for value in _AGE]
    texts[3] = texts[8] = ""
    filled = _AGE.copy()
    filled[[3, 8]] = np.median(np.delete(_AGE, [3, 8]))
    model = _fitted(age=texts)
    assert model.score(_rows(age=texts)) == pytest.approx(_by_hand(filled[:, None]), abs=1e-6)
    middle = f"{np.median(np.delete(_AGE, [3, 8]))}"
    assert model.score([{"age": ""}, {}, {"age": "unknown"}]) == pytest.approx(model.score([{"age": middle}] * 3))


def test_a_category_that_training_has_not_seen_counts_as_none_of_them() -> None:
    model = _fitted(stage=_STAGE.tolist())
    assert model.score([{"stage": "IV"}, {"stage": ""}, {}]) == pytest.approx(model.score([{"stage": "II"}] * 3))
    assert model.score([{"stage": "III"}]) != pytest.approx(model.score([{"stage": "II"}]))


def test_two_values_are_a_category_also_where_they_are_numbers() -> None:
    smokers = (_OUTCOME ^ (np.arange(40) % 5 == 0)).astype(str).tolist()
    (factor,) = _fitted(smoker=smokers).factors
    assert (factor.kind, len(factor.levels)) == ("categorical", 2)


def test_numbers_with_a_word_among_them_are_categories() -> None:
    texts = [f"{value % 4:.0f}" for value in _AGE]
    texts[0] = "none"
    assert [factor.kind for factor in _fitted(grade=texts).factors] == ["categorical"]


@pytest.mark.parametrize("rows", [[{}] * 40, [{"sex": "f"}] * 40, [{"sex": "", "age": ""}] * 40], ids=str)
def test_where_nothing_varies_there_is_no_model(rows: list[dict[str, str]]) -> None:
    assert fit_clinical(rows, _OUTCOME) is None


def test_a_column_that_does_not_vary_changes_nothing() -> None:
    texts = [f"{value:.0f}" for value in _AGE]
    alone, beside = _fitted(age=texts), _fitted(age=texts, centre=["A"] * 40)
    assert alone.score(_rows(age=texts)).tobytes() == beside.score(_rows(age=texts)).tobytes()


@pytest.mark.parametrize(
    "cells",
    [
        [f"N{case}" for case in range(40)],
        [f"{100_003 + 7 * case}" for case in range(40)],
        [f"comment {case} " + "on the course of the disease" * (case % 3) for case in range(40)],
        [f"{1 + case % 28:02d}.03.{1950 + case}" for case in range(40)],
    ],
    ids=["patients", "hospital numbers", "free text", "dates of birth"],
)
def test_identifiers_and_free_text_change_nothing(cells: list[str]) -> None:
    ages = [f"{value:.0f}" for value in _AGE]
    alone, beside = _fitted(age=ages), _fitted(age=ages, other=cells)
    assert alone.score(_rows(age=ages)).tobytes() == beside.score(_rows(age=ages, other=cells)).tobytes()
    assert fit_clinical(_rows(other=cells), _OUTCOME) is None


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e999"])
def test_what_python_takes_for_a_number_and_is_none_is_missing(text: str) -> None:
    model = _fitted(age=[f"{value:.0f}" for value in _AGE])
    assert model.score([{"age": text}]) == pytest.approx(model.score([{"age": ""}]))
