"""Training: what it refuses, what it tells of a model, and the same bytes however it is run."""

from __future__ import annotations

import csv
import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib import outputs
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.cohort.cohort import CohortImage
from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.errors import Cancelled, LearningError, OutputError, ProtocolError
from HabitatRadiomicsLib.model import Model, model_text
from HabitatRadiomicsLib.model.prediction import training_scores
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.reporting.document.training import training_study
from HabitatRadiomicsLib.reporting.study.files import study_text
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.training import freezing
from HabitatRadiomicsLib.training import train as training
from HabitatRadiomicsLib.training.measured import measure_study
from HabitatRadiomicsLib.training.train import Training, train_model, work_of
from HabitatRadiomicsLib.validation.nested import STRATEGY, HeldOut

from ..made_up_tables import FIRST_ORDER, PURPOSE, cohort, measured, protocol

#: Of images.
_IMAGES: dict[str, Any] = {
    "sequences": ["T1W", "T2FS"],
    "regions": ["habitats"],
    "habitats": {"k_max": 3, "superpixels": 12},
    "learning": {"folds": 2, "repeats": 1, "significance": 0.6},
}


def _trained(
    values: np.ndarray,
    outcomes: list[int],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    lost: int = 0,
    **more: Any,
) -> Model:
    """A model from a table, as if it had been measured; the first ``lost`` cases could not be."""
    given, settings = cohort(outcomes), protocol(learning=more)
    monkeypatch.setattr(training, "measure_study", lambda *args, **kwargs: measured(given, settings, values, lost=lost))
    return train_model(given, settings, PURPOSE, folder).model


@pytest.mark.parametrize(("folds", "fewest"), [(2, 4), (3, 5), (5, 7)])
def test_too_few_cases_are_refused_before_anything_is_computed(folds: int, fewest: int, tmp_path: Path) -> None:
    settings = protocol(learning={"folds": folds})
    with pytest.raises(LearningError, match=f"needs at least {fewest} of each"):
        train_model(cohort([1] * (fewest - 1) + [0] * 20), settings, PURPOSE, tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(("folds", "fewest"), [(2, 4), (3, 5), (5, 7)])
def test_the_fewest_cases_are_enough(folds: int, fewest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [0, 1] * fewest
    values = np.random.default_rng(1).normal(size=(len(outcomes), 6)) + np.array(outcomes)[:, None] * 3
    model = _trained(values, outcomes, monkeypatch, tmp_path, folds=folds, repeats=2, significance=1.0)
    assert model.evidence.cases == 2 * fewest


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LearningError, match="is not a valid model name"):
        train_model(cohort([0, 1] * 20), protocol(), replace(PURPOSE, name="../mine"), tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_regions_to_learn_from_must_be_measured() -> None:
    with pytest.raises(ProtocolError, match=r"learning\.regions names 'S2'"):
        protocol(learning={"regions": ["S2"]})


def test_where_there_is_nothing_to_learn_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(20, 3))
    with pytest.raises(LearningError, match="No feature of any region tells the outcomes of 20 cases apart"):
        _trained(values, [0, 1] * 10, monkeypatch, tmp_path, significance=1e-9)


def test_too_few_cases_that_could_be_measured_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).normal(size=(12, 3))
    with pytest.raises(LearningError, match="There are 4 cases with outcome 1 and 4 with 0"):
        _trained(values, [0, 1] * 6, monkeypatch, tmp_path, lost=4)


def _held_out(scores: np.ndarray) -> HeldOut:
    return HeldOut(scores, np.zeros_like(scores), 10, 0)


def test_a_score_that_falls_where_the_outcome_rises_gets_no_probability() -> None:
    outcome = np.arange(40) % 2
    generator = np.random.default_rng(1)
    fitted = outcome + generator.normal(size=40)
    rising = outcome + generator.normal(size=(2, 40))
    found = freezing._calibration(fitted, _held_out(rising), outcome)
    assert found is not None
    assert found.slope > 0
    assert freezing._calibration(fitted, _held_out(-rising), outcome) is None


