"""Features under many training sets' habitats: the same bits as under each alone, and each region measured once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.extraction import regions as region_measuring
from HabitatRadiomicsLib.extraction.cohort import extract_features
from HabitatRadiomicsLib.extraction.fold_features import FoldFeatures, measure_folds
from HabitatRadiomicsLib.extraction.prepared_cases import PERTURBED, prepared_views
from HabitatRadiomicsLib.extraction.superpixels import (
    Lesions,
    Population,
    find_superpixels,
    fit_populations,
)
from HabitatRadiomicsLib.habitats import describe_lesion, lesion_scale
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.training.measured import measure_study

from .. import two_time_points

_PLAIN = {
    "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip
_FEW = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "regions": ["whole", "habitats", "ring"],
    "features": {"classes": ["shape", "firstorder", "glcm"], "images": _PLAIN},
    "learning": {"folds": 2, "repeats": 1},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, 8, seed=5)
    return folder


@pytest.fixture(scope="module")
def cohort(folder: Path) -> Cohort:
    return load_cohort(folder / "images.csv", folder / "clinical.csv")


def _protocol(**more: Any) -> Protocol:
    return protocol_from({**_FEW, **more}, where="test")


def _groups(cohort: Cohort) -> list[list[str]]:
    ids = [case.case_id for case in cohort.cases]
    return [ids, ids[:4], ids[4:]]


@pytest.fixture(scope="module")
def lesions(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Lesions:
    return find_superpixels(cohort, _protocol(), tmp_path_factory.mktemp("superpixels"))


@pytest.fixture(scope="module")
def measured(cohort: Cohort, lesions: Lesions, tmp_path_factory: pytest.TempPathFactory) -> FoldFeatures:
    protocol = _protocol()
    populations = fit_populations(lesions, protocol, _groups(cohort))
    return measure_folds(cohort, protocol, lesions, populations, tmp_path_factory.mktemp("regions"))


def test_a_training_sets_table_is_what_its_cases_alone_would_give(
    cohort: Cohort, measured: FoldFeatures, tmp_path: Path
) -> None:
    """Habitats of the first half, fitted apart from the rest; then every case under them, one by one."""
    half = cohort.only(_groups(cohort)[1])
    alone = extract_features(half, _protocol(), tmp_path)
    for place, group in ((0, cohort), (1, half)):
        extraction = extract_features(group, _protocol(), tmp_path / str(place))
        table = measured.table(place)
        assert list(table.columns) == list(extraction.table.columns)
        assert table.loc[extraction.table.index].to_numpy().tobytes() == extraction.table.to_numpy().tobytes()
    last = cohort.only([cohort.cases[-1].case_id])
    row = extract_features(last, alone.protocol, tmp_path / "last").table
    assert list(row.columns) == list(measured.table(1).columns)
    assert row.to_numpy().tobytes() == measured.table(1).iloc[[-1]].to_numpy().tobytes()


def test_training_sets_have_habitats_of_their_own(measured: FoldFeatures) -> None:
    centroids = [population["T1W"].centroids for population in measured.populations if population["T1W"] is not None]
    assert len(set(centroids)) == 3


def test_no_region_is_measured_twice(
    cohort: Cohort, lesions: Lesions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    measure = region_measuring.measure_regions

    def counting(prepared, regions, *rest):  # type: ignore[no-untyped-def]
        counted.append(len(regions))
        return measure(prepared, regions, *rest)

    monkeypatch.setattr(region_measuring, "measure_regions", counting)
    protocol = _protocol()
    first = fit_populations(lesions, protocol, _groups(cohort)[:1])
    measure_folds(cohort, protocol, lesions, first, tmp_path)
    assert sum(counted) == 8 * 2 * 4  # cases, sequences, whole + ring + S1 + S2
    counted.clear()
    again = measure_folds(cohort, protocol, lesions, first, tmp_path)
    assert not counted
    assert again.reused == 8
    more = measure_folds(cohort, protocol, lesions, [*first, _moved(first[0])], tmp_path)
    regions = sum(len(keys) for case in more.measured.values() for keys in case.regions["original"].values())
    assert 0 < sum(counted) == regions - 8 * 2 * 4


def _moved(population: Population) -> Population:
    """Habitats with other borders: some superpixels change sides."""
    moved = {}
    for name, model in population.items():
        assert model is not None
        centroids = tuple((intensity + 0.4, entropy + 0.4) for intensity, entropy in model.centroids)
        moved[name] = model.model_copy(update={"centroids": centroids})
    return moved


def test_the_number_of_processes_changes_no_bit(cohort: Cohort, lesions: Lesions, tmp_path: Path) -> None:
    protocol = _protocol()
    tables = []
    for jobs in (1, 2):
        populations = fit_populations(lesions, protocol, _groups(cohort), jobs=jobs)
        found = measure_folds(cohort, protocol, lesions, populations, tmp_path / str(jobs), jobs=jobs)
        tables.append([found.table(place).values.tobytes() for place in range(3)])
    assert tables[0] == tables[1]


def test_a_region_that_is_too_small_is_missing_and_told_and_the_others_are_there(
    cohort: Cohort, lesions: Lesions, tmp_path: Path
) -> None:
    masks = [case.read(("T1W",)).sequences["T1W"].mask for case in cohort.cases]
    sizes = [np.count_nonzero(sitk.GetArrayFromImage(mask)) for mask in masks]
    protocol = _protocol(
        features={**_FEW["features"], "minimum_region_voxels": int(min(sizes)) - 1}  # type: ignore[dict-item]
    )
    found = measure_folds(cohort, protocol, lesions, fit_populations(lesions, protocol, _groups(cohort)[:1]), tmp_path)
    table = found.table(0)
    whole = [place for place, name in enumerate(table.columns) if name.startswith("T1W_whole_original_first")]
    habitat = [place for place, name in enumerate(table.columns) if name.startswith("T1W_S1_")]
    assert np.isfinite(table.values[:, whole]).all()
    assert np.isnan(table.values[:, habitat]).any()
    told = {(row.case_id, row.where) for row in found.region_problems(0)}
    missing = {
        (case_id, "T1W S1") for case_id, row in zip(table.index, table.values[:, habitat]) if np.isnan(row).all()
    }
    assert missing
    assert missing <= told


def test_perturbed_copies_are_measured_under_the_same_habitats(cohort: Cohort, tmp_path: Path) -> None:
    protocol = _protocol(robustness={"cases": 3, "copies": 2})
    study = measure_study(
        cohort, protocol, tmp_path, frozen_habitats=False, jobs=1, resample_mask=False, progress=silent
    )
    table = study.table()
    assert list(table.repeated) == [PERTURBED]
    copies = table.repeated[PERTURBED]
    assert copies.cases.tolist() == [0, 4, 7]  # spread over the table
    assert copies.values.shape == (3, 2, len(table.columns))
    assert np.isfinite(copies.values).all()
    originals = table.values[copies.cases][:, None]
    change = np.abs(copies.values - originals) / np.abs(originals).clip(1e-9)
    assert (change > 0).mean() > 0.9
    assert np.median(change) < 0.5


def test_a_marker_in_test_images_changes_nothing_that_a_fold_learns_from(
    folder: Path, cohort: Cohort, tmp_path: Path
) -> None:
    """Test cases of the first fold get other voxels: its habitats and its training cases' features keep every bit."""
    protocol = _protocol()

    def measure(tables: Path, work: Path):  # type: ignore[no-untyped-def]
        given = load_cohort(tables / "images.csv", tables / "clinical.csv")
        return measure_study(given, protocol, work, frozen_habitats=False, jobs=1, resample_mask=False, progress=silent)

    before = measure(folder, tmp_path / "before")
    fold = before.folds[0]
    marked = tmp_path / "marked"
    _copy_with_marker(folder, marked, {before.features.case_ids[place] for place in fold.test})
    after = measure(marked, tmp_path / "after")
    assert after.folds[0].training.tolist() == fold.training.tolist()
    assert after.features.populations[1] == before.features.populations[1]
    tables = [next(iter(study.fold_tables())).values for study in (before, after)]
    assert tables[0][fold.training].tobytes() == tables[1][fold.training].tobytes()
    assert tables[0][fold.test].tobytes() != tables[1][fold.test].tobytes()
    # The other fold trains on the marked cases, and all cases together hold them too: there the marker is seen.
    assert after.features.populations[0] != before.features.populations[0]
    assert after.features.populations[2] != before.features.populations[2]


