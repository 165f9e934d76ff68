"""A second reader's masks: read beside the first's, and turned into the reliability of features."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cohort import load_cohort, with_second_reader
from HabitatRadiomicsLib.errors import CohortError
from HabitatRadiomicsLib.fold_preparation import prepare_fold, reliability_of
from HabitatRadiomicsLib.measured_study import measure_study
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.synthetic import write_synthetic_cohort

from .. import two_time_points


def _protocol() -> Protocol:
    images = {
        "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
        "gradient": False, "lbp_2d": False, "log_sigmas": [],
    }  # fmt: skip
    document = {
        "name": "a", "title": "a", "sequences": ["T1W"], "regions": ["whole"],
        "features": {"classes": ["shape", "firstorder"], "images": images},
        "robustness": {"icc": "2,1", "threshold": 0.8}, "learning": {"folds": 2, "repeats": 1},
    }  # fmt: skip
    return protocol_from(document, where="test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, 8, seed=5)
    return folder


def _second_table(folder: Path, target: Path, *, cases: int, grown: bool) -> Path:
    """The second reader outlines the first cases, alike or one voxel wider."""
    with (folder / "images.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = list(dict.fromkeys(row["case_id"] for row in rows))[:cases]
    own = [row for row in rows if row["case_id"] in names and row["sequence"] == "T1W"]
    for row in own:
        mask = sitk.ReadImage(str(folder / row["mask"]))
        path = target / f"{row['case_id']}.nrrd"
        sitk.WriteImage(sitk.BinaryDilate(mask, [1, 1, 0]) if grown else mask, str(path))
        row["mask"], row["image"] = str(path), str(folder / row["image"])
    with (target / "second.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(own)
    return target / "second.csv"


@pytest.mark.parametrize(("grown", "changes"), [(False, False), (True, True)])
def test_reliability_comes_from_the_cases_that_were_read_twice(
    folder: Path, tmp_path: Path, grown: bool, changes: bool
) -> None:
    protocol = _protocol()
    t1w = load_cohort(folder / "images.csv", folder / "clinical.csv")
    cohort = with_second_reader(_only_t1w(t1w), _second_table(folder, tmp_path, cases=5, grown=grown))
    study = measure_study(
        cohort, protocol, tmp_path / "work", frozen_habitats=False, jobs=1, resample_mask=False, progress=silent
    )
    table = study.table()
    assert study.perturbed.tolist() == [0, 1, 2, 3, 4]
    assert table.repeated is not None
    assert table.repeated.shape == (5, 1, len(table.columns))
    assert protocol.robustness is not None
    found = reliability_of(table, np.arange(8), protocol.robustness)
    assert set(found.cases) == {5}
    assert bool((found.reliability.icc < 0.999).any()) is changes
    kept = prepare_fold(table, np.arange(8), protocol).columns
    assert kept == tuple(name for name, icc in zip(table.columns, found.reliability.icc) if icc >= 0.8)
    # Cases of a test fold do not tell which features are reliable.
    assert set(reliability_of(table, np.array([0, 2, 5, 6]), protocol.robustness).cases) == {2}


def _only_t1w(cohort):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    cases = [replace(case, images=tuple(row for row in case.images if row.sequence == "T1W")) for case in cohort.cases]
    return replace(cohort, cases=tuple(cases))


def test_a_second_reading_changes_what_is_kept(folder: Path, tmp_path: Path) -> None:
    """Another second reading is other input: nothing of the first is taken over."""
    protocol = _protocol()
    cohort = _only_t1w(load_cohort(folder / "images.csv", folder / "clinical.csv"))
    seen = []
    for name, grown in (("alike", False), ("wider", True)):
        (tmp_path / name).mkdir()
        read = with_second_reader(cohort, _second_table(folder, tmp_path / name, cases=4, grown=grown))
        study = measure_study(
            read, protocol, tmp_path / "work", frozen_habitats=False, jobs=1, resample_mask=False, progress=silent
        )
        repeated = study.table().repeated
        assert repeated is not None
        seen.append(repeated.tobytes())
    assert seen[0] != seen[1]


def test_a_case_that_is_none_a_missing_sequence_and_too_few_cases_are_refused(folder: Path, tmp_path: Path) -> None:
    cohort = load_cohort(folder / "images.csv", folder / "clinical.csv")
    second = _second_table(folder, tmp_path, cases=4, grown=False)
    with pytest.raises(CohortError, match="synthetic-000 has no second reading of T2FS"):
        with_second_reader(cohort, second)
    text = second.read_text(encoding="utf-8")
    second.write_text(text.replace("synthetic-001,", "stranger,"), encoding="utf-8")
    with pytest.raises(CohortError, match="stranger is not a case of the cohort"):
        with_second_reader(_only_t1w(cohort), second)
    two = _second_table(folder, tmp_path, cases=2, grown=False)
    with pytest.raises(CohortError, match="2 cases tell nothing of reliability; at least 3"):
        with_second_reader(_only_t1w(cohort), two)


def test_a_second_reading_of_both_time_points(tmp_path: Path) -> None:
    folder = two_time_points.write_cohort(tmp_path / "cohort", 8)
    cohort = two_time_points.cohort_of(folder)
    lines = (folder / "images.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "second.csv").write_text("".join(lines[:9]), encoding="utf-8")  # of the first four, read alike
    read = with_second_reader(cohort, folder / "second.csv", timepoints=two_time_points.MOMENTS)
    assert [len(case.second_reading) for case in read.cases] == [2] * 4 + [0] * 4
    study = measure_study(
        read, two_time_points.protocol(robustness={"icc": "2,1", "threshold": 0.8}), tmp_path / "work",
        frozen_habitats=False, jobs=1, resample_mask=False, progress=silent,
    )  # fmt: skip
    table = study.table()
    assert table.repeated is not None
    assert table.repeated[:, 0].tobytes() == table.values[:4].tobytes()
    (folder / "second.csv").write_text("".join(lines[:8]), encoding="utf-8")
    with pytest.raises(CohortError, match="P03 has no second reading of follow-up CT"):
        with_second_reader(cohort, folder / "second.csv", timepoints=two_time_points.MOMENTS)
