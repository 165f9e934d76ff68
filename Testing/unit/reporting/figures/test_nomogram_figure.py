"""The nomogram's figure: ticks where their points are, the patient where he stands, no label over another."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.model.nomogram_axes import Axis, NomogramScale, nomogram_scale, numeric_axis
from HabitatRadiomicsLib.reporting.figures.drawing import POSITIVE, png_bytes, svg_bytes
from HabitatRadiomicsLib.reporting.figures.nomogram_figure import _number_labels, nomogram_figure

_LEFT = 2.15
_LONG = "carcinoembryonic antigen before the first line of treatment (ng/ml)"


def _scale() -> NomogramScale:
    axes = [
        numeric_axis("rad-score", 1.3, -3.7, 4.2), numeric_axis("age", 0.05, 34, 81),
        Axis("visceral", ("no", "yes"), np.array((0, 1.1)), numeric=False),
        Axis("stage", ("I", "II", "III", "IV"), np.array((0, 0.3, 0.35, 0.9)), numeric=False),
    ]  # fmt: skip
    return nomogram_scale(axes, -3.4, (-6.2, 5.5))


def _crowded() -> NomogramScale:
    """Long names and levels, falling and tiny effects."""
    axes = [
        numeric_axis("rad-score", 4, -0.0371, 0.8123), numeric_axis(_LONG, -0.0011, 0.4, 812),
        Axis(
            "histology",
            ("adenocarcinoma, lepidic predominant", "squamous cell carcinoma", "other", "large cell neuroendocrine"),
            np.array((0, 0.5, 0.62, -1.1)), numeric=False,
        ),
        Axis("ecog", ("0", "1", "2 or more"), np.array((0, 0.02, 0.05)), numeric=False),
        numeric_axis("tiny", 1e-4, 0, 100),
    ]  # fmt: skip
    return nomogram_scale(axes, -1, (-2, 2))


_PATIENT = {"rad-score": 1.3 * 1.234, "age": 0.05 * 67, "visceral": 1.1, "stage": 0.3}
_OUTSIDE = {"rad-score": 4 * 1.1, _LONG: -0.0011 * 1500, "histology": 0.5, "ecog": 0.02, "tiny": 0.005}

_FIGURES = {
    "plain": lambda: nomogram_figure(_scale(), outcome="T790M mutation"),
    "patient": lambda: nomogram_figure(_scale(), patient=_PATIENT, written={"age": "67 years", "stage": "II"}),
    "crowded": lambda: nomogram_figure(_crowded(), outcome="recurrence within two years after surgery"),
    "crowded patient": lambda: nomogram_figure(_crowded(), patient=_OUTSIDE, written={"histology": "squamous cell"}),
}


def _texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def _dots(figure: Any) -> list[tuple[float, str]]:
    return [
        (float(line.get_xdata()[0]), line.get_marker())
        for line in figure.axes[0].lines
        if to_hex(line.get_color()).upper() == POSITIVE and line.get_marker() != "None"
    ]


@pytest.mark.parametrize("name", _FIGURES)
def test_no_label_lies_over_another_or_is_cut_off(name: str) -> None:
    figure = _FIGURES[name]()
    png_bytes(figure)
    boxes = [(text.get_text(), text.get_window_extent().padded(-1)) for text in figure.axes[0].texts]
    assert [(one[0], two[0]) for one, two in combinations(boxes, 2) if one[1].overlaps(two[1])] == []
    width, height = figure.bbox.size
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for _, box in boxes)


@pytest.mark.parametrize("name", _FIGURES)
def test_every_level_is_named_and_every_axis(name: str) -> None:
    figure = _FIGURES[name]()
    shown = " ".join(_texts(figure)).replace("\n", " ")
    for axis in (_scale() if not name.startswith("crowded") else _crowded()).axes:
        assert axis.name in shown
        if not axis.numeric:
            assert all(level in shown for level in axis.labels)
    for text in ("Points", "Total points", "Risk", "100"):
        assert text in shown


def test_ticks_stand_at_their_points() -> None:
    figure, scale = nomogram_figure(_scale()), _scale()
    lines = [line.get_xydata() for line in figure.axes[0].lines]
    upright = [line for line in lines if line[0, 0] == line[1, 0]]
    heights = sorted({float(line[0, 1]) for line in upright})
    assert len(heights) == len(scale.axes) + 3
    right = max(line[0, 0] for line in upright)

    def found(height: float) -> np.ndarray:
        return np.array(sorted({(line[0, 0] - _LEFT) / (right - _LEFT) for line in upright if line[0, 1] == height}))

    for height, axis in zip(heights[1:], scale.axes):
        assert found(height) == pytest.approx(np.sort(scale.ticks[axis.name]) / 100)
    assert found(heights[-1]) == pytest.approx(scale.risk_totals / scale.totals[-1])
    assert set(np.round(np.linspace(0, 1, 11), 9)) <= set(np.round(found(heights[0]), 9))


def test_a_patients_dots_stand_at_his_points_and_his_risk_is_written() -> None:
    figure, scale = _FIGURES["patient"](), _scale()
    points = scale.points(_PATIENT)
    total = sum(points.values())
    right = max(float(line.get_xdata().max()) for line in figure.axes[0].lines)
    places = [(place - _LEFT) / (right - _LEFT) for place, marker in _dots(figure) if marker == "o"]
    expected = [*(value / 100 for value in points.values()), *[total / scale.totals[-1]] * 2]
    assert places == pytest.approx(expected)
    texts = _texts(figure)
    assert {f"{value:.0f}" for value in (*points.values(), total)} <= set(texts)
    assert f"{float(scale.probability(total)):.1%}" in texts
    assert {"67 years", "II", "Patient"} <= set(texts)
    # From each factor up to the points, and from the total down to the risk.
    dotted = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert len(dotted) == len(points) + 1


def test_a_patient_beyond_an_axis_has_an_arrow_at_its_end_and_true_points() -> None:
    figure, scale = _FIGURES["crowded patient"](), _crowded()
    markers = [marker for _, marker in _dots(figure)]
    assert markers == [">", "<", "o", "o", "o", ">", ">"]
    points = scale.points(_OUTSIDE)
    assert points["rad-score"] > 100
    assert points[_LONG] < 0
    texts = _texts(figure)
    assert f"{points['rad-score']:.0f}" in texts
    assert f"{points[_LONG]:.0f}".replace("-", "−") in texts
    assert f"{float(scale.probability(sum(points.values()))):.1%}" in texts


@pytest.mark.parametrize(("intercept", "text"), [(-60, "< 0.1%"), (60, "> 99.9%")])
def test_a_risk_is_never_called_certain(intercept: float, text: str) -> None:
    scale = nomogram_scale([numeric_axis("age", 1.0, 0, 10)], intercept, (intercept, intercept + 10))
    assert text in _texts(nomogram_figure(scale, patient={"age": 5.0}))


def test_names_and_formulas_are_shown_as_they_are() -> None:
    figure = nomogram_figure(_scale(), names={"age": "Age $x^2$ (years)"}, outcome="$T$")
    assert any(r"\$x^2\$" in text for text in _texts(figure))
    png_bytes(figure)


def test_drawn_again_it_is_the_same() -> None:
    first, second = _FIGURES["patient"](), _FIGURES["patient"]()
    assert (png_bytes(first), svg_bytes(first)) == (png_bytes(second), svg_bytes(second))
    assert png_bytes(first) == png_bytes(second)


def test_numbers_without_room_are_thinned_evenly() -> None:
    places = np.linspace(2, 3, 11)
    texts = [f"{number}000" for number in range(11)]
    labels = _number_labels(places, texts, 0, 8)
    shown = [texts.index(label.text) for label in labels]
    assert 2 <= len(shown) < 11
    assert len(set(np.diff(shown))) == 1
    crowded = _number_labels(np.linspace(2, 2.01, 11), texts, 0, 8)
    assert [label.text for label in crowded] == ["0000", "10000"]
    assert crowded[0].side != crowded[1].side


@pytest.mark.parametrize(
    ("patient", "message"), [({"age": 1.0}, "adds up points of"), (_PATIENT | {"age": np.nan}, "not finite")]
)
def test_a_patient_who_does_not_fit_is_refused(patient: dict[str, float], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        nomogram_figure(_scale(), patient=patient)


def test_risks_of_less_than_no_points_are_not_on_the_axis() -> None:
    """They would stand in the axis's own name."""
    scale = nomogram_scale([numeric_axis("rad-score", 1.0, 0.0, 4.0)], 0.0, (-4.0, 4.0))
    assert (scale.risk_totals < 0).any()
    figure = nomogram_figure(scale, outcome="an outcome with a long name")
    shown = {text.get_text() for text in figure.axes[0].texts}
    for risk, total in zip(scale.risks, scale.risk_totals):
        if total < 0:
            assert f"{risk:g}" not in shown
    assert "0.9" in shown
