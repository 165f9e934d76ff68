"""The log of a model's test sets: a first look is told from a second one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from HabitatRadiomicsLib.cases.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.cases.cohort.cohort import CohortImage, cohort_digest
from HabitatRadiomicsLib.errors import OutputError
from HabitatRadiomicsLib.validation.external import log_of, opening_sentence, read_openings, record_opening


@pytest.fixture
def cohort(tmp_path: Path) -> Cohort:
    return _cohort(tmp_path, ["A", "B", "C"])


def _cohort(folder: Path, names: list[str]) -> Cohort:
    cases = []
    for number, name in enumerate(names):
        images = []
        for sequence in ("T1W", "T2FS"):
            paths = [folder / f"{kind}-{number}-{sequence}" for kind in ("image", "mask")]
            for path in paths:
                path.write_text(path.name, encoding="utf-8")
            images.append(CohortImage(sequence, *paths, None, 2))
        cases.append(CohortCase(name, "baseline", tuple(images)))
    return Cohort(tuple(cases), {name: number % 2 for number, name in enumerate(names)})


def test_a_first_look_is_the_first_and_a_second_one_says_so(cohort: Cohort, tmp_path: Path) -> None:
    log = log_of(tmp_path / "model.json")
    assert log == tmp_path / "model.openings.jsonl"
    first = record_opening(log, "m1", cohort)
    assert len(first) == 1
    assert opening_sentence(first) == f"This model saw this cohort for the first time on {first[0].time}."
    second = record_opening(log, "m1", cohort)
    assert second[0].time == first[0].time
    sentence = opening_sentence(second)
    assert f"had seen this cohort before: first on {first[0].time}, 2 times in all" in sentence
    assert "chosen with knowledge of the test set" in sentence


def test_another_model_and_another_cohort_look_for_the_first_time(cohort: Cohort, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    record_opening(log, "m1", cohort)
    assert len(record_opening(log, "m2", cohort)) == 1
    assert len(record_opening(log, "m1", cohort.only(["A", "B"]))) == 1
    assert len(record_opening(log, "m1", cohort)) == 2
    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [(row["model_sha256"], row["cases"]) for row in rows] == [("m1", 3), ("m2", 3), ("m1", 2), ("m1", 3)]
    assert [row.cases for row in read_openings(log)] == [3, 3, 2, 3]


def test_names_and_order_do_not_make_another_cohort(cohort: Cohort, tmp_path: Path) -> None:
    renamed = _cohort(tmp_path, ["X", "Y", "Z"])
    backwards = replace(renamed, cases=tuple(replace(case, images=case.images[::-1]) for case in renamed.cases[::-1]))
    assert cohort_digest(cohort) == cohort_digest(renamed) == cohort_digest(backwards)


@pytest.mark.parametrize("what", ["image", "mask", "outcome", "sequence"])
def test_another_image_mask_or_outcome_makes_another_cohort(what: str, cohort: Cohort, tmp_path: Path) -> None:
    before = cohort_digest(cohort)
    if what == "outcome":
        cohort = replace(cohort, outcomes={**cohort.outcomes, "B": 0})
    elif what == "sequence":
        last = cohort.cases[-1]
        cohort = replace(cohort, cases=(*cohort.cases[:-1], replace(last, images=last.images[:1])))
    else:
        (tmp_path / f"{what}-1-T1W").write_text("another", encoding="utf-8")
    assert cohort_digest(cohort) != before


def test_another_reading_makes_another_cohort(cohort: Cohort) -> None:
    def read_again(**readings: tuple[CohortImage, ...]) -> str:
        first = replace(cohort.cases[0], readings=readings)
        return cohort_digest(replace(cohort, cases=(first, *cohort.cases[1:])))

    mine, yours = cohort.cases[0].images, cohort.cases[1].images
    found = [cohort_digest(cohort), read_again(inter=mine), read_again(intra=mine), read_again(inter=yours),
             read_again(inter=mine, intra=yours), read_again(inter=yours, intra=mine)]  # fmt: skip
    assert len(set(found)) == len(found)
    assert read_again(intra=yours, inter=mine) == found[4]


@pytest.mark.parametrize(
    "text", ["no json\n", '{"time": 1}\n', "[]\n", '{"a": 1, "time": "", "model_sha256": ""}\n', "3\n"]
)
def test_a_log_that_is_none_is_told_and_left_alone(text: str, cohort: Cohort, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(text, encoding="utf-8")
    with pytest.raises(OutputError, match="log of this model's test sets cannot be read") as error:
        record_opening(log, "m1", cohort)
    assert "a first look cannot be distinguished from a second" in error.value.remedy
    assert log.read_text(encoding="utf-8") == text


def test_a_log_that_is_a_folder_or_not_text_is_told(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        record_opening(tmp_path, "m1", cohort)
    (tmp_path / "log.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OutputError):
        read_openings(tmp_path / "log.jsonl")


def test_no_identifier_gets_into_the_log(cohort: Cohort, tmp_path: Path) -> None:
    named = replace(cohort, cases=tuple(replace(case, case_id=f"Miller-{case.case_id}") for case in cohort.cases))
    record_opening(tmp_path / "log.jsonl", "m1", replace(named, outcomes={}))
    assert "Miller" not in (tmp_path / "log.jsonl").read_text(encoding="utf-8")