def test_calibration_and_cut_off_are_on_the_models_own_scale() -> None:
    """A model whose scores are ten times as wide gets a slope ten times as small, and the same held-out calls."""
    outcome = np.arange(40) % 2
    generator = np.random.default_rng(2)
    fitted, held_out = outcome + generator.normal(size=40), _held_out(outcome + generator.normal(size=(2, 40)))
    one, ten = (freezing._calibration(scale * fitted + 3, held_out, outcome) for scale in (1, 10))
    assert one is not None
    assert ten is not None
    assert ten.slope == pytest.approx(one.slope / 10)
    middle = fitted.mean()
    assert ten.intercept + ten.slope * (10 * middle + 3) == pytest.approx(one.intercept + one.slope * (middle + 3))
    cuts = [freezing._cut_off(scale * fitted + 3, outcome, held_out, outcome) for scale in (1, 10)]
    assert cuts[0].held_out == cuts[1].held_out
    assert cuts[1].value - 3 == pytest.approx(10 * (cuts[0].value - 3))


def test_the_held_out_calls_are_those_of_each_folds_own_cut_off() -> None:
    outcome = np.array([0, 0, 1, 1])
    held_out = HeldOut(np.array([[0.0, 1.0, 0.5, 3.0]]), np.array([[0.5, 0.5, 1.0, 1.0]]), 2, 0)
    found = freezing._cut_off(np.array([0.0, 1.0, 2.0, 3.0]), outcome, held_out, outcome)
    assert found.value == 1.5
    assert found.held_out is not None
    assert (found.held_out.sensitivity, found.held_out.specificity) == (0.5, 0.5)
    assert found.training is not None
    assert (found.training.sensitivity, found.training.specificity) == (1.0, 1.0)


def test_the_cut_off_tells_what_it_does_to_unseen_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On noise the training cases flatter it, and the held-out ones do not."""
    values = np.random.default_rng(3).normal(size=(30, 18))
    model = _trained(values, [0, 1] * 15, monkeypatch, tmp_path, significance=0.5)
    assert model.cutoff.training is not None
    assert model.cutoff.held_out is not None
    seen = model.cutoff.training.sensitivity + model.cutoff.training.specificity
    unseen = model.cutoff.held_out.sensitivity + model.cutoff.held_out.specificity
    assert unseen < seen - 0.3


def test_cases_that_are_missing_and_folds_that_learned_nothing_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [0, 1] * 16
    values = np.random.default_rng(3).normal(size=(32, 8))
    values[:, 2] += 0.9 * np.array(outcomes)
    options = {"lost": 4, "significance": 0.01, "folds": 5}
    model = _trained(values, outcomes, monkeypatch, tmp_path, **options)
    assert (model.evidence.cases, model.evidence.excluded) == (28, 4)
    assert model.evidence.performance is not None
    assert "folds no score could be learned" in model.evidence.performance.method
    assert model_text(model) == model_text(_trained(values, outcomes, monkeypatch, tmp_path, **options))


def test_the_performance_is_that_of_held_out_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noise fits its training cases and no others."""
    values = np.random.default_rng(7).normal(size=(40, 18))
    model = _trained(values, [0, 1] * 20, monkeypatch, tmp_path, significance=0.6)
    area = model.evidence.performance
    assert area is not None
    outcome, scores = np.array([0, 1] * 20), training_scores(model)
    apparent = (scores[outcome == 1][:, None] > scores[outcome == 0]).mean()
    assert apparent > 0.7
    assert area.auc < apparent - 0.1
    assert area.auc_low < area.auc < area.auc_high
    assert area.method.startswith(
        "mean of 2 repeats of nested 3-fold cross-validation, selection, LASSO and the choice"
    )


