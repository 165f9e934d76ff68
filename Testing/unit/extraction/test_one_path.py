"""Extraction and training in one folder: each image is read once, corrected once, and split into superpixels once."""

from __future__ import annotations

import importlib
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.cohort import cohort as reading
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.extraction import prepared_cases, regions
from HabitatRadiomicsLib.extraction.cohort import extract_features
from HabitatRadiomicsLib.habitats import superpixels
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.training.measured import MeasuredStudy, measure_study

_CASES, _SEQUENCES = 6, 2


def _protocol(**more: Any) -> Protocol:
    none = {
        "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
        "gradient": False, "lbp_2d": False, "log_sigmas": [],
    }  # fmt: skip
    settings: dict[str, Any] = {
        "name": "few",
        "title": "Few features",
        "sequences": ["T1W", "T2FS"],
        "preprocessing": {
            "bias_correction": {"shrink_factor": 4, "iterations": [2]},
            "normalisation": {"scope": "roi"},
        },
        "regions": ["whole", "habitats", "ring"],
        "habitats": {"superpixels": 10, "k_max": 3},
        "features": {"classes": ["firstorder"], "images": none},
        "learning": {"folds": 3, "repeats": 1},
    }
    return protocol_from({**settings, **more}, where="test")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, _CASES, seed=5)
    return load_cohort(folder / "images.csv", folder / "clinical.csv")


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each was done; of regions, how many were measured."""
    counted: Counter[str] = Counter()

    def count(owner: Any, name: str, amount: Any = lambda *arguments: 1) -> None:
        original = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            counted[name] += amount(*arguments)
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, counting)

    count(reading, "read_sequence")
    count(importlib.import_module("HabitatRadiomicsLib.imaging.prepare"), "correct_bias")
    count(superpixels, "cluster_superpixels")
    count(regions, "measure_regions", lambda prepared, masks, *rest: len(masks))
    return counted


def _train(cohort: Cohort, protocol: Protocol, folder: Path) -> MeasuredStudy:
    return measure_study(cohort, protocol, folder, frozen_habitats=False, jobs=1, resample_mask=False, progress=silent)


_ONCE = {"read_sequence": _CASES * _SEQUENCES, "correct_bias": _CASES * _SEQUENCES, "cluster_superpixels": 12}


def test_each_image_is_read_corrected_and_split_once_by_extraction_and_training_together(
    cohort: Cohort, counts: Counter[str], tmp_path: Path
) -> None:
    protocol = _protocol()
    extraction = extract_features(cohort, protocol, tmp_path)
    assert {name: counts[name] for name in _ONCE} == _ONCE
    extracted = counts["measure_regions"]
    study = _train(cohort, protocol, tmp_path)
    assert {name: counts[name] for name in _ONCE} == _ONCE
    # A training measures what the habitats of its folds add, and no region a second time.
    kept = sum(len(rows) for case in study.features.measured.values() for rows in case.regions["original"].values())
    assert counts["measure_regions"] == kept >= extracted
    assert study.table().values.tobytes() == extraction.table.to_numpy().tobytes()
    # In an empty folder it learns from the same bits.
    alone = _train(cohort, protocol, tmp_path / "alone")
    for one, other in zip((study.table(), *study.fold_tables()), (alone.table(), *alone.fold_tables())):
        assert one.columns == other.columns
        assert one.values.tobytes() == other.values.tobytes()
        assert one.volumes.tobytes() == other.volumes.tobytes()


def test_a_training_with_frozen_habitats_measures_nothing_after_an_extraction(
    cohort: Cohort, counts: Counter[str], tmp_path: Path
) -> None:
    protocol = extract_features(cohort, _protocol(), tmp_path).protocol
    counts.clear()
    _train(cohort, protocol, tmp_path)
    assert counts == {}


def test_without_habitats_one_visit_is_enough_and_keeps_no_images(
    cohort: Cohort, counts: Counter[str], tmp_path: Path
) -> None:
    protocol = _protocol(regions=["whole", "ring"])
    extract_features(cohort, protocol, tmp_path)
    _train(cohort, protocol, tmp_path)
    images = _CASES * _SEQUENCES
    assert counts == {"read_sequence": images, "correct_bias": images, "measure_regions": 2 * images}
    assert not (tmp_path / "prepared").exists()


def test_copies_are_made_once_also_after_an_extraction(cohort: Cohort, counts: Counter[str], tmp_path: Path) -> None:
    protocol = _protocol(robustness={"cases": 3, "copies": 2})
    extract_features(cohort, protocol, tmp_path)
    study = _train(cohort, protocol, tmp_path)
    copies = 3 * 2 * _SEQUENCES
    # Three cases are read again, for extraction makes no copies of them.
    assert counts["read_sequence"] == _CASES * _SEQUENCES + 3 * _SEQUENCES
    assert counts["correct_bias"] == counts["cluster_superpixels"] == _CASES * _SEQUENCES + copies
    alone = _train(cohort, protocol, tmp_path / "alone")
    [one], [other] = study.table().repeated.values(), alone.table().repeated.values()
    assert one.values.tobytes() == other.values.tobytes()


@pytest.mark.parametrize("damage", ["removed", "cut short", "of other inputs"])
def test_prepared_images_that_are_gone_or_damaged_are_made_again(
    cohort: Cohort, counts: Counter[str], tmp_path: Path, damage: str
) -> None:
    protocol = _protocol()
    before = extract_features(cohort, protocol, tmp_path)
    first, second = (tmp_path / "prepared" / case.case_id / "original.npz" for case in cohort.cases[:2])
    if damage == "removed":
        shutil.rmtree(first.parent)
    elif damage == "cut short":
        first.write_bytes(first.read_bytes()[:-100])
    else:
        shutil.copy(second, first)
    for file in (tmp_path / "regions").iterdir():
        file.unlink()
    counts.clear()
    after = extract_features(cohort, protocol, tmp_path)
    assert after.table.to_numpy().tobytes() == before.table.to_numpy().tobytes()
    assert counts["read_sequence"] == counts["correct_bias"] == _SEQUENCES


def test_what_is_kept_of_a_lesion_has_every_bit(cohort: Cohort, tmp_path: Path) -> None:
    protocol = _protocol(preprocessing={"resampling": {"spacing": [1.1, None, None]}})
    preparation = prepared_cases.Preparation.of(protocol, tmp_path, resample_mask=False)
    images = prepared_cases.CaseImages(cohort.cases[0], protocol.keys, False)
    [(_, made, _)] = preparation.fresh(images, ["original"])
    [(_, kept)] = preparation.lesions(images, ["original"])
    digest = prepared_cases.image_digest
    for name, lesion in made.items():
        assert digest(kept[name].image) == digest(lesion.image)
        assert digest(kept[name].mask) == digest(lesion.mask)
        assert digest(kept[name].ring) == digest(lesion.ring)
        assert kept[name].labels.tolist() == lesion.labels.tolist()
        assert (kept[name].warnings, kept[name].volume_ml) == (lesion.warnings, lesion.volume_ml)
