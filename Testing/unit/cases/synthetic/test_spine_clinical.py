"""The spine's patients with age, visceral metastases and sex, and outlines that were drawn again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.stats import fisher_exact, ttest_ind

from HabitatRadiomicsLib.cases.cohort import load_cohort, with_reading
from HabitatRadiomicsLib.cases.synthetic import write_spine_clinical, write_synthetic_cohort
from HabitatRadiomicsLib.cases.synthetic.spine import READINGS, REPEAT_READING, SECOND_READER, _clinical

from .planted import contents

PATIENTS = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spine")
    write_spine_clinical(folder, PATIENTS, seed=3, effect=1.0, read_twice=4)
    return folder


def test_the_images_are_the_synthetic_cohorts(folder: Path, tmp_path: Path) -> None:
    write_synthetic_cohort(tmp_path, PATIENTS, seed=3)
    found = contents(folder)
    plain = contents(tmp_path)
    del plain["clinical.csv"]
    assert {path: found[path] for path in plain} == plain


def test_the_clinical_table(folder: Path) -> None:
    cohort = load_cohort(folder / "images.csv", folder / "clinical.csv")
    assert list(cohort.outcomes.values()) == [0, 1] * (PATIENTS // 2)
    for row in cohort.covariates.values():
        assert list(row) == ["age", "visceral", "sex"]
        assert 18 <= int(row["age"]) <= 95
        assert row["visceral"] in ("yes", "no")
        assert row["sex"] in ("female", "male")


def _many(effect: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, age, visceral and sex of 400 patients; without their images."""
    outcome = np.arange(400) % 2
    rows = [_clinical(1, number, int(value), effect) for number, value in enumerate(outcome)]
    age, visceral, sex = (np.array(column) for column in zip(*rows))
    return outcome, age.astype(int), visceral == "yes", sex == "female"


def test_age_and_visceral_metastases_tell_and_sex_does_not() -> None:
    outcome, age, visceral, sex = _many(1.0)
    difference = ttest_ind(age[outcome == 1], age[outcome == 0]).confidence_interval()
    assert difference.low < 8 < difference.high
    assert difference.low > 0
    odds, p = _odds(visceral, outcome)
    assert 2.5 < odds < 6.5
    assert p < 1e-6
    assert _odds(sex, outcome)[1] > 0.05


def test_without_effect_none_tells() -> None:
    outcome, age, visceral, sex = _many(0.0)
    assert ttest_ind(age[outcome == 1], age[outcome == 0]).pvalue > 0.05
    assert _odds(visceral, outcome)[1] > 0.05
    assert _odds(sex, outcome)[1] > 0.05


def _odds(found: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    table = [[int((found & (outcome == 1)).sum()), int((~found & (outcome == 1)).sum())],
             [int((found & (outcome == 0)).sum()), int((~found & (outcome == 0)).sum())]]  # fmt: skip
    answer = fisher_exact(table)
    return float(answer.statistic), float(answer.pvalue)


def _dice(folder: Path, table: str) -> np.ndarray:
    """Of the first outlines and those of a table, by patient and sequence."""
    kind = READINGS[table]
    cohort = with_reading(load_cohort(folder / "images.csv"), folder / table, kind)
    assert [list(case.readings) for case in cohort.cases] == [[kind]] * 4 + [[]] * 2
    found = []
    for case in cohort.cases[:4]:
        read = case.read()
        for name, again in read.readings[kind].items():
            first, second = (sitk.GetArrayFromImage(row.mask) == 1 for row in (read.sequences[name], again))
            found.append(2 * (first & second).sum() / (first.sum() + second.sum()))
            assert sitk.GetArrayFromImage(again.image).tobytes() == (
                sitk.GetArrayFromImage(read.sequences[name].image).tobytes()
            )
    return np.array(found)


def test_outlines_that_were_drawn_again_are_much_the_same_and_most_by_the_same_reader(folder: Path) -> None:
    other, same = _dice(folder, SECOND_READER), _dice(folder, REPEAT_READING)
    for dice in (other, same):
        assert ((dice > 0.80) & (dice < 0.995)).all()
    assert same.mean() > other.mean()


def test_the_same_arguments_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_spine_clinical(tmp_path, PATIENTS, seed=3, effect=1.0, read_twice=4)
    assert contents(tmp_path) == contents(folder)
