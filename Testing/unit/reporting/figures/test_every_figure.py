"""What holds for all figures of a study: same bytes always, nothing cut off, nothing taken for a formula."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from HabitatRadiomicsLib.errors import OutputError
from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes, svg_bytes, write_figure

from .made_up_study import FIGURES

_DIGESTS = """
import hashlib, importlib.util, json, sys
spec = importlib.util.spec_from_file_location("made_up_study", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes, svg_bytes
answer = {}
for name, draw in reversed(module.FIGURES.items()):
    figure = draw()
    svg = svg_bytes(figure)
    answer[name] = [hashlib.sha256(data).hexdigest() for data in (png_bytes(figure), svg)]
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def drawn() -> dict[str, tuple[Figure, bytes, bytes]]:
    """Each figure, its PNG and its SVG."""
    figures = {name: draw() for name, draw in FIGURES.items()}
    return {name: (figure, png_bytes(figure), svg_bytes(figure)) for name, figure in figures.items()}


def test_another_process_draws_the_same_bytes(drawn: dict[str, tuple[Figure, bytes, bytes]], checkout: Path) -> None:
    """With other hashes of strings, in another order, SVG first: digests of all PNG and SVG agree."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-c", _DIGESTS, str(Path(__file__).with_name("made_up_study.py"))]
    done = subprocess.run(command, env=environment, cwd=checkout, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    here = {name: [hashlib.sha256(data).hexdigest() for data in files] for name, (_, *files) in drawn.items()}
    assert json.loads(done.stdout) == here


@pytest.mark.parametrize("name", ["roc", "correlations", "decision_curve"])
def test_a_figure_drawn_again_is_the_same(name: str, drawn: dict[str, tuple[Figure, bytes, bytes]]) -> None:
    figure, *first = drawn[name]
    assert [png_bytes(figure), svg_bytes(figure)] == first


def test_svg_has_no_date_no_fonts_and_no_software_stamp() -> None:
    text = svg_bytes(FIGURES["flow"]()).decode("utf-8")
    assert text.startswith("<?xml")
    assert "<text" not in text
    assert "dc:date" not in text
    assert "dc:creator" not in text


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_is_cut_off(name: str, drawn: dict[str, tuple[Figure, bytes, bytes]]) -> None:
    figure = drawn[name][0]
    width, height = figure.bbox.size
    assert width == pytest.approx(8.6 * 130, abs=1)  # a report's page
    drawn = figure.get_tightbbox()  # of all that is drawn, in inches
    assert drawn.x0 >= -0.01
    assert drawn.y0 >= -0.01
    assert drawn.x1 <= width / 130 + 0.01
    assert drawn.y1 <= height / 130 + 0.01


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_is_labelled(name: str, drawn: dict[str, tuple[Figure, bytes, bytes]]) -> None:
    figure = drawn[name][0]
    without = {"clustered", "clustered_of_many", "flow", "correlations", "correlations_of_many"}
    if name not in without:
        assert any(axis.get_xlabel() for axis in figure.axes) or figure.get_supxlabel()
        assert all(axis.get_ylabel() or len(axis.get_yticks()) for axis in figure.axes)


def test_both_files_are_written_whole(tmp_path: Path) -> None:
    figure = FIGURES["permutation"]()
    folder = tmp_path / "deep" / "figures"
    png, svg = write_figure(figure, folder, "null")
    assert sorted(path.name for path in folder.iterdir()) == ["null.png", "null.svg"]
    assert (folder / "null.png").read_bytes() == png == png_bytes(figure)
    assert (folder / "null.svg").read_bytes() == svg == svg_bytes(figure)
    assert png.startswith(b"\x89PNG")
    write_figure(figure, folder, "null")  # earlier ones are replaced
    assert (folder / "null.png").read_bytes() == png


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("not a folder", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_figure(FIGURES["permutation"](), tmp_path / "figures", "null")
    (tmp_path / "null.png").mkdir()  # a folder where the file shall be
    with pytest.raises(OutputError, match="cannot be written"):
        write_figure(FIGURES["permutation"](), tmp_path, "null")
    assert not (tmp_path / ".null.png.part").exists()