def _images() -> Protocol:
    return protocol(**_IMAGES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort")
    write_synthetic_cohort(folder, 8, seed=5)
    return folder


@pytest.fixture(scope="module")
def patients(folder: Path) -> Cohort:
    return load_cohort(folder / "images.csv", folder / "clinical.csv")


@pytest.fixture(scope="module")
def undisturbed(patients: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Training:
    return train_model(patients, _images(), PURPOSE, tmp_path_factory.mktemp("work"))


def _bytes(found: Training) -> tuple[str, bytes]:
    held_out = [row.scores.tobytes() + row.cut_offs.tobytes() for row in found.validation.held_out.values()]
    return model_text(found.model), b"".join([*held_out, found.validation.probabilities[STRATEGY].tobytes()])


def test_a_patient_alone_has_the_score_that_it_had_in_training(patients: Cohort, undisturbed: Training) -> None:
    model = undisturbed.model
    table = undisturbed.table
    places = [table.columns.index(feature.name) for feature in model.features]
    for row in (0, 5):
        alone = score_case(patients.cases[row].read(model.sequences), model, site="Alpha")
        values = {entry.name: entry.value for entry in alone.contributions}
        assert [values[feature.name] for feature in model.features] == table.values[row, places].tolist()
        assert alone.score == pytest.approx(training_scores(model)[row], abs=1e-12)


def test_habitats_are_learned_in_each_fold(undisturbed: Training) -> None:
    assert len(undisturbed.validation.folds) == 2
    assert len(undisturbed.study.features.populations) == 3
    assert set(undisturbed.model.protocol.population) == {"T1W", "T2FS"}
    assert undisturbed.model.evidence.performance is not None
    assert "cross-validation, habitats, selection, LASSO" in undisturbed.model.evidence.performance.method


def test_every_part_of_a_training_is_there_and_the_document_is_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(1).normal(size=(24, 3)) + np.array([0, 1] * 12)[:, None]
    more = {"permutations": 2, "optimism_bootstraps": 2, "learning_curve": True}
    given, settings = cohort([0, 1] * 12), protocol(learning={"folds": 2, "repeats": 1, **more})
    cases = []
    for case in given.cases:
        path = tmp_path / case.case_id
        path.write_text(case.case_id, encoding="utf-8")
        cases.append(replace(case, images=(CohortImage("T1W", path, path, None, 2),)))
    given = replace(given, cases=tuple(cases))
    monkeypatch.setattr(training, "measure_study", lambda *args, **kwargs: measured(given, settings, values))
    text = study_text(training_study(train_model(given, settings, PURPOSE, tmp_path / "work")))
    document = json.loads(text)
    assert document["permutation"]["count"] == 2
    assert document["optimism"]["count"] == 2
    assert [point["cases"] for point in document["learning_curve"]] == [4, 8, 10, 12]
    assert document["flow"] == {"cases": 24, "excluded": [], "analysed": 24, "events": 12}
    assert "P003" not in text


def test_habitats_that_were_fitted_once_are_told(patients: Cohort, undisturbed: Training, tmp_path: Path) -> None:
    found = train_model(patients, _images(), PURPOSE, tmp_path, frozen_habitats=True)
    performance = found.model.evidence.performance
    assert performance is not None
    assert "habitats fitted once on all cases, without their outcomes" in performance.method
    assert len(found.study.features.populations) == 1
    assert (found.study.frozen_habitats, undisturbed.study.frozen_habitats) == (True, False)
    # The model itself does not depend on how it was validated.
    assert found.model.features == undisturbed.model.features
    again = train_model(patients, found.model.protocol, PURPOSE, tmp_path)
    assert again.model.evidence.performance is not None
    assert "habitats taken from the protocol" in again.model.evidence.performance.method


def test_processes_change_no_byte(patients: Cohort, undisturbed: Training, tmp_path: Path) -> None:
    assert _bytes(train_model(patients, _images(), PURPOSE, tmp_path, jobs=2)) == _bytes(undisturbed)


def test_the_order_of_rows_and_of_a_cases_images_changes_no_byte(
    folder: Path, undisturbed: Training, tmp_path: Path
) -> None:
    for name in ("images", "clinical"):
        with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            rows = list(csv.reader(stream))
        rows[1:] = [[str(folder / cell) if "/" in cell else cell for cell in row] for row in rows[:0:-1]]
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
    shuffled = load_cohort(tmp_path / "images.csv", tmp_path / "clinical.csv")
    assert [case.case_id for case in shuffled.cases] == [case.case_id for case in undisturbed.cohort.cases]
    assert [row.sequence for row in shuffled.cases[0].images] == ["T1W", "T2FS"]
    # A cohort that does not come from tables may have its images in another order.
    turned = replace(shuffled, cases=tuple(replace(case, images=case.images[::-1]) for case in shuffled.cases))
    assert _bytes(train_model(turned, _images(), PURPOSE, tmp_path / "work")) == _bytes(undisturbed)


_KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from HabitatRadiomicsLib.training.train import train_model

def progress(part, text):
    if text == "case 5 of 8" and (Path(sys.argv[2]) / "regions").exists():
        os.kill(os.getpid(), signal.SIGKILL)

train_model(*pickle.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]), progress=progress)
"""


def test_a_run_that_was_killed_goes_on_and_ends_with_the_same_bytes(
    patients: Cohort, undisturbed: Training, tmp_path: Path, checkout: Path
) -> None:
    arguments, work = tmp_path / "arguments", tmp_path / "work"
    arguments.write_bytes(pickle.dumps((patients, _images(), PURPOSE)))
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(arguments), str(work)], env=environment, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert len(list((work / "superpixels").iterdir())) == 8
    assert len(list((work / "regions").iterdir())) == 5
    found = train_model(patients, _images(), PURPOSE, work)
    assert found.study.features.reused == 5
    assert _bytes(found) == _bytes(undisturbed)


def test_a_full_disk_stops_the_run_with_a_sentence_and_what_is_done_stays(
    patients: Cohort, undisturbed: Training, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training on the cases that happened to fit would be another one."""
    replaced: list[str] = []
    into_place = os.replace

    def full(source: str, target: Path) -> None:
        if len(replaced) == 2 * 8 + 3:  # prepared images and superpixels of all cases, and regions of three
            raise OSError(28, "No space left on device")
        replaced.append(str(target))
        into_place(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(outputs.os, "replace", full)
        with pytest.raises(OutputError, match="No space left on device"):
            train_model(patients, _images(), PURPOSE, tmp_path)
    files = sorted(path.name for path in (tmp_path / "regions").iterdir())
    assert files == [f"{case.case_id}.json" for case in patients.cases[:3]]
    found = train_model(patients, _images(), PURPOSE, tmp_path)
    assert found.study.features.reused == 3
    assert _bytes(found) == _bytes(undisturbed)


def test_cancelling_stops_it_and_leaves_no_half_made_file(patients: Cohort, tmp_path: Path) -> None:
    def progress(part: float, text: str) -> None:
        if text == "case 2 of 8":
            raise Cancelled

    with pytest.raises(Cancelled):
        train_model(patients, _images(), PURPOSE, tmp_path, progress=progress)
    assert all(path.suffix == ".json" for path in (tmp_path / "superpixels").iterdir())


def test_progress_rises_to_1(patients: Cohort, undisturbed: Training, tmp_path: Path) -> None:
    told: list[float] = []
    train_model(patients, protocol(learning={"folds": 2, "repeats": 1, "significance": 1.0}, sequences=["T1W"]),
                PURPOSE, tmp_path, progress=lambda part, text: told.append(part))  # fmt: skip
    assert told == sorted(told)
    assert told[-1] <= 1.0


def test_progress_is_shared_out_by_how_often_everything_is_learned(patients: Cohort, tmp_path: Path) -> None:
    """So that what is left of the bar is what is left of the time."""
    told: dict[str, float] = {}
    settings = protocol(learning={"folds": 2, "repeats": 1, "significance": 1.0, "permutations": 3}, sequences=["T1W"])
    train_model(patients, settings, PURPOSE, tmp_path, progress=lambda part, text: told.setdefault(text, part))
    measuring = work_of(patients, settings).measuring
    trainings = 1 + 2 + 2 * 4
    expected = {
        "learning the score": 0, "the model is learned": 1, "fold 1 of 2": 2, "fold 2 of 2": 3, "permutation 0 of 3": 5,
        "permutation 3 of 3": 11,
    }  # fmt: skip
    for text, done in expected.items():
        assert told[text] == pytest.approx(measuring + (1 - measuring) * done / trainings), text


def test_robustness_is_tested_where_there_are_no_habitats_too(patients: Cohort, tmp_path: Path) -> None:
    settings = protocol(sequences=["T1W"], robustness={"cases": 3, "copies": 1}, features=FIRST_ORDER)
    study = measure_study(
        patients, settings, tmp_path, frozen_habitats=False, jobs=1, resample_mask=False, progress=silent
    )
    (copies,) = study.table().repeated.values()
    assert np.isfinite(copies.values).all()
    assert (copies.values[:, 0] != study.table().values[copies.cases]).any()
