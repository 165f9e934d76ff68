"""Nomogram scales against a figure and a printout of R's rms::nomogram, and against their definition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.model.nomogram_axes import Axis, NomogramScale, nomogram_scale, numeric_axis, pretty

_DOCUMENT = json.loads((Path(__file__).parents[1] / "reference" / "rms_nomogram.json").read_text(encoding="utf-8"))
_FIGURE = _DOCUMENT["figure"]
_COEFFICIENTS = _FIGURE["coefficients"]
_NUMBERS = ("age", "cholesterol", "blood.pressure")


def _axes() -> list[Axis]:
    numeric = {
        name: numeric_axis(name, _COEFFICIENTS[name], min(_FIGURE["labels"][name]), max(_FIGURE["labels"][name]))
        for name in _NUMBERS
    }
    sex = Axis("sex", ("female", "male"), np.array([0.0, _COEFFICIENTS["sex=male"]]), numeric=False)
    return [numeric["age"], sex, numeric["cholesterol"], numeric["blood.pressure"]]


def _as_in_figure() -> NomogramScale:
    return nomogram_scale(_axes(), _FIGURE["intercept"], (-1, 1))


def _total(scale: NomogramScale, linear: np.ndarray) -> np.ndarray:
    return (linear - scale.linear_at_zero) * scale.points_per_unit


def _measured(name: str) -> np.ndarray:
    """Where the ticks stand in rms's figure, 0 at the left end of the axis of points, 1 at its right end."""
    pixels = np.array(_FIGURE["pixels"][name])
    left, right = _FIGURE["pixels"]["points"][0], _FIGURE["pixels"]["points"][-1]
    return (pixels - left) / (right - left)


@pytest.mark.parametrize("name", ["age", "sex", "cholesterol", "blood.pressure"])
def test_points_equal_those_of_rms(name: str) -> None:
    """As near as pixels and coefficients of four decimals allow: at most 0.6 points on any axis."""
    scale = _as_in_figure()
    labels = {axis.name: axis.labels for axis in scale.axes}[name]
    found = dict(zip(labels, scale.ticks[name]))
    assert sorted(found) == sorted(map(str, _FIGURE["labels"][name]))
    coefficient = abs(_COEFFICIENTS["sex=male" if name == "sex" else name])
    doubt = _FIGURE["rounding"] / coefficient + _FIGURE["rounding"] / abs(_COEFFICIENTS["age"])
    for label, place in zip(_FIGURE["labels"][name], _measured(name)):
        expected = 100 * place
        assert found[str(label)] == pytest.approx(expected, abs=0.15 + (name != "age") * doubt * expected)


def test_total_points_mean_what_they_mean_in_rms() -> None:
    scale = _as_in_figure()
    assert scale.totals.tolist() == _FIGURE["labels"]["total"]
    most = scale.totals[-1]
    # The rounded coefficients move the linear predictor by up to 0.00005 * (90 + 1 + 120 + 170), some 1.5 points.
    assert _total(scale, np.array(_FIGURE["labels"]["lp"])) == pytest.approx(most * _measured("lp"), abs=1.5)
    risks = np.array(_FIGURE["labels"]["risk"])
    assert set(scale.risks) <= set(risks)
    assert _total(scale, np.log(risks / (1 - risks))) == pytest.approx(most * _measured("risk"), abs=1.5)


def test_one_patient_has_the_probability_that_rms_printed() -> None:
    given = _FIGURE["prediction"]
    effects = {name: _COEFFICIENTS[name] * given[name] for name in _NUMBERS} | {"sex": 0.0}
    scale = _as_in_figure()
    total = sum(scale.points(effects).values())
    assert scale.probability(total) == pytest.approx(given["probability"], abs=1e-3)
    assert total == pytest.approx(70, abs=1)  # what the page reads off the figure: 50 + 10 + 10 + 0


def test_ticks_and_points_equal_a_printed_axis() -> None:
    printed = _DOCUMENT["printed"]
    slope = (printed["Xbeta"][-1] - printed["Xbeta"][0]) / (printed["age"][-1] - printed["age"][0])
    scale = nomogram_scale([numeric_axis("age", slope, 25, 80)], 0.0, (0, 1))
    axis = scale.axes[0]
    assert axis.labels == tuple(map(str, printed["age"]))
    assert axis.effects == pytest.approx(printed["Xbeta"], rel=1e-12)
    assert scale.ticks["age"] == pytest.approx(printed["points"], rel=1e-12)


