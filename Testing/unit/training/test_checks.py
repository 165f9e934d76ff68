"""Every cohort that cannot be learned from is refused with a sentence before anything is computed or written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.cases.cohort import Cohort, CohortCase, load_cohort
from HabitatRadiomicsLib.cases.cohort.cohort import CohortImage
from HabitatRadiomicsLib.errors import (
    CohortError,
    HabitatRadiomicsError,
    HarmonisationError,
    LearningError,
    RobustnessError,
)
from HabitatRadiomicsLib.learning.folds import outer_folds
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.training import train as training_module
from HabitatRadiomicsLib.training.checks import Exclusion, check_apart, check_study, fewest_of_each
from HabitatRadiomicsLib.training.train import train_model

from ..made_up_tables import PURPOSE, alternating, cohort, measured, protocol


def _with_images(folder: Path, outcomes: list[int], *, sequences: tuple[str, ...] = ("T1W", "T2FS")) -> Cohort:
    """Each image a file of its own content; nobody reads them as images."""
    cases = []
    for number in range(len(outcomes)):
        rows = []
        for sequence in sequences:
            path = folder / f"{number}-{sequence}.nrrd"
            path.write_text(f"{number} {sequence}", encoding="utf-8")
            rows.append(CohortImage(sequence, path, folder / "mask.nrrd", 1, 2))
        cases.append(CohortCase(f"P{number:03}", "baseline", tuple(rows)))
    return Cohort(tuple(cases), {case.case_id: value for case, value in zip(cases, outcomes)})


def _without(given: Cohort, place: int, sequence: str) -> Cohort:
    cases = list(given.cases)
    left = tuple(row for row in cases[place].images if row.sequence != sequence)
    cases[place] = replace(cases[place], images=left)
    return replace(given, cases=tuple(cases))


def _refused(given: Cohort, settings: Protocol, folder: Path, monkeypatch: pytest.MonkeyPatch) -> HabitatRadiomicsError:
    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("something was measured")

    monkeypatch.setattr(training_module, "measure_study", never)
    with pytest.raises(HabitatRadiomicsError) as error:
        train_model(given, settings, PURPOSE, folder / "work")
    assert not (folder / "work").exists()
    return error.value


_SITES = {f"P{place:03}": ("Alpha", "Beta")[place % 2] for place in range(24)}


@pytest.mark.parametrize(
    ("given", "settings", "kind", "told"),
    [
        (cohort([1] * 20), protocol(), LearningError, "20 cases with outcome 1 and 0 with 0"),
        (cohort([0] * 20), protocol(), LearningError, "0 cases with outcome 1 and 20 with 0"),
        (cohort([1] * 4 + [0] * 20), protocol(), LearningError, "3-fold validation needs at least 5 of each"),
        (Cohort(cohort([0, 1]).cases), protocol(), CohortError, "have no outcomes"),
        (
            cohort([0, 1] * 12, patients={f"P{place:03}": f"A{place % 4}" for place in range(24)}),
            protocol(), LearningError, "2 patients with outcome 1 and 2 with 0",
        ),
        (cohort([0, 1] * 12), protocol(harmonisation={}), HarmonisationError, "24 of 24 cases have none: P000, "),
        (
            cohort([0, 1] * 12, sites={**_SITES, "P003": ""}), protocol(harmonisation={}), HarmonisationError,
            "1 of 24 cases have none: P003.",
        ),
        (
            cohort([0, 1] * 12, sites=dict.fromkeys(_SITES, "Alpha")), protocol(harmonisation={}),
            HarmonisationError, "All cases come from Alpha",
        ),
        (
            cohort([0, 1] * 12, sites=_SITES), protocol(harmonisation={"reference_site": "Rome"}),
            HarmonisationError, "No case comes from the reference site Rome",
        ),
        (
            cohort([0, 1] * 12, sites={**_SITES, "P003": "Gamma", "P004": "Gamma"}), protocol(harmonisation={}),
            HarmonisationError, r"Gamma has 2, and in the training part of a fold [01]",
        ),
        (
            cohort([0, 1] * 12), protocol(robustness={"cases": 3}, seed=0), RobustnessError,
            "tested on 3 cases; the training part of a fold has [01] of them",
        ),
    ],
    ids=[
        "events only", "no events", "too few events", "no outcomes", "too few patients", "no sites", "one without site",
        "one site", "no reference site", "small site", "too few copies",
    ],
)  # fmt: skip
def test_a_cohort_that_cannot_be_learned_from(
    given: Cohort, settings: Protocol, kind: type, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = _refused(given, settings, tmp_path, monkeypatch)
    assert isinstance(error, kind)
    assert re.search(told, str(error))
    assert error.remedy


@pytest.mark.parametrize("folds", range(2, 11))
def test_the_fewest_cases_are_those_that_leave_each_training_part_one_per_fold(folds: int) -> None:
    needed = fewest_of_each(folds)
    for count, enough in ((needed, True), (needed - 1, False)):
        outcome = np.array([1] * count + [0] * count)
        if count < folds:
            continue
        left = [
            outcome[fold.training].sum()
            for fold in outer_folds(outcome, np.arange(2 * count).astype(str), protocol(learning={"folds": folds}))
        ]
        assert bool(min(left) >= folds) is enough


def test_sites_with_enough_cases_pass() -> None:
    given = cohort([0, 0, 1, 1] * 6, sites=_SITES)
    assert check_study(given, protocol(harmonisation={})) == (given, ())


def test_cases_that_lack_a_sequence_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _without(_without(_with_images(tmp_path, [0, 1] * 10), 3, "T2FS"), 7, "T1W")
    error = _refused(given, protocol(sequences=["T1W", "T2FS", "PET"]), tmp_path, monkeypatch)
    assert "20 problems" in error.problem
    assert "P003 has no T2FS and no PET" in error.problem
    error = _refused(given, protocol(), tmp_path, monkeypatch)  # without a list, what some have all must have
    assert "2 problems" in error.problem
    assert "P007 has no T1W" in error.problem
    assert "--complete-cases" in error.remedy


def test_cases_that_lack_a_sequence_are_left_out_when_asked_and_counted(tmp_path: Path) -> None:
    given = _without(_without(_without(_with_images(tmp_path, [0, 1] * 10), 3, "T2FS"), 7, "T1W"), 8, "T2FS")
    left, excluded = check_study(given, protocol(), complete_cases=True)
    assert [case.case_id for case in left.cases] == [f"P{place:03}" for place in range(20) if place not in (3, 7, 8)]
    assert excluded == (Exclusion("no T2FS image", ("P003", "P008")), Exclusion("no T1W image", ("P007",)))


def test_too_few_complete_cases_are_refused(tmp_path: Path) -> None:
    given = _with_images(tmp_path, [0, 1] * 6)
    for place in (1, 3, 5):
        given = _without(given, place, "T2FS")
    with pytest.raises(LearningError, match="3 cases with outcome 1 and 6 with 0"):
        check_study(given, protocol(), complete_cases=True)


def test_the_same_patient_under_two_names_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = _with_images(tmp_path, [0, 1] * 10)
    (tmp_path / "6-T2FS.nrrd").write_text("2 T2FS", encoding="utf-8")
    error = _refused(given, protocol(), tmp_path, monkeypatch)
    assert "P002 and P006 have the same image" in error.problem


def test_two_lesions_of_one_patient_may_lie_in_one_image(tmp_path: Path) -> None:
    given = _with_images(tmp_path, [0, 1] * 10)
    for sequence in ("T1W", "T2FS"):
        (tmp_path / f"6-{sequence}.nrrd").write_text(f"2 {sequence}", encoding="utf-8")
    assert check_study(replace(given, patients={"P002": "A", "P006": "A"}), protocol())[1] == ()


def test_an_image_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    given = _with_images(tmp_path, [0, 1] * 10)
    (tmp_path / "4-T1W.nrrd").unlink()
    with pytest.raises(CohortError, match=r"case P004: An image cannot be read \(No such file"):
        check_study(given, protocol())


@pytest.mark.parametrize("cell", ["2", "yes", "-1", "0.5", "positive", "NaN"])
def test_an_outcome_that_is_neither_0_nor_1_is_refused_with_its_row(cell: str, tmp_path: Path) -> None:
    (tmp_path / "i.nrrd").write_text("", encoding="utf-8")
    (tmp_path / "images.csv").write_text(
        "case_id,sequence,image,mask\nA,T1W,i.nrrd,i.nrrd\nB,T1W,i.nrrd,i.nrrd\n", encoding="utf-8"
    )
    (tmp_path / "clinical.csv").write_text(f"case_id,outcome\nA,1\nB,{cell}\n", encoding="utf-8")
    with pytest.raises(CohortError, match=f"row 3: the outcome of B is '{cell}'; it must be 0 or 1"):
        load_cohort(tmp_path / "images.csv", tmp_path / "clinical.csv")


def test_training_and_test_cohort_may_share_no_case_no_patient_and_no_image(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, two = _with_images(tmp_path / "a", [0, 1] * 4), _with_images(tmp_path / "b", [0, 1] * 4)
    with pytest.raises(CohortError, match="P003 is in both") as error:
        check_apart(one, two)
    assert "8 problems" in str(error.value)
    renamed = replace(two, cases=tuple(replace(case, case_id=f"Q{case.case_id}") for case in two.cases))
    with pytest.raises(CohortError, match="QP003 has the image of P003"):
        check_apart(one, renamed)
    for place in range(8):
        for sequence in ("T1W", "T2FS"):
            (tmp_path / "b" / f"{place}-{sequence}.nrrd").write_text(f"new {place} {sequence}", encoding="utf-8")
    check_apart(one, renamed)
    with pytest.raises(CohortError, match="QP005 is of patient P001, who is in the training cohort"):
        check_apart(one, replace(renamed, patients={"QP005": "P001"}))
    with pytest.raises(CohortError, match="QP005 is of patient A, who is in the training cohort"):
        check_apart(replace(one, patients={"P002": "A"}), replace(renamed, patients={"QP005": "A"}))


def test_constant_and_undefined_columns_are_dropped_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = alternating(40).tolist()
    values = np.random.default_rng(2).normal(size=(40, 6)) + 1.5 * np.array(outcome)[:, None]
    values[:, 1] = 3.0
    values[:, 2] = np.nan
    values[5, 3] = np.nan
    given, settings = cohort(outcome), protocol()
    monkeypatch.setattr(training_module, "measure_study", lambda *args, **kwargs: measured(given, settings, values))
    found = train_model(given, settings, PURPOSE, tmp_path)
    used = {feature.name for feature in found.model.features}
    assert used
    assert used <= {found.table.columns[place] for place in (0, 4, 5)}
    assert found.model.evidence.cases == 40


def _at_two_time_points(folder: Path, outcomes: list[int]) -> Cohort:
    return _with_images(folder, outcomes, sequences=("baseline_CT", "follow-up_CT"))


def test_a_patient_who_lacks_a_time_point_is_refused_or_left_out(tmp_path: Path) -> None:
    settings = protocol(sequences=["CT"], timepoints={})
    given = _without(_at_two_time_points(tmp_path, [0, 1] * 8), 3, "follow-up_CT")
    with pytest.raises(CohortError, match="P003 has no follow-up CT") as error:
        check_study(given, settings)
    assert "--complete-cases" in error.value.remedy
    left, excluded = check_study(given, settings, complete_cases=True)
    assert excluded == (Exclusion("no follow-up CT image", ("P003",)),)
    assert len(left.cases) == 15


def test_a_follow_up_that_is_the_baseline_again_is_refused(tmp_path: Path) -> None:
    given = _at_two_time_points(tmp_path, [0, 1] * 8)
    first, second = given.cases[5].images
    second.image.write_bytes(first.image.read_bytes())
    with pytest.raises(CohortError, match="P005 has the same image as baseline CT and follow-up CT"):
        check_study(given, protocol(sequences=["CT"], timepoints={}))
