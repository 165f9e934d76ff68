"""``diffusion`` as its user meets it: maps that other commands read, and refusals that write nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.commands.program import main

Call = Callable[..., list[str]]


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """Diffusion of 0.9e-3 mm2/s along the first axis and 0.3e-3 across, in a folder of its own."""
    folder = tmp_path / "series"
    folder.mkdir()
    half = np.sqrt(0.5)
    vectors = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [half, half, 0], [half, 0, half], [0, half, half]])
    b = np.array([0, *[1000] * 6])
    signals = 400 * np.exp(-b * ((vectors**2) @ [0.9e-3, 0.3e-3, 0.3e-3]))
    volumes = [sitk.GetImageFromArray(np.full((3, 4, 5), signal, dtype=np.float32)) for signal in signals]
    sitk.WriteImage(sitk.JoinSeries(volumes), str(folder / "dwi.nii.gz"))
    np.savetxt(folder / "dwi.bval", b[None, :], fmt="%d")
    np.savetxt(folder / "dwi.bvec", vectors.T, fmt="%.9f")
    return folder


def command(series: Path, out: Path, *more: str, vectors: bool = True) -> list[str]:
    files = ["--dwi", str(series / "dwi.nii.gz"), "--bval", str(series / "dwi.bval")]
    files += ["--bvec", str(series / "dwi.bvec")] if vectors else []
    return ["diffusion", *files, "--out", str(out), *more]


def test_the_maps_and_what_made_them(series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(command(series, out)) == 0
    assert sorted(path.name for path in out.iterdir()) == ["ADC.nrrd", "FA.nrrd", "diffusion.json"]
    adc, fa = (sitk.GetArrayFromImage(sitk.ReadImage(str(out / f"{name}.nrrd"))) for name in ("ADC", "FA"))
    np.testing.assert_allclose(adc, 500, rtol=1e-5)
    np.testing.assert_allclose(fa, 0.6 / np.sqrt(0.81 + 0.09 + 0.09), rtol=1e-4)
    printed = capsys.readouterr().out
    assert "60 voxels, 7 volumes: tensor, weighted least squares" in printed
    assert "10^-6 mm²/s" in printed
    document = json.loads((out / "diffusion.json").read_text(encoding="utf-8"))
    assert document["maps"]["ADC"]["unit"] == "10^-6 mm2/s"
    assert set(document["inputs"]) == {"dwi", "bval", "bvec"}
    assert {"dipy", "HabitatRadiomics", "numpy"} <= set(document["versions"])
    assert str(series) not in (out / "diffusion.json").read_text(encoding="utf-8")


def test_again_the_same_bytes(series: Path, tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert main(command(series, tmp_path / name)) == 0
    for name in ("ADC.nrrd", "FA.nrrd", "diffusion.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_the_coefficient_alone(series: Path, tmp_path: Path) -> None:
    assert main(command(series, tmp_path / "out", vectors=False)) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ADC.nrrd", "diffusion.json"]
    document = json.loads((tmp_path / "out" / "diffusion.json").read_text(encoding="utf-8"))
    assert list(document["maps"]) == ["ADC"]
    assert "dipy" not in document["versions"]


def test_the_maps_are_read_by_the_other_commands(series: Path, tmp_path: Path) -> None:
    mask = np.zeros((3, 4, 5), dtype=np.uint8)
    mask[1, 1:3, 1:4] = 1
    sitk.WriteImage(sitk.GetImageFromArray(mask), str(series / "mask.nrrd"))
    assert main(command(series, tmp_path / "out", "--mask", str(series / "mask.nrrd"))) == 0
    adc = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "out" / "ADC.nrrd")))
    assert ((adc > 0) == (mask > 0)).all()


def test_what_is_wrong_is_told_and_writes_nothing(
    series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (series / "dwi.bval").write_text("0 1000\n", encoding="utf-8")
    assert main(command(series, out)) == 2
    assert "dwi.bval: The file holds 2 b-values, and the series has 7 volumes." in capsys.readouterr().err
    assert not out.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["series"]


def test_results_are_replaced_only_when_asked_and_inputs_never(
    series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(command(series, out)) == 0
    assert main(command(series, out)) == 2
    assert main(command(series, out, "--overwrite", vectors=False)) == 0
    assert not (out / "FA.nrrd").exists()
    capsys.readouterr()
    assert main(command(series, series, "--overwrite")) == 2
    assert "lies in the output folder" in capsys.readouterr().err
    assert (series / "dwi.nii.gz").exists()


@pytest.mark.parametrize("value", ["0", "-1", "nan", "many"])
def test_the_largest_b_value_is_a_positive_number(series: Path, tmp_path: Path, value: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(command(series, tmp_path / "out", "--largest-b", value))
    assert stop.value.code == 2
    assert not (tmp_path / "out").exists()
