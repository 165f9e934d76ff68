"""FSL's text files of b-values and directions, good and bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import ImageError
from HabitatRadiomicsLib.imaging.diffusion.gradients import read_gradients

BVAL = "0 1000 1000\n"
BVEC = "0 1 0\n0 0 0.6\n0 0 0.8\n"


def read(folder: Path, bval: str = BVAL, bvec: str | None = BVEC, volumes: int = 3):  # type: ignore[no-untyped-def]
    (folder / "a.bval").write_text(bval, encoding="utf-8")
    if bvec is not None:
        (folder / "a.bvec").write_text(bvec, encoding="utf-8")
    return read_gradients(folder / "a.bval", None if bvec is None else folder / "a.bvec", volumes)


@pytest.mark.parametrize("bval", [BVAL, "0\n1000\n1000\n", "\ufeff0, 1000, 1000", "0\t1e3\t1000.0\n\n"])
@pytest.mark.parametrize("bvec", [BVEC, "0 1 0\n0 0 .6\n0 0 .8", "nan 1 0\nnan 0 0.6\nnan 0 0.8\n"])
def test_the_two_files_as_programs_write_them(tmp_path: Path, bval: str, bvec: str) -> None:
    table = read(tmp_path, bval, bvec)
    np.testing.assert_array_equal(table.b, [0, 1000, 1000])
    np.testing.assert_array_equal(table.unweighted, [True, False, False])


def test_rows_are_axes_or_volumes(tmp_path: Path) -> None:
    four = "0 1000 1000 1000"
    expected = [[0, 0, 0], [1, 0, 0], [0, 0.6, 0.8], [0, 0, 1]]
    axes = read(tmp_path, four, "0 1 0 0\n0 0 .6 0\n0 0 .8 1\n", 4)
    volumes = read(tmp_path, four, "0 0 0\n1 0 0\n0 .6 .8\n0 0 1\n", 4)
    np.testing.assert_array_equal(axes.directions, expected)
    np.testing.assert_array_equal(volumes.directions, expected)


def test_a_small_b_value_counts_as_none_and_its_direction_for_nothing(tmp_path: Path) -> None:
    table = read(tmp_path, "20 1000 1000", "1 1 0\n0 0 0.6\n0 0 0.8\n")
    assert table.unweighted.tolist() == [True, False, False]
    assert table.directions[0].tolist() == [0, 0, 0]


def test_without_directions_there_are_none(tmp_path: Path) -> None:
    assert read(tmp_path, bvec=None).directions is None


@pytest.mark.parametrize(
    ("bval", "bvec", "says"),
    [
        ("0 1000", BVEC, "The file holds 2 b-values, and the series has 3 volumes"),
        ("0 1000 1000 1000", BVEC, "holds 4 b-values"),
        (BVAL, "0 1\n0 0\n0 0\n", "holds 2 directions, and the series has 3 volumes"),
        (BVAL, "0 1 0\n0 0 1\n", "The file holds 2 directions"),
        (BVAL, "0 1 0 0\n0 0 1 0\n", "2 rows of 4 to 4 numbers"),
        (BVAL, "0 1 0\n0 0 1\n0 0\n", "3 rows of 2 to 3 numbers"),
        (BVAL, "0 1 0\n0 0 0.6\n0 0 0.6\n", "1 of the 2 directions are not of length 1; the first is that of volume 3"),
        (BVAL, "0 1 0\n0 0 0\n0 0 0\n", "first is that of volume 3"),
        (BVAL, "0 nan 0\n0 0 0.6\n0 0 0.8\n", "first is that of volume 2"),
        ("300 1000 1000", BVEC, r"No volume has b=0 \(up to 50 s/mm²\): the lowest b-value is 300"),
        ("0 0 50", BVEC, "No volume is diffusion-weighted: the highest b-value is 50"),
        ("0 -5 1000", BVEC, "negative or not finite"),
        ("0 inf 1000", BVEC, "negative or not finite"),
        ("0 b 1000", BVEC, "not a text of numbers"),
        ("", BVEC, "The file is empty"),
        (BVAL, " \n", "The file is empty"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, bval: str, bvec: str, says: str) -> None:
    with pytest.raises(ImageError, match=says) as error:
        read(tmp_path, bval, bvec)
    assert "a.bv" in error.value.where


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="There is no such file"):
        read_gradients(tmp_path / "none", None, 3)
    with pytest.raises(ImageError, match="cannot be read"):
        read_gradients(tmp_path, None, 3)
    (tmp_path / "a.bval").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ImageError, match="not a text of numbers"):
        read_gradients(tmp_path / "a.bval", None, 3)
