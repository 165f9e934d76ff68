"""Names and numbers in figures."""

from __future__ import annotations

import pytest

from HabitatRadiomicsLib.reporting.figures.drawing import estimate_text, feature_label, p_text, png_bytes, wrapped
from HabitatRadiomicsLib.reporting.figures.feature_figures import shap_bar_figure
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure
from HabitatRadiomicsLib.reporting.figures.performance_figures import roc_figure

from .made_up_study import roc_line


def test_features_are_readable_and_covariates_stay() -> None:
    assert feature_label("T2FS_S2_wavelet-LLH_glcm_MCC") == "T2FS S2, wavelet-LLH\nglcm MCC"
    assert feature_label("age (years)") == "age (years)"


@pytest.mark.parametrize("name", ["x" * 500, "very long name " * 40])
def test_long_names_keep_to_their_lines(name: str) -> None:
    lines = wrapped(name, width=30, lines=2).split("\n")
    assert len(lines) == 2
    assert max(map(len, lines)) <= 30
    assert lines[-1].endswith("…")
    assert wrapped(name, width=30, lines=1)[:9] == name[:9]  # a single long word does not vanish


def test_numbers() -> None:
    assert estimate_text((0.812, 0.7, 0.925)) == "0.81 (0.70 to 0.93)".replace("0.93", f"{0.925:.2f}")
    assert estimate_text((-0.5, -1, 0)) == "−0.50 (−1.00 to 0.00)"
    assert [p_text(p) for p in (0.5, 0.1, 0.04, 0.0012, 0.0004)] == [
        "p = 0.50", "p = 0.10", "p = 0.040", "p = 0.001", "p < 0.001",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["$cost$", r"\frac $x_", "_hidden", "", "a" * 300, "<b>&amp;</b>"])
def test_any_name_can_be_drawn(name: str) -> None:
    """Neither taken for a formula nor for a label that is not shown."""
    figure = roc_figure({name: roc_line(1, 1)})
    png_bytes(figure)
    assert len(figure.legends[0].get_texts()) == 2
    png_bytes(comparison_figure({name: {name: (0.5, 0.4, 0.6)}}))
    png_bytes(shap_bar_figure([[0.1], [0.2]], [name]))  # type: ignore[arg-type]
