"""Pictures and reports: turned as a radiologist expects, self-contained, without the patient."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.reporting import contribution_at, contributions_figure, png_bytes, write_score
from HabitatRadiomicsLib.reporting.figures.slice_figures import largest_slice
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.scoring.result import ScoreResult

#: Columns of the direction matrix say where i, j, k point (LPS).
_ORIENTATIONS = {
    "axial": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "axial, turned by 180 degrees": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "axial, rows and columns exchanged": ((0, 1, 0), (1, 0, 0), (0, 0, -1)),
    "coronal": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "coronal, upside down": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1), (1, 0, 0)),
    "sagittal, back to front": ((0, -1, 0), (0, 0, 1), (1, 0, 0)),
    "sagittal, lying": ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
}
_SIDES = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "S", "I"),
    "sagittal": ("A", "P", "S", "I"),
}


@pytest.mark.parametrize("name", _ORIENTATIONS)
def test_slices_are_shown_in_radiological_orientation(name: str) -> None:
    """The picture's left, right, top and bottom really lie on the sides that the letters say."""
    direction = np.array(_ORIENTATIONS[name], dtype=float).T
    array = np.zeros((9, 40, 50), dtype=np.uint8)
    array[4, 12:22, 15:30] = 1
    mask = sitk.GetImageFromArray(array)
    mask.SetDirection(direction.ravel().tolist())
    mask.SetSpacing((0.7, 1.0, 3.0))
    mask.SetOrigin((11.0, -7.0, 30.0))
    view = largest_slice(mask)
    assert (view.left, view.right, view.top, view.bottom) == _SIDES[name.split(",")[0]]
    assert view.index == 4
    # Physical coordinates of every voxel, carried through the same cut.
    letters = {"R": (0, -1), "L": (0, 1), "A": (1, -1), "P": (1, 1), "I": (2, -1), "S": (2, 1)}
    indices = np.stack(np.meshgrid(*(np.arange(size) for size in array.shape), indexing="ij"))[::-1]
    places = np.einsum("ab,b...->a...", direction, indices * np.array(mask.GetSpacing())[:, None, None, None])
    for first, last, horizontal in ((view.left, view.right, True), (view.top, view.bottom, False)):
        axis, sign = letters[last]
        assert letters[first] == (axis, -sign)
        image = sitk.GetImageFromArray(places[axis])
        picture = view.of(image)
        steps = np.diff(picture, axis=1 if horizontal else 0)
        assert (np.sign(steps) == sign).all()
    width, height = view.width_mm, view.height_mm
    rows, columns = view.of(mask).shape
    expected = (0.7, 1.0) if not view.transpose else (1.0, 0.7)
    assert (width / columns, height / rows) == pytest.approx(expected)


@pytest.fixture(scope="module")
def result(patient: SyntheticPatient) -> ScoreResult:
    return score_case(patient.case, load_model("t790m-spine-demo"))


@pytest.fixture(scope="module")
def report(result: ScoreResult, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("score")
    write_score(folder, result)
    return (folder / "report.html").read_text(encoding="utf-8")


def test_report_is_self_contained(report: str) -> None:
    sources = re.findall(r'(?:src|href)="([^"]*)"', report)
    assert len(sources) == 4  # two maps, the scale, the contributions
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "<script" not in report
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", report)


def test_report_says_everything_that_it_must(report: str, result: ScoreResult, patient: SyntheticPatient) -> None:
    assert "Demonstration model" in report
    assert "Research use only" in report
    assert patient.case.case_id not in report
    assert result.call in report
    for text in (f"{result.score:.3f}", f"{result.interval.low:.3f}", f"{result.model.cutoff.value:.3f}"):
        assert text in report
    for heading in ("Score", "Warnings", "Habitats", "Why this score", "Model card", "Provenance"):
        assert f"<h2>{heading}</h2>" in report
    for contribution in result.contributions:
        assert f"{contribution.shap:+.3f}" in report
    assert result.provenance["model_sha256"] in report


def test_report_escapes_what_a_model_says(result: ScoreResult) -> None:
    from dataclasses import replace

    from HabitatRadiomicsLib.reporting.patient import score_html

    hostile = result.model.model_copy(update={"title": "<script>alert(1)</script>"})
    html = score_html(replace(result, model=hostile), dict.fromkeys(result.maps, b""), b"", {}, {})
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_bars_are_red_up_and_blue_down_with_values(result: ScoreResult) -> None:
    figure = contributions_figure(result.document())
    axis = figure.axes[0]
    widths = [bar.get_width() for bar in axis.patches]
    assert widths == [contribution.shap for contribution in result.contributions]
    for bar in axis.patches:
        red, _, blue, _ = bar.get_facecolor()
        assert (red > blue) == (bar.get_width() >= 0)
    labels = [label.get_text() for label in axis.get_yticklabels()]
    for label, contribution in zip(labels, result.contributions):
        assert f"= {contribution.value:.4g}" in label
    assert "DEMONSTRATION MODEL" in axis.get_title(loc="right")


@pytest.mark.parametrize("width", [4.4, 9.0])
def test_each_bar_is_found_at_its_height_in_the_picture(result: ScoreResult, width: float) -> None:
    figure = contributions_figure(result.document(), width=width)
    png_bytes(figure)
    bars = figure.axes[0].patches
    for index, bar in enumerate(bars):
        middle = bar.get_y() + bar.get_height() / 2
        _, pixels = figure.axes[0].transData.transform((0, middle))
        assert contribution_at(figure, 1 - pixels / figure.bbox.height) == index
    assert contribution_at(figure, 0.0) is None
    assert contribution_at(figure, 1.0) is None
