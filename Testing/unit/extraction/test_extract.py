"""Cohort extraction: resumable, unbothered by a failing case, complete in what it says."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.errors import Cancelled, CohortError
from HabitatRadiomicsLib.extraction import regions as region_measuring
from HabitatRadiomicsLib.extraction.cohort import extract_features
from HabitatRadiomicsLib.extraction.kept_cases import CaseWork, run_cases
from HabitatRadiomicsLib.extraction.maps import make_maps
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol, load_protocol, protocol_from

from .. import two_time_points

_FEW = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "features": {
        "classes": ["shape", "firstorder", "glcm"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, 4, seed=5)
    return folder


@pytest.fixture
def cohort(folder: Path) -> Cohort:
    return load_cohort(folder / "images.csv", folder / "clinical.csv")


@pytest.fixture
def protocol() -> Protocol:
    return protocol_from(_FEW, where="test")


def test_table_has_a_row_per_case_and_a_column_per_feature(cohort: Cohort, protocol: Protocol, tmp_path: Path) -> None:
    found = extract_features(cohort, protocol, tmp_path)
    regions = {name: 1 + len(model.names) for name, model in found.protocol.population.items()}
    assert list(found.table.index) == [case.case_id for case in cohort.cases]
    assert len(found.table.columns) == (14 + 18 + 24) * sum(regions.values())
    assert np.isfinite(found.table.values).all()
    assert found.problems == ()
    assert found.protocol.population["T1W"].patients == 4


def test_a_second_run_takes_over_what_is_done_and_gives_the_same(
    cohort: Cohort, protocol: Protocol, tmp_path: Path
) -> None:
    first = extract_features(cohort, protocol, tmp_path, jobs=1)
    (tmp_path / "regions" / f"{cohort.cases[1].case_id}.json").unlink()  # as if the run had been stopped
    (tmp_path / "regions" / f"{cohort.cases[2].case_id}.json").write_text("{trunca", encoding="utf-8")
    second = extract_features(cohort, protocol, tmp_path, jobs=2)
    assert second.reused == 2
    np.testing.assert_array_equal(first.table.values, second.table.values)
    assert extract_features(cohort, protocol, tmp_path).reused == 4


def test_a_changed_image_or_setting_is_computed_again(protocol: Protocol, folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    cohort = load_cohort(copy / "images.csv")
    population = extract_features(cohort, protocol, tmp_path / "work").protocol
    image = copy / "images" / "synthetic-001" / "T1W.nrrd"
    sitk.WriteImage(sitk.ReadImage(str(image)) + 1, str(image))
    assert extract_features(cohort, population, tmp_path / "work").reused == 3
    fewer = population.model_copy(update={"regions": ("whole",)})
    assert extract_features(cohort, fewer, tmp_path / "work").reused == 4
    finer = fewer.features.model_copy(update={"minimum_region_voxels": 9})
    other = fewer.model_copy(update={"features": finer})
    assert extract_features(cohort, other, tmp_path / "work").reused == 0
    renamed = other.model_copy(update={"title": "Another title", "learning": LearningSettings(folds=3)})
    assert extract_features(cohort, renamed, tmp_path / "work").reused == 4


def test_a_failing_case_is_reported_and_the_others_are_measured(
    protocol: Protocol, folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    mask = copy / "images" / "synthetic-002" / "T2FS-mask.nrrd"
    shifted = sitk.ReadImage(str(mask))
    shifted.SetOrigin([value + 1 for value in shifted.GetOrigin()])
    sitk.WriteImage(shifted, str(mask))
    (copy / "images" / "synthetic-000" / "T1W.nrrd").write_bytes(b"not an image")
    found = extract_features(load_cohort(copy / "images.csv"), protocol, tmp_path / "work", jobs=2)
    assert list(found.table.index) == ["synthetic-001", "synthetic-003"]
    problems = {row.case_id: row for row in found.problems}
    assert set(problems) == {"synthetic-000", "synthetic-002"}
    assert "does not lie on the image's grid" in problems["synthetic-002"].problem
    assert "images.csv row 7" in problems["synthetic-002"].where
    assert "cannot be read" in problems["synthetic-000"].problem


def test_an_unexpected_error_in_one_case_does_not_stop_the_others(
    cohort: Cohort, protocol: Protocol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = region_measuring.measure_regions
    calls: list[int] = []

    def fails_once(*args: Any, **kwargs: Any) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError("surprise")
        return real(*args, **kwargs)

    monkeypatch.setattr(region_measuring, "measure_regions", fails_once)
    found = extract_features(cohort, protocol, tmp_path, jobs=1)
    assert len(found.table) == 3
    assert found.problems[0].problem == "Unexpected ZeroDivisionError: surprise"


def test_features_without_a_value_are_reported_with_their_reason_also_from_an_earlier_run(
    folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = copy / "images" / "synthetic-002" / "T1W-mask.nrrd"
    mask = sitk.ReadImage(str(path))
    voxels = sitk.GetArrayFromImage(mask)
    for axis in range(3):
        np.moveaxis(voxels, axis, 0)[1::2] = 0  # no two neighbours are left
    isolated = sitk.GetImageFromArray(voxels)
    isolated.CopyInformation(mask)
    sitk.WriteImage(isolated, str(path))
    whole = protocol_from({**_FEW, "regions": ["whole"]}, where="test")
    cohort = load_cohort(copy / "images.csv")
    first = extract_features(cohort, whole, tmp_path / "work")
    [problem] = first.problems
    assert (problem.case_id, problem.step, problem.where) == ("synthetic-002", "features", "T1W whole")
    assert problem.problem == (
        "No two voxels of the region are neighbours, and a co-occurrence matrix counts pairs of neighbours. "
        "Features without a value: 24 (original_glcm_Autocorrelation, original_glcm_ClusterProminence, "
        "original_glcm_ClusterShade, original_glcm_ClusterTendency, original_glcm_Contrast, ...)."
    )
    row = first.table.loc["synthetic-002"]
    assert np.isnan(row).sum() == 24
    again = extract_features(cohort, whole, tmp_path / "work")
    assert again.reused == 4
    assert again.problems == first.problems


def test_no_case_left_is_an_error(folder: Path, protocol: Protocol, tmp_path: Path) -> None:
    needs_more = protocol.model_copy(update={"sequences": ("T1W", "CT")})
    with pytest.raises(CohortError, match="The case has no CT image"):
        extract_features(load_cohort(folder / "images.csv"), needs_more, tmp_path)


def test_command_writes_tables_that_read_back(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    protocol = tmp_path / "few.yaml"
    protocol.write_text(json.dumps(_FEW), encoding="utf-8")
    arguments = ["extract", "--cohort", str(folder / "images.csv"), "--clinical", str(folder / "clinical.csv")]
    out = tmp_path / "out"
    assert main([*arguments, "--protocol", str(protocol), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "4 of 4 cases" in printed.out
    assert "left" in printed.err  # the bar tells the time left
    with (out / "features.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["outcome"] for row in rows] == ["0", "1", "0", "1"]
    assert [row["site"] for row in rows] == ["Alpha", "Alpha", "Beta", "Beta"]
    definitions = json.loads((out / "features.json").read_text(encoding="utf-8"))
    assert set(definitions["columns"]) == set(rows[0]) - {"case_id", "outcome", "site"}
    column = definitions["columns"]["T2FS_S2_original_glcm_Contrast"]
    assert definitions["definitions"][column["definition"]]["ibsi"] == "ACUI"
    assert (out / "errors.csv").read_text(encoding="utf-8") == "case_id,step,problem,where,remedy\n"
    applied = load_protocol(out / "protocol.yaml")
    assert set(applied.population) == {"T1W", "T2FS"}
    # The written protocol applies the population's habitats to another patient.
    first = load_cohort(folder / "images.csv").cases[0]
    options = [text for row in first.images for text in ("--image", f"{row.sequence}={row.image}")]
    options += [text for row in first.images for text in ("--mask", f"{row.sequence}={row.mask}")]
    assert main(["maps", *options, "--protocol", str(out / "protocol.yaml"), "--out", str(tmp_path / "maps")]) == 0
    assert "own superpixels" not in (tmp_path / "maps" / "habitats.json").read_text(encoding="utf-8")


def test_identifiers_do_not_reach_the_log(
    cohort: Cohort, protocol: Protocol, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        extract_features(cohort, protocol, tmp_path)
    assert "synthetic-0" not in caplog.text


def test_cancelling_stops_and_what_is_done_is_kept(cohort: Cohort, protocol: Protocol, tmp_path: Path) -> None:
    def stop_after_two(fraction: float, message: str) -> None:
        if fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        extract_features(cohort, protocol, tmp_path, progress=stop_after_two)
    done = len(list((tmp_path / "regions").glob("*.json")))
    assert 1 <= done < 4
    assert extract_features(cohort, protocol, tmp_path).reused == done


def test_a_place_that_cannot_be_written_is_refused_before_work_starts(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("precious", encoding="utf-8")
    arguments = ["extract", "--cohort", str(folder / "images.csv"), "--protocol", "t790m-spine-mri"]
    assert main([*arguments, "--out", str(tmp_path / "file")]) == 2
    assert "a file is in the way" in capsys.readouterr().err


def test_a_case_that_kills_its_process_is_reported_and_the_others_are_measured(cohort: Cohort, tmp_path: Path) -> None:
    """As the system does to a process that takes too much memory."""
    work = CaseWork(tmp_path / "features", "key", None, False, _dies_for_one)
    answers, problems, _ = run_cases(cohort.cases, work, 2, silent)
    assert set(answers) == {case.case_id for case in cohort.cases} - {"synthetic-002"}
    assert [problem.case_id for problem in problems] == ["synthetic-002"]
    assert "process that measured this case died" in problems[0].problem


def _dies_for_one(case: Case) -> dict[str, Any]:
    if case.case_id == "synthetic-002":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"case": case.case_id}


def test_the_users_own_files_are_never_replaced(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "features.csv").write_text("mine", encoding="utf-8")
    cohort = ["--cohort", str(folder / "images.csv")]
    assert main(["extract", *cohort, "--protocol", "general-mri", "--out", str(tmp_path)]) == 2
    assert "something other than an earlier run" in capsys.readouterr().err
    own = tmp_path / "own"
    (own / "work").mkdir(parents=True)
    (own / "protocol.yaml").write_text(json.dumps(_FEW), encoding="utf-8")
    assert main(["extract", *cohort, "--protocol", str(own / "protocol.yaml"), "--out", str(own)]) == 2
    assert "lies in the output folder" in capsys.readouterr().err
    assert json.loads((own / "protocol.yaml").read_text(encoding="utf-8")) == _FEW


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_time_points.write_cohort(tmp_path_factory.mktemp("two"), 4)


_HABITATS = {"regions": ["whole", "habitats"]}


def test_two_time_points_give_both_values_and_their_change(two: Path, tmp_path: Path) -> None:
    found = extract_features(two_time_points.cohort_of(two), two_time_points.protocol(), tmp_path)
    table, count = found.table, 14 + 18 + 22
    assert found.problems == ()
    assert found.habitat_changes == ()
    assert list(table.index) == ["P00", "P01", "P02", "P03"]
    starts = [name.partition("_whole_")[0] for name in table.columns]
    assert starts == ["baseline_CT"] * count + ["follow-up_CT"] * count + ["delta_CT"] * count
    baseline, followup, change = np.split(table.values, 3, axis=1)
    np.testing.assert_array_equal(change, followup - baseline)
    assert (change != 0).mean() > 0.9
    # By hand: the mean intensity of the input's voxels, of the second patient.
    for moment, values in zip(two_time_points.MOMENTS, (baseline, followup)):
        image, mask = two_time_points.images_of(1, responds=True, core_left=0.35)[moment]
        place = table.columns.get_loc("baseline_CT_whole_original_firstorder_Mean")
        inside = sitk.GetArrayFromImage(image)[sitk.GetArrayFromImage(mask) == 1]
        assert values[1, place] == pytest.approx(inside.mean())


@pytest.mark.parametrize("scale", ["own", "baseline"])
def test_a_patient_alone_has_the_same_features_at_both_time_points(two: Path, tmp_path: Path, scale: str) -> None:
    cohort = two_time_points.cohort_of(two)
    protocol = two_time_points.protocol(**_HABITATS, timepoints={"habitat_scale": scale})
    together = extract_features(cohort, protocol, tmp_path / "two-jobs", jobs=2)
    turned = type(cohort)(cohort.cases[::-1])
    reversed_table = extract_features(turned, protocol, tmp_path / "reversed").table
    assert list(reversed_table.columns) == list(together.table.columns)
    assert reversed_table.values[::-1].tobytes() == together.table.values.tobytes()
    for case in cohort.cases:
        alone = extract_features(cohort.only([case.case_id]), together.protocol, tmp_path / case.case_id).table
        assert alone.to_numpy().tobytes() == together.table.loc[[case.case_id]].to_numpy().tobytes()


def test_habitats_are_fitted_on_the_baseline_and_applied_at_both_time_points(two: Path, tmp_path: Path) -> None:
    protocol = two_time_points.protocol(**_HABITATS, timepoints={"habitat_scale": "own"})
    cohort = two_time_points.cohort_of(two)
    found = extract_features(cohort, protocol, tmp_path / "both")
    assert list(found.protocol.population) == ["CT"]
    assert found.protocol.population["CT"].patients == 4
    # The same population from the baselines alone, as patients with one time point.
    single = two_time_points.protocol(**_HABITATS, timepoints=None)
    baselines = extract_features(load_cohort(two / "images.csv", timepoint="baseline"), single, tmp_path / "single")
    assert baselines.protocol.population == found.protocol.population
    same = [name for name in found.table.columns if name.startswith("baseline_")]
    assert [name.removeprefix("baseline_") for name in same] == list(baselines.table.columns)
    assert found.table[list(same)].values.tobytes() == baselines.table.values.tobytes()
    # And the follow-ups under them.
    followups = load_cohort(two / "images.csv", timepoint="follow-up")
    later = extract_features(followups, baselines.protocol, tmp_path / "later").table
    same = [f"follow-up_{name}" for name in later.columns]
    assert found.table[list(same)].values.tobytes() == later.values.tobytes()
    changes = {(row.case_id, row.habitat): row for row in found.habitat_changes}
    names = [*found.protocol.population["CT"].names, "whole"]
    assert list(changes) == [(case.case_id, name) for case in cohort.cases for name in names]
    for case in cohort.cases:
        maps = make_maps(case.read(), found.protocol)[1]
        for row in maps["follow-up_CT"].statistics:
            assert changes[case.case_id, row.name].followup_ml == row.volume_ml


def test_on_the_baselines_scale_only_the_follow_ups_habitats_are_others(two: Path, tmp_path: Path) -> None:
    cohort = two_time_points.cohort_of(two)
    own, compared = (
        extract_features(
            cohort, two_time_points.protocol(**_HABITATS, timepoints={"habitat_scale": scale}), tmp_path / "work"
        )
        for scale in ("own", "baseline")
    )
    assert (own.reused, compared.reused) == (0, 0), "kept for another scale"
    assert own.protocol.population == compared.protocol.population
    for start, same in (("baseline_", True), ("follow-up_CT_whole_", True), ("follow-up_CT_S", False)):
        columns = [name for name in own.table.columns if name.startswith(start)]
        one, other = (found.table[list(columns)].values for found in (own, compared))
        assert (one.tobytes() == other.tobytes()) is same
    # The core of those who respond is gone; on a scale of its own every lesion has a bright part.
    core = own.protocol.population["CT"].names[-1]
    left = {
        scale: [
            row.followup_ml for row in found.habitat_changes if row.habitat == core and row.case_id in ("P01", "P03")
        ]
        for scale, found in (("own", own), ("baseline", compared))
    }
    assert all(one > 2 * other for one, other in zip(left["own"], left["baseline"])), left
    again = extract_features(cohort, compared.protocol, tmp_path / "work")
    assert again.reused == 4


def test_a_habitat_that_a_lesion_has_not_leaves_its_other_features(two: Path, tmp_path: Path) -> None:
    protocol = two_time_points.protocol(**_HABITATS, timepoints={"habitat_scale": "own"})
    cohort = two_time_points.cohort_of(two)
    population = extract_features(cohort, protocol, tmp_path / "before").protocol.population["CT"]
    far = population.model_copy(update={"centroids": (*population.centroids, (9.0, 9.0))})
    found = extract_features(cohort, protocol.model_copy(update={"population": {"CT": far}}), tmp_path / "far")
    missing = far.names[-1]
    empty = np.array([f"_CT_{missing}_" in name for name in found.table.columns])
    assert np.isnan(found.table.values[:, empty]).all()
    assert np.isfinite(found.table.values[:, ~empty]).all()
    assert empty.sum() == 3 * (14 + 18 + 22)
    assert [(row.case_id, row.where) for row in found.problems] == [
        (case.case_id, f"{moment} CT {missing}") for case in cohort.cases for moment in two_time_points.MOMENTS
    ]
    assert found.problems[0].problem.startswith(f"Habitat {missing} has no voxel in this lesion.")
    gone = [row for row in found.habitat_changes if row.habitat == missing]
    assert [(row.baseline_ml, row.followup_ml, row.percent) for row in gone] == [(0.0, 0.0, None)] * 4


def test_a_patient_who_lacks_a_time_point_is_a_problem_of_its_own(two: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(two, copy)
    lines = (copy / "images.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (copy / "images.csv").write_text(
        "".join(line for line in lines if not line.startswith("P02,follow-up")), encoding="utf-8"
    )
    found = extract_features(two_time_points.cohort_of(copy), two_time_points.protocol(), tmp_path / "work")
    assert list(found.table.index) == ["P00", "P01", "P03"]
    [problem] = found.problems
    assert (problem.case_id, problem.problem) == ("P02", "The case has no follow-up CT image.")
