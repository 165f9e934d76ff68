"""The LASSO's path and its deviance."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes
from HabitatRadiomicsLib.reporting.figures.feature_figures import lasso_deviance_figure, lasso_path_figure

from .made_up_study import MANY_NAMES, NAMES, lasso_of, lasso_path_numbers


def test_path_draws_every_feature_and_names_the_largest() -> None:
    penalties, coefficients = lasso_path_numbers(40)
    figure = lasso_path_figure(lasso_of(penalties, coefficients, MANY_NAMES, minimum=0.031, one_standard_error=0.09))
    lines = figure.axes[0].lines[:40]
    drawn = {tuple(line.get_ydata()) for line in lines}
    assert drawn == {tuple(column) for column in coefficients[::-1].T}
    for line in lines:
        np.testing.assert_allclose(line.get_xdata(), np.log(penalties[::-1]))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    at_minimum = np.abs(coefficients[np.abs(np.log(penalties / 0.031)).argmin()])
    for column in np.argsort(-at_minimum)[:10]:
        assert any(f"Autocorrelation{column}" in text.split("\n")[-1] for text in texts)
    assert texts[10:] == ["30 other features", "λ.min = 0.031", "λ.1se = 0.09"]
    marks = [line.get_xdata()[0] for line in figure.axes[0].lines[-2:]]
    assert marks == pytest.approx(np.log([0.031, 0.09]))


def test_counts_above_are_those_of_their_steps() -> None:
    penalties, coefficients = lasso_path_numbers(20)
    counts = np.count_nonzero(coefficients, axis=1)
    lasso = lasso_of(penalties, coefficients, MANY_NAMES[:20], minimum=0.05, one_standard_error=0.1)
    for figure in (lasso_path_figure(lasso), lasso_deviance_figure(lasso)):
        png_bytes(figure)
        above = figure.axes[0].child_axes[0]
        assert above.get_xlabel() == "Features with a non-zero coefficient"
        for place, label in zip(above.get_xticks(), above.get_xticklabels()):
            assert int(label.get_text()) == counts[np.abs(np.log(penalties) - place).argmin()]


def test_deviance_has_its_standard_errors() -> None:
    penalties, deviance, errors = [0.2, 0.1, 0.05], [1.3, 1.1, 1.2], [0.1, 0.05, 0.2]
    lasso = lasso_of(
        penalties, np.eye(3), NAMES[:3], minimum=0.1, one_standard_error=0.2, deviance=deviance, deviance_se=errors
    )
    figure = lasso_deviance_figure(lasso)
    points = figure.axes[0].containers[0]
    np.testing.assert_allclose(points.lines[0].get_xdata(), np.log(penalties[::-1]))
    assert points.lines[0].get_ydata().tolist() == deviance[::-1]
    spans = [segment[:, 1] for segment in points.lines[2][0].get_segments()]
    np.testing.assert_allclose(spans, [[1.0, 1.4], [1.05, 1.15], [1.2, 1.4]])


@pytest.mark.parametrize("coefficient", [0.0, 0.4])
def test_one_feature_at_one_penalty(coefficient: float) -> None:
    figure = lasso_path_figure(lasso_of([0.1], [[coefficient]], NAMES[:1], minimum=0.1, one_standard_error=0.1))
    png_bytes(figure)
    text = figure.legends[0].get_texts()[0].get_text()
    assert text == ("T2FS S2, wavelet-LLH\nglcm MCC" if coefficient else "1 other feature")
