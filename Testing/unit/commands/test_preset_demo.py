"""``demo --preset``: the one line of a gallery page."""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.commands import demo
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.commands.small_presets import SMALL_PRESETS, small_preset
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.protocol import load_protocol


def test_the_line_of_a_gallery_page_walks_the_whole_way(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (checkout / "Resources" / "Gallery" / "delta-ct-egfr-tki.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^habitat-radiomics (demo --preset .*)$", page, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    assert main([*line.split(), "--jobs", "1"]) == 0
    out = tmp_path / line.split()[-1]
    printed = capsys.readouterr().out
    for report in ("training", "score"):
        assert str(Path(line.split()[-1]) / report / "report.html") in printed
        assert (out / report / "report.html").is_file()
    model = load_model(out / "training" / "model.json")
    assert model.is_demonstration
    assert json.loads((out / "score" / "score.json").read_text(encoding="utf-8"))["model"]["name"] == model.name


@pytest.mark.parametrize("name", sorted(SMALL_PRESETS))
def test_a_small_preset_works_as_the_preset_does(name: str, checkout: Path) -> None:
    small, whole = small_preset(name), load_protocol(name)
    for same in ("sequences", "timepoints", "regions", "ring_limits", "deep", "robustness"):
        assert getattr(small, same) == getattr(whole, same)
    for way in ("search", "scouts", "nomogram", "fusion"):
        assert (getattr(small.learning, way) is None) == (getattr(whole.learning, way) is None)
    page = (checkout / "Resources" / "Gallery" / f"{name}.md").read_text(encoding="utf-8")
    assert f"habitat-radiomics demo --preset {name} --out" in page
    for picture in re.findall(r"\]\((\.\./Screenshots/[^)]+)\)", page):
        found = checkout / "Resources" / "Gallery" / picture
        assert found.stat().st_size < 200_000


def test_a_preset_without_a_small_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(["demo", "--preset", "general-mri", "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


class _SeenError(Exception):
    """The cohort that would have been trained on."""


def test_the_spine_is_trained_on_with_both_further_readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seen(cohort: Cohort, *args: object, **kwargs: object) -> None:
        raise _SeenError(cohort)

    monkeypatch.setattr(demo, "train_model", seen)
    small = replace(SMALL_PRESETS["spine-nomogram-mri"], patients=14)
    monkeypatch.setattr(demo, "SMALL_PRESETS", {"spine-nomogram-mri": small})
    with pytest.raises(_SeenError) as found:
        demo.run(argparse.Namespace(preset="spine-nomogram-mri", out=tmp_path / "out", jobs=1))
    (cohort,) = found.value.args
    assert [list(case.readings) for case in cohort.cases] == [[INTER_OBSERVER, INTRA_OBSERVER]] * 12 + [[]] * 2
