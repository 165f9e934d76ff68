"""Maximum likelihood against R's glm and closed forms; data without a solution are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics.logistic import logistic_fit


def test_fit_equals_glm() -> None:
    document = json.loads((Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8"))
    data, expected = document["roc"], document["logistic"]
    design = np.column_stack([np.ones(60), data["s1"], data["s2"]])
    found = logistic_fit(design, np.array(data["y"]))
    np.testing.assert_allclose(found.coefficients, expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(found.standard_errors, expected["se"], rtol=1e-7)


def test_two_by_two_table_is_the_log_odds_ratio() -> None:
    exposed, outcome = np.repeat([0, 0, 1, 1], [20, 5, 8, 12]), np.repeat([0, 1, 0, 1], [20, 5, 8, 12])
    found = logistic_fit(np.column_stack([np.ones(45), exposed]), outcome)
    assert found.coefficients == pytest.approx([np.log(5 / 20), np.log(12 * 20 / (8 * 5))])
    assert found.standard_errors[1] == pytest.approx(np.sqrt(1 / 20 + 1 / 5 + 1 / 8 + 1 / 12))


def test_offset_alone_matches_the_number_of_events() -> None:
    generator = np.random.default_rng(0)
    offset = generator.normal(10, 1, 50)  # far off: plain Newton steps would run away
    outcome = np.repeat([0, 1], [40, 10])
    shift = logistic_fit(np.ones((50, 1)), outcome, offset).coefficients[0]
    assert (1 / (1 + np.exp(-offset - shift))).sum() == pytest.approx(10)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_separated_outcomes_have_no_solution(scale: float) -> None:
    outcome = np.repeat([0, 1], 10)
    for column in (
        np.arange(20.0),
        np.concatenate([np.arange(11.0), np.arange(10.0, 19.0)]),
    ):  # wholly, and but for a tie
        with pytest.raises(EvaluationError, match="no solution"):
            logistic_fit(np.column_stack([np.ones(20), column * scale]), outcome)


def test_columns_that_say_the_same_have_no_one_solution() -> None:
    outcome = np.tile([0, 1], 10)
    with pytest.raises(EvaluationError, match="no solution"):
        logistic_fit(np.ones((20, 2)), outcome)
