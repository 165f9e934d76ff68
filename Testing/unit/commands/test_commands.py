"""The commands as their user meets them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib import __version__
from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.system.installation.dependencies import Requirement


@pytest.fixture(scope="module")
def options(patient: SyntheticPatient, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """--image and --mask of a synthetic patient."""
    found = []
    for name, (image, mask) in write_case(tmp_path_factory.mktemp("patient"), patient.case).items():
        found += ["--image", f"{name}={image}", "--mask", f"{name}={mask}"]
    return found


def test_both_ways_to_call_the_program() -> None:
    for command in (
        ["-m", "HabitatRadiomicsLib"],
        ["-c", "from HabitatRadiomicsLib.commands.program import main; main()"],
    ):
        done = subprocess.run(
            [sys.executable, *command, "--version"], capture_output=True, encoding="utf-8", check=True
        )
        assert done.stdout.strip() == f"habitat-radiomics {__version__}"


def test_maps_writes_files_that_fit_the_input(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "maps"
    assert main(["maps", *options, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "own superpixels were clustered" in printed
    kinds = ("entropy.nrrd", "habitats.nrrd", "habitats.seg.nrrd", "maps.png")
    expected = {f"{name}_{kind}" for name in ("T1W", "T2FS") for kind in kinds} | {"habitats.json"}
    assert {path.name for path in out.iterdir()} == expected
    source = sitk.ReadImage(options[1].partition("=")[2])
    for kind in ("entropy", "habitats"):
        written = sitk.ReadImage(str(out / f"T1W_{kind}.nrrd"))
        assert written.GetSize() == source.GetSize()
        for read in ("GetOrigin", "GetSpacing", "GetDirection"):
            assert getattr(written, read)() == pytest.approx(getattr(source, read)(), abs=1e-9)
    document = json.loads((out / "habitats.json").read_text(encoding="utf-8"))["sequences"]["T1W"]
    assert document["habitats_of"] == "this patient alone"
    assert {"volume_ml", "intensity_mean", "entropy_mean_bits"} <= set(document["habitats"][0])


def test_segmentation_has_named_coloured_segments(options: list[str], tmp_path: Path) -> None:
    assert main(["maps", *options, "--model", "t790m-spine-demo", "--out", str(tmp_path / "maps")]) == 0
    path = tmp_path / "maps" / "T2FS_habitats.seg.nrrd"
    segmentation = sitk.ReadImage(str(path))
    keys = {key: segmentation.GetMetaData(key) for key in segmentation.GetMetaDataKeys()}
    assert [keys[f"Segment{number}_Name"] for number in (0, 1)] == ["S1", "S2"]
    assert [keys[f"Segment{number}_LabelValue"] for number in (0, 1)] == ["1", "2"]
    assert keys["Segment1_Color"] == "0.835294 0.368627 0"
    labels = sitk.ReadImage(str(tmp_path / "maps" / "T2FS_habitats.nrrd"))
    assert (sitk.GetArrayFromImage(segmentation) == sitk.GetArrayFromImage(labels)).all()
    header = path.read_bytes().partition(b"\n\n")[0].decode()
    assert "space: left-posterior-superior" in header


def test_score_tells_the_result_in_five_lines(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "score"
    assert main(["score", "--model", "t790m-spine-demo", *options, "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("T790M-")
    assert "synthetic demonstration" in lines[0]
    assert re.match(r"Rad-score -?\d+\.\d{3} \(95% interval .* cut-off .* probability \d+%", lines[1])
    assert str(out / "report.html") in lines[3]
    assert "Research use only" in lines[4]
    assert {"score.json", "contributions.png", "report.html", "habitats.json"} <= {path.name for path in out.iterdir()}


def test_two_runs_write_the_same_bytes(options: list[str], tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main(["score", "--model", "t790m-spine-demo", *options, "--out", str(tmp_path / name)]) == 0
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 12
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_models_lists_evidence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    printed = capsys.readouterr().out
    assert "t790m-spine-demo" in printed
    assert "synthetic demonstration, no patient behind it" in printed
    assert "AUC 0." in printed


def test_doctor_is_content_here_and_names_what_mends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["doctor"]) == 0
    assert "Everything is there." in capsys.readouterr().out
    monkeypatch.setattr(Requirement, "installed", lambda row: None if row.distribution != "scipy" else "1.0")
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "MISSING numpy" in printed
    assert 'pip install "scipy>=1.13"' in printed
    # Optional ones are absent, not missing.
    assert "absent  pyradiomics" in printed
    assert 'pip install "pyradiomics-bhklab>=3.1.4"' in printed
    assert "absent  numba" in printed
    assert 'pip install "dipy>=1.10"' in printed
    assert 'pip install "onnxruntime>=1.20"' in printed


def test_demo_walks_the_whole_way_and_rebuilds_the_bundled_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert main(["demo", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert str(out / "score" / "report.html") in printed
    assert "Demonstration model" in printed
    built, bundled = load_model(out / "training" / "model.json"), load_model("t790m-spine-demo")
    assert [feature.name for feature in built.features] == [feature.name for feature in bundled.features]
    # Bit for bit on the same versions and processor; elsewhere K-means may put a few voxels into another superpixel.
    assert built.coefficients == pytest.approx(bundled.coefficients, abs=0.02)
    assert built.cutoff.value == pytest.approx(bundled.cutoff.value, abs=0.05)
    assert {name: model.choice.chosen for name, model in built.protocol.population.items()} == {"T1W": 2, "T2FS": 2}
    assert main(["demo", "--out", str(out / "score")]) == 2
    assert "something other than earlier results" in capsys.readouterr().err


def test_an_error_of_the_program_itself_is_told_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from HabitatRadiomicsLib.commands import bundled

    def broken() -> dict[str, Path]:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(bundled, "bundled_models", broken)
    assert main(["models"]) == 1
    assert "an error of the program itself: ZeroDivisionError: oops" in capsys.readouterr().err


def test_interruption(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from HabitatRadiomicsLib.commands import bundled

    def interrupted() -> dict[str, Path]:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundled, "bundled_models", interrupted)
    assert main(["models"]) == 130
    assert "resumes" in capsys.readouterr().err


def test_notes_stand_first_among_the_warnings_of_every_output(options: list[str], tmp_path: Path) -> None:
    notes = ["--note", "T1W=The mask was made from a closed surface.", "--note", "T1W=And smoothed, a = b."]
    out = tmp_path / "maps"
    assert main(["maps", "--model", "t790m-spine-demo", *options, *notes, "--out", str(out)]) == 0
    warnings = json.loads((out / "habitats.json").read_text(encoding="utf-8"))["warnings"]
    assert warnings[:2] == ["T1W: The mask was made from a closed surface.", "T1W: And smoothed, a = b."]


@pytest.mark.parametrize("note", ["T1W", "T1W=", "=text", "PET=text"])
def test_a_note_of_no_sequence_is_refused(
    options: list[str], tmp_path: Path, note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["maps", *options, "--note", note, "--out", str(tmp_path / "maps")]) == 2
    assert "is not SEQ=SENTENCE of a sequence that is given" in capsys.readouterr().err