def test_total_of_points_is_the_linear_predictor_exactly() -> None:
    scale = nomogram_scale(_axes(), _FIGURE["intercept"], (-3, 2))
    generator = np.random.default_rng(8)
    for _ in range(50):
        # Also beyond the ends of the axes.
        effects = dict(zip(("age", "cholesterol", "blood.pressure", "sex"), generator.normal(size=4)))
        total = sum(scale.points(effects).values())
        linear = _FIGURE["intercept"] + sum(effects.values())
        assert total == pytest.approx(_total(scale, np.array(linear)))
        assert scale.probability(total) == pytest.approx(1 / (1 + np.exp(-linear)), abs=1e-12)


def test_longest_axis_has_hundred_points_and_every_axis_begins_with_none() -> None:
    stage = Axis("stage", ("I", "II", "III"), np.array([0.0, -1.5, 4.5]), numeric=False)
    scale = nomogram_scale([numeric_axis("score", 2.0, 0.1, 1.9), stage], -1.0, (-4, 4))
    assert scale.ticks["stage"] == pytest.approx([25, 0, 100])
    assert scale.ticks["score"] == pytest.approx(np.linspace(0, 200 / 3, 11))
    assert scale.points_per_unit == pytest.approx(100 / 6)
    assert scale.linear_at_zero == pytest.approx(-2.5)


def test_risk_ticks_stand_where_the_total_has_that_risk() -> None:
    for reach in ((-8, 8), (-1, 1), (0.1, 0.3)):
        scale = nomogram_scale(_axes(), _FIGURE["intercept"], reach)
        assert len(scale.risks) >= 3
        assert scale.probability(scale.risk_totals) == pytest.approx(scale.risks)
        assert (np.diff(scale.risks) > 0).all()
    assert 0.999 in nomogram_scale(_axes(), 0.0, (-8, 8)).risks


def test_one_factor_alone_and_one_linear_predictor_alone() -> None:
    scale = nomogram_scale([numeric_axis("score", 1.0, 0, 1)], 0.0, (0.5, 0.5))
    assert scale.totals.tolist() == list(range(0, 101, 10))
    assert len(scale.risks) == 0


@pytest.mark.parametrize(
    ("low", "high", "count", "expected"),
    [
        # The first, third and fourth stand on the manual page of R's pretty; the others follow from its rule by hand.
        (1, 10, 5, [0, 2, 4, 6, 8, 10]),
        (1, 10, 10, list(range(1, 11))),
        (1, 20, 2, [0, 10, 20]),
        (1, 20, 10, list(range(0, 21, 2))),
        (0, 1, 10, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (-1.97, 2.31, 10, [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5]),
    ],
)
def test_round_numbers_are_those_of_r(low: float, high: float, count: int, expected: list[float]) -> None:
    assert pretty(low, high, count).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
def test_round_numbers_cover_the_range_and_little_more(seed: int) -> None:
    generator = np.random.default_rng(seed)
    low = generator.normal() * 10.0 ** generator.integers(-4, 5)
    high = low + abs(generator.normal()) * 10.0 ** generator.integers(-4, 5)
    ticks = pretty(low, high, 10)
    step = ticks[1] - ticks[0]
    assert ticks[0] <= low + 1e-9 * step
    assert ticks[-1] >= high - 1e-9 * step
    assert ticks[1] > low
    assert ticks[-2] < high
    assert 5 <= len(ticks) <= 17


def test_no_effect_makes_no_nomogram() -> None:
    with pytest.raises(EvaluationError, match="No factor of the nomogram has an effect"):
        nomogram_scale([numeric_axis("age", 0.0, 0, 1)], 0.0, (-1, 1))


def test_points_need_an_effect_for_each_axis() -> None:
    with pytest.raises(EvaluationError, match="adds up points of age, sex"):
        _as_in_figure().points({"age": 1.0})
