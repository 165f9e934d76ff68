"""Score and habitats over time: what is drawn is what was given."""

from __future__ import annotations

from pathlib import Path

import pytest
import SimpleITK as sitk
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.colours import DOWN_COLOUR, UP_COLOUR, habitat_colour
from HabitatRadiomicsLib.extraction.habitat_changes import SCALE_IN_WORDS
from HabitatRadiomicsLib.extraction.maps import make_maps
from HabitatRadiomicsLib.reporting import patient
from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes
from HabitatRadiomicsLib.reporting.figures.patient_figures import TimePoint, timeline_figure
from HabitatRadiomicsLib.reporting.figures.slice_figures import map_figure
from HabitatRadiomicsLib.reporting.patient import write_timeline

from ...two_time_points import images_of, protocol

_POINTS = (
    TimePoint("baseline", {"S1": 6.0, "S2": 4.0}, score=0.6, cutoff=0.1),
    TimePoint("week 6", {"S1": 5.0, "S3": 0.5}, score=-0.2, cutoff=0.1),
    TimePoint("week 12", {}, score=0.1, cutoff=0.1),
)


def _twice_scanned() -> Case:
    keyed = {f"{moment}_CT": pair for moment, pair in images_of(3, responds=True).items()}
    return Case("P03", {key: SequenceImage(key, *pair) for key, pair in keyed.items()})


def _texts(figure: Figure, place: int) -> list[str]:
    return [text.get_text() for text in figure.axes[place].texts]


def test_bars_are_the_volumes_in_their_colours() -> None:
    axis = timeline_figure(_POINTS).axes[1]
    bars = {container.get_label(): container.patches for container in axis.containers}  # type: ignore[attr-defined]
    assert {name: [bar.get_height() for bar in row] for name, row in bars.items()} == {
        "S1": [6, 5, 0], "S2": [4, 0, 0], "S3": [0, 0.5, 0],
    }  # fmt: skip
    assert [bar.get_y() for bar in bars["S3"]] == [10, 5, 0]
    assert to_hex(bars["S3"][0].get_facecolor()).upper() == habitat_colour(2)
    assert [label.get_text() for label in axis.get_xticklabels()] == ["baseline", "week 6", "week 12"]
    assert {"10.0 ml", "5.5 ml (−45%)", "0.00 ml (−100%)", "6.0", "5.0"} <= set(_texts(timeline_figure(_POINTS), 1))


def test_scores_have_the_colour_of_their_side_of_the_cut_off() -> None:
    figure = timeline_figure(_POINTS)
    markers = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [float(line.get_ydata()[0]) for line in markers] == [0.6, -0.2, 0.1]  # type: ignore[index]
    assert [line.get_color() for line in markers] == [UP_COLOUR, DOWN_COLOUR, UP_COLOUR]
    assert _texts(figure, 0) == ["0.60", "−0.20", "0.10"]
    dashed = [line for line in figure.axes[0].lines if line.get_linestyle() == "--"]
    assert [list(line.get_ydata()) for line in dashed] == [[0.1, 0.1]]


@pytest.mark.parametrize(
    ("points", "axes"),
    [
        ([TimePoint("a", {"S1": 1.0}), TimePoint("b", {"S1": 2.0})], 1),
        ([TimePoint("a", score=1.0), TimePoint("b", score=2.0)], 1),
        ([TimePoint("a", {"S1": 1.0}, 1.0, 0.0)], 2),
        ([TimePoint("a", {"S1": 0.0}), TimePoint("b", {"S1": 0.0})], 1),
    ],
)
def test_what_nobody_has_is_left_out(points: list[TimePoint], axes: int) -> None:
    figure = timeline_figure(points)
    assert len(figure.axes) == axes
    assert png_bytes(figure) == png_bytes(timeline_figure(points))


def test_the_caption_stands_under_volumes_and_is_as_wide_as_the_figure() -> None:
    text = SCALE_IN_WORDS["own"]
    assert timeline_figure(_POINTS, caption=text).axes[1].get_xlabel() == text
    assert timeline_figure(_POINTS, caption=text, width=3.5).axes[1].get_xlabel().count("\n") == 1
    scores = [TimePoint("a", score=1.0), TimePoint("b", score=2.0)]
    assert timeline_figure(scores, caption=text).axes[0].get_xlabel() == ""


@pytest.mark.parametrize("scale", ["own", "baseline"])
def test_the_picture_says_which_scale_its_habitats_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: str
) -> None:
    drawn = []
    monkeypatch.setattr(patient, "timeline_figure", lambda *rest, **told: (
        drawn.append(told["caption"]), timeline_figure(*rest, **told)
    )[1])  # fmt: skip
    settings = protocol(timepoints={"habitat_scale": scale})
    prepared, maps = make_maps(_twice_scanned(), settings)
    write_timeline(tmp_path, "P03", maps, settings)
    assert drawn == [SCALE_IN_WORDS[scale]]
    titles = {name: map_figure(prepared[name], maps[name]).axes[2].get_title() for name in maps}
    assert titles["baseline_CT"] == "this patient's own clusters"
    told = titles["follow-up_CT"].replace("\n", " ").removeprefix(titles["baseline_CT"])
    assert told == (", on the scale of baseline CT" if scale == "baseline" else "")


@pytest.mark.parametrize("scale", ["own", "baseline"])
def test_entropies_on_one_scale_have_one_scale_of_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: str
) -> None:
    tops = []
    monkeypatch.setattr(patient, "map_figure", lambda *rest, **told: (
        tops.append(told["most_bits"]), map_figure(*rest, **told)
    )[1])  # fmt: skip
    settings = protocol(timepoints={"habitat_scale": scale})
    prepared, maps = make_maps(_twice_scanned(), settings)
    patient.write_maps(tmp_path, prepared, maps, settings)
    own = [float(sitk.GetArrayFromImage(found.entropy).max()) for found in maps.values()]
    assert own[0] != own[1]
    assert tops == (own if scale == "own" else [max(own)] * 2)
    assert map_figure(prepared["baseline_CT"], maps["baseline_CT"], most_bits=4.5).axes[1].images[1].get_clim() == (
        0,
        4.5,
    )


def test_files_of_a_case_with_two_time_points_and_none_of_one(tmp_path: Path) -> None:
    _, maps = make_maps(_twice_scanned(), protocol())
    pictures = write_timeline(tmp_path, "P03", maps, protocol())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CT_timeline.png", "habitat_changes.csv"]
    assert (tmp_path / "CT_timeline.png").read_bytes() == pictures["CT"]
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert write_timeline(nothing, "P03", {"baseline_CT": maps["baseline_CT"]}, protocol()) == {}
    assert write_timeline(nothing, "P03", maps, protocol(timepoints=None)) == {}
    assert list(nothing.iterdir()) == []
