"""Results are there complete or not at all, and errors travel between processes whole."""

from __future__ import annotations

import csv
import io
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from HabitatRadiomicsLib import errors
from HabitatRadiomicsLib.errors import CohortError, HabitatRadiomicsError, ImageError, OutputError
from HabitatRadiomicsLib.outputs import check_writable, json_text, result_folder, write_csv, write_text

POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
KINDS = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, HabitatRadiomicsError)),
    key=lambda kind: kind.__name__,
)


def tree(folder: Path) -> dict[str, str]:
    """Every folder and file below, with what the files hold."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }


def half_written(out: Path, problem: BaseException, *, overwrite: bool = False) -> None:
    """Results that a problem cuts off."""
    with result_folder(out, mark="old.txt", overwrite=overwrite) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "x.txt").write_text("half", encoding="utf-8")
        raise problem


@pytest.fixture
def old_results(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    (folder / "inner").mkdir(parents=True)
    (folder / "old.txt").write_text("old", encoding="utf-8")
    (folder / "inner" / "older.txt").write_text("older", encoding="utf-8")
    return folder


def test_the_folder_appears_when_the_block_ends(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "out"
    with result_folder(out, mark="old.txt") as folder:
        (folder / "x.txt").write_text("new", encoding="utf-8")
        assert not out.exists()
        assert folder.parent == out.parent  # of one file system, so that it can be renamed
    assert tree(tmp_path) == {"a": "folder", "a/b": "folder", "a/b/out": "folder", "a/b/out/x.txt": "new"}


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with result_folder(tmp_path / "out", mark="old.txt") as folder:
        (folder / "x.txt").write_text("new", encoding="utf-8")
    assert tree(tmp_path) == {"out": "folder", "out/x.txt": "new"}


def test_a_relative_folder_lies_where_the_program_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with result_folder(Path("out"), mark="x.txt") as folder:
        (folder / "x.txt").write_text("new", encoding="utf-8")
        os.chdir(tmp_path / "elsewhere")
    assert (tmp_path / "out" / "x.txt").is_file()


def test_a_folder_of_something_else_is_never_replaced(tmp_path: Path, old_results: Path) -> None:
    before = tree(tmp_path)
    expected = pytest.raises(OutputError, match="something other than earlier results")
    with expected, result_folder(old_results, mark="habitats.json", overwrite=True):
        pytest.fail("the block must not start")
    assert tree(tmp_path) == before


def test_long_work_does_not_start_for_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    check_writable(tmp_path / "new" / "deep")
    for place in ("file", "file/out"):
        with pytest.raises(OutputError, match="a file is in the way"):
            check_writable(tmp_path / place)
    assert tree(tmp_path) == {"file": "precious"}


@pytest.mark.parametrize("problem", [ImageError("No."), ValueError("no"), KeyboardInterrupt(), SystemExit(1)], ids=repr)
def test_a_problem_inside_leaves_nothing(tmp_path: Path, problem: BaseException) -> None:
    out = tmp_path / "a" / "b" / "out"
    with pytest.raises(type(problem)):
        half_written(out, problem)
    assert tree(tmp_path) == {}


def test_a_problem_of_the_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left") as error:
        half_written(tmp_path / "out", OSError(28, "No space left on device"))
    assert error.value.where == str(tmp_path / "out")
    assert error.value.remedy
    assert tree(tmp_path) == {}


def test_old_results_are_not_replaced_unasked(tmp_path: Path, old_results: Path) -> None:
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="not empty") as error, result_folder(old_results, mark="old.txt"):
        pytest.fail("the block must not start")
    assert "--overwrite" in error.value.remedy
    assert tree(tmp_path) == before


def test_old_results_are_replaced_as_a_whole(tmp_path: Path, old_results: Path) -> None:
    before = tree(tmp_path)
    with result_folder(old_results, mark="old.txt", overwrite=True) as folder:
        (folder / "x.txt").write_text("new", encoding="utf-8")
        assert {name: text for name, text in tree(tmp_path).items() if name in before} == before
    assert tree(tmp_path) == {"out": "folder", "out/x.txt": "new"}


@pytest.mark.parametrize("problem", [ImageError("No."), ValueError("no"), KeyboardInterrupt()], ids=repr)
def test_old_results_stay_when_the_new_ones_fail(tmp_path: Path, old_results: Path, problem: BaseException) -> None:
    before = tree(tmp_path)
    with pytest.raises(type(problem)):
        half_written(old_results, problem, overwrite=True)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("fails", [1, 2])
@pytest.mark.parametrize("problem", [PermissionError(13, "Permission denied"), KeyboardInterrupt()], ids=repr)
def test_old_results_stay_when_they_cannot_be_put_aside_or_replaced(
    tmp_path: Path, old_results: Path, monkeypatch: pytest.MonkeyPatch, fails: int, problem: BaseException
) -> None:
    before, rename, calls = tree(tmp_path), os.rename, []

    def failing(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == fails:
            raise problem
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    expected = OutputError if isinstance(problem, OSError) else type(problem)
    with pytest.raises(expected), result_folder(old_results, mark="old.txt", overwrite=True) as folder:
        (folder / "x.txt").write_text("new", encoding="utf-8")
    assert len(calls) >= fails
    assert tree(tmp_path) == before


@pytest.mark.parametrize("below", ["file", "file/out", "file/deep/out", "x" * 300, "new/" + "x" * 300])
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    for overwrite in (False, True):
        with pytest.raises(OutputError) as error, result_folder(tmp_path / below, mark="old.txt", overwrite=overwrite):
            pytest.fail("the block must not start")
        assert error.value.where == str(tmp_path / below)
        assert error.value.remedy
        assert tree(tmp_path) == {"file": "precious"}


@POSIX
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o027, 0o002])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with result_folder(tmp_path / "out", mark="old.txt") as folder:
            (folder / "x.txt").write_text("new", encoding="utf-8")
        write_text(tmp_path / "deep" / "y.txt", "new")
        assert os.umask(umask) == umask  # nobody changed it on the way
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o777 & ~umask
    assert (tmp_path / "out" / "x.txt").stat().st_mode & 0o777 == 0o666 & ~umask
    assert (tmp_path / "deep" / "y.txt").stat().st_mode & 0o777 == 0o666 & ~umask


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.txt", "µ\r\nz\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "µ\r\nz\n".encode()
    write_text(tmp_path / "a" / "b.txt", "shorter")
    assert tree(tmp_path) == {"a": "folder", "a/b.txt": "shorter"}


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_an_old_text_stays_when_the_new_one_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    write_text(tmp_path / "x.txt", "old")

    def failing(source: str, target: Path) -> None:
        assert Path(source).read_text(encoding="utf-8") == "new"
        assert target.read_text(encoding="utf-8") == "old"
        raise problem

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OutputError if isinstance(problem, OSError) else type(problem)):
        write_text(tmp_path / "x.txt", "new")
    assert tree(tmp_path) == {"x.txt": "old"}


def test_an_old_text_stays_when_the_new_one_is_no_text(tmp_path: Path) -> None:
    write_text(tmp_path / "x.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "x.txt", "new \ud800")
    assert tree(tmp_path) == {"x.txt": "old"}


@pytest.mark.parametrize("below", ["file/x.txt", "folder", "x" * 300])
def test_a_text_that_cannot_be_written_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputError) as error:
        write_text(tmp_path / below, "new")
    assert error.value.where == str(tmp_path / below)
    assert tree(tmp_path) == {"file": "precious", "folder": "folder"}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_numbers_that_json_lacks(value: float) -> None:
    assert json_text({"µ": 0.1}) == '{\n  "µ": 0.1\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        json_text({"x": value})


def test_all_kinds_of_errors_are_looked_at() -> None:
    assert {ImageError, CohortError, OutputError, HabitatRadiomicsError} < set(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_errors_survive_pickling_with_all_fields(kind: type[HabitatRadiomicsError], protocol: int) -> None:
    error = kind("It is broken.", where="T1W mask m.nrrd", remedy="Mend it.")
    copy = pickle.loads(pickle.dumps(error, protocol))
    assert type(copy) is kind
    assert (copy.problem, copy.where, copy.remedy) == ("It is broken.", "T1W mask m.nrrd", "Mend it.")
    assert copy.args == error.args
    assert str(copy) == "T1W mask m.nrrd: It is broken. Mend it."
    bare = pickle.loads(pickle.dumps(kind("It is broken."), protocol))
    assert (bare.where, bare.remedy, str(bare)) == ("", "", "It is broken.")


def test_an_error_gets_its_place_from_outside_in() -> None:
    error = ImageError("It is broken.", remedy="Mend it.").at("T1W").at("row 3")
    assert type(error) is ImageError
    assert str(error) == "row 3, T1W: It is broken. Mend it."


def test_a_listing_survives_pickling_line_by_line() -> None:
    error = CohortError.listing(["one", "two"], where="images.csv", remedy="Mend them.")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is CohortError
    assert str(copy) == "images.csv: The table has 2 problems:\n  - one\n  - two\n Mend them."


def test_a_table_has_the_bytes_of_the_csv_module(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    scales = 10.0 ** generator.integers(-300, 300, 500)
    floats = [*(generator.normal(size=500) * scales).tolist(), 0.1 + 0.2, 1e16, -0.0]
    texts = ["", "a,b", 'say "no"', "two\nlines", "Größe \u2264 3", " padded ", "0012"] * (len(floats) // 7 + 1)
    columns = {
        "case_id": texts[: len(floats)],
        "value": floats,
        "short": generator.normal(size=len(floats)).astype(np.float32).tolist(),
        "whole": list(range(len(floats))),
        "true": [index % 2 == 0 for index in range(len(floats))],
    }
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values()))
    write_csv(pd.DataFrame(columns), tmp_path / "a" / "table.csv")
    assert (tmp_path / "a" / "table.csv").read_bytes() == stream.getvalue().encode()


def test_what_a_table_lacks_is_an_empty_cell(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [1.5, np.nan], "y": pd.array([1, None], dtype="Int64"), "z": ["a", None]})
    write_csv(frame, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == "x,y,z\n1.5,1,a\n,,\n"
