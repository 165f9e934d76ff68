"""Maximum likelihood against R's glm, closed forms and other software; data without a solution are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import recalibration
from HabitatRadiomicsLib.statistics.logistic import logistic_model


def test_fit_equals_glm() -> None:
    document = json.loads((Path(__file__).parents[1] / "reference" / "r_reference.json").read_text(encoding="utf-8"))
    data, expected = document["roc"], document["logistic"]
    found = logistic_model(np.column_stack([data["s1"], data["s2"]]), ["s1", "s2"], np.array(data["y"]))
    np.testing.assert_allclose([found.intercept, *found.coefficients], expected["coef"], rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), expected["se"], rtol=1e-7)


def test_offset_alone_matches_the_number_of_events() -> None:
    generator = np.random.default_rng(0)
    offset = generator.normal(10, 1, 50)  # far off: plain Newton steps would run away
    outcome = np.repeat([0, 1], [40, 10])
    shift = logistic_model(np.empty((50, 0)), [], outcome, offset=offset).intercept
    assert (1 / (1 + np.exp(-offset - shift))).sum() == pytest.approx(10)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 3.0])
def test_no_calibration_slope_of_outcomes_that_the_probabilities_separate(scale: float) -> None:
    outcome = np.repeat([0, 1], 10)
    for column in (
        np.linspace(-9.0, 10.0, 20),
        np.concatenate([np.linspace(-9.0, 1.0, 11), np.linspace(1.0, 10.0, 9)]),
    ):  # wholly, and but for a tie
        with pytest.raises(EvaluationError, match="no solution"):
            recalibration(outcome, 1 / (1 + np.exp(-column * scale)))