def _copy_with_marker(folder: Path, target: Path, marked: set[str]) -> None:
    for file in folder.rglob("*"):
        copy = target / file.relative_to(folder)
        if file.is_dir():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if any(name in str(file) for name in marked) and "mask" not in file.name and file.suffix == ".nrrd":
            image = sitk.ReadImage(str(file))
            values = sitk.GetArrayFromImage(image)
            changed = sitk.GetImageFromArray((values.max() - values) ** 2 // 7)
            changed.CopyInformation(image)
            sitk.WriteImage(changed, str(copy))
        else:
            copy.write_bytes(file.read_bytes())


def test_what_is_kept_is_plain_json(cohort: Cohort, lesions: Lesions, tmp_path: Path) -> None:
    measure_folds(cohort, _protocol(), lesions, fit_populations(lesions, _protocol(), _groups(cohort)), tmp_path)
    kept = json.loads(next((tmp_path / "regions").iterdir()).read_text(encoding="utf-8"))
    keys = kept["regions"]["original"]["T1W"]
    assert {"whole", "ring"} < set(keys)
    assert all(set(key.split()) <= {str(number) for number in range(30)} for key in keys if key[0].isdigit())


@pytest.mark.parametrize("scale", ["own", "baseline"])
def test_two_time_points_under_the_habitats_of_the_baseline(tmp_path: Path, scale: str) -> None:
    folder = two_time_points.write_cohort(tmp_path / "cohort", 8)
    cohort = two_time_points.cohort_of(folder)
    protocol = two_time_points.protocol(
        regions=["whole", "habitats"], robustness={"cases": 3, "copies": 2}, timepoints={"habitat_scale": scale}
    )
    study = measure_study(
        cohort, protocol, tmp_path / "work", frozen_habitats=False, jobs=1, resample_mask=False, progress=silent
    )
    features = study.features
    assert all(list(population) == ["CT"] for population in features.populations)
    extraction = extract_features(cohort, protocol, tmp_path / "extraction")
    measured = extraction.table[features.table(0).columns]
    assert features.table(0).values.tobytes() == measured.values.tobytes()
    # Learned from are the baseline and the changes, of the cases and of their copies.
    table = study.table()
    assert {name.split("_")[0] for name in table.columns} == {"baseline", "delta"}
    assert table.values.tobytes() == extraction.table[list(table.columns)].values.tobytes()
    copies = table.repeated[PERTURBED].values
    assert copies.shape == (3, 2, len(table.columns))
    copy = features.table(0, view="copy-02", case_ids=[cohort.cases[0].case_id])
    values = dict(zip(copy.columns, copy.to_numpy()[0]))
    name = "CT_whole_original_firstorder_Mean"
    change = values[f"follow-up_{name}"] - values[f"baseline_{name}"]
    assert copies[0, 1, table.columns.index(f"delta_{name}")] == change
    # The volume is the lesion's before treatment.
    case = cohort.cases[2].read(("baseline_CT",))
    mask = case.sequences["baseline_CT"].mask
    voxels = np.count_nonzero(sitk.GetArrayFromImage(mask))
    assert table.volumes[2] == pytest.approx(voxels * np.prod(mask.GetSpacing()) / 1000)
    # A fold's habitats come from the baselines of its training cases.
    fold = study.folds[0]
    alone = extract_features(
        cohort.only([features.case_ids[place] for place in fold.training]), protocol, tmp_path / "a"
    )
    assert features.populations[1]["CT"] == alone.protocol.population["CT"]
    means = features.habitat_means(0, "CT")
    assert list(means) == list(extraction.protocol.population["CT"].names)
    assert all(np.isfinite(rows).any() for rows in means.values())
    # A copy's follow-up is split on the scale of the copy's baseline.
    [(_, prepared)] = prepared_views(cohort.cases[0].read(), protocol, ["copy-02"])
    expected = describe_lesion(
        prepared["follow-up_CT"], protocol.habitats, seed=protocol.seed,
        scale=lesion_scale(prepared["baseline_CT"], protocol.habitats) if scale == "baseline" else None,
    )  # fmt: skip
    found = features.lesions.superpixels[cohort.cases[0].case_id]["copy-02"]["follow-up_CT"]
    assert found.means.tobytes() == expected.superpixels.means.tobytes()


def test_superpixels_kept_for_one_scale_are_not_taken_for_another(tmp_path: Path) -> None:
    cohort = two_time_points.cohort_of(two_time_points.write_cohort(tmp_path / "cohort", 2))
    own, compared, again = (
        find_superpixels(
            cohort,
            two_time_points.protocol(regions=["whole", "habitats"], timepoints={"habitat_scale": scale}),
            tmp_path / "work",
        ).superpixels["P01"]["original"]
        for scale in ("own", "baseline", "own")
    )
    assert own["baseline_CT"].means.tobytes() == compared["baseline_CT"].means.tobytes()
    assert own["follow-up_CT"].means.tobytes() == again["follow-up_CT"].means.tobytes()
    # The bright core of this patient is gone: only on its own scale has the lesion's mean a z-score of 0.
    middle = [np.average(row["follow-up_CT"].means[:, 0], weights=row["follow-up_CT"].sizes) for row in (own, compared)]
    assert abs(middle[0]) < 0.1
    assert middle[1] < -0.2
