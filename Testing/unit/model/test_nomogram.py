"""The nomogram in a model file: the same risks as the fit, one patient's values, and what is refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.learning.nomogram import Nomogram, fit_clinical_model, fit_nomogram
from HabitatRadiomicsLib.model.nomogram import (
    EVIDENCE,
    NomogramPart,
    PatientNomogram,
    clinical_values,
)
from HabitatRadiomicsLib.protocol import NomogramSettings
from HabitatRadiomicsLib.training.freezing import frozen_nomogram

_SETTINGS = NomogramSettings(univariate_significance=1.0, multivariable_significance=1.0)


@cache
def _cohort() -> tuple[np.ndarray, list[dict[str, str]], np.ndarray]:
    generator = np.random.default_rng(2)
    score, age = generator.normal(size=150), np.round(generator.normal(60, 9, 150))
    stage = generator.choice(["I", "II", "III"], 150)
    linear = score + 0.09 * (age - 60) + 1.2 * (stage == "III") - 0.8
    outcome = (generator.random(150) < 1 / (1 + np.exp(-linear))).astype(int)
    return score, [{"age": f"{a:.0f}", "stage": s} for a, s in zip(age, stage)], outcome


@cache
def _fitted() -> Nomogram:
    score, rows, outcome = _cohort()
    return fit_nomogram(score, rows, outcome, _SETTINGS)


@cache
def _part() -> NomogramPart:
    document = frozen_nomogram(_fitted(), *_cohort(), bootstraps=20, seed=1).model_dump(mode="json")
    next(row for row in document["inputs"] if row["name"] == "age")["unit"] = "years"
    return NomogramPart.model_validate(document)


def _with_clinical(clinical: Nomogram | None) -> NomogramPart:
    return frozen_nomogram(_fitted(), *_cohort(), bootstraps=0, seed=1, clinical=clinical)


def _changed(**changes: Any) -> NomogramPart:
    return NomogramPart.model_validate(_part().model_dump(mode="json") | changes)


def test_the_file_gives_every_training_case_the_fits_risk() -> None:
    score, rows, _ = _cohort()
    part = NomogramPart.model_validate_json(_part().model_dump_json())
    assert part == _part()
    values = [clinical_values(part, row) for row in rows]
    assert {one.name for one in part.inputs} == {"age", "stage"}
    linear = [part.linear(own, given) for own, given in zip(score, values)]
    assert linear == pytest.approx(_fitted().linear(score, rows), abs=1e-12)
    risks = [part.probability(own, given) for own, given in zip(score, values)]
    assert [risk.value for risk in risks] == pytest.approx(_fitted().probability(score, rows))
    assert (part.linear_minimum, part.linear_maximum) == pytest.approx((min(linear), max(linear)))


def test_the_clinical_model_gives_what_its_fit_does_of_missing_and_unknown_values_too() -> None:
    _, rows, outcome = _cohort()
    clinical = fit_clinical_model(rows, outcome, _SETTINGS)
    assert clinical is not None
    part = _with_clinical(clinical)
    assert "clinical_model" in EVIDENCE  # no drawing needs it
    again = NomogramPart.model_validate_json(part.model_dump_json()).clinical_model
    assert again is not None
    asked = [*rows[:40], {"age": "", "stage": "II"}, {"age": "NA", "stage": "IX"}, {"age": "61,5"}, {}]
    assert [again.linear(row) for row in asked] == pytest.approx(
        clinical.linear(None, [{"age": "", "stage": "", **row} for row in asked]), abs=1e-12
    )
    assert _part().clinical_model is None


def test_a_clinical_model_whose_terms_are_not_its_inputs_is_refused() -> None:
    _, rows, outcome = _cohort()
    part = _with_clinical(fit_clinical_model(rows, outcome, _SETTINGS)).model_dump(mode="json")
    part["clinical_model"]["terms"] = part["clinical_model"]["terms"][:1]
    with pytest.raises(ValidationError, match="terms must be those of the inputs"):
        NomogramPart.model_validate(part)


def test_interval_of_a_risk_is_walds() -> None:
    part = _part()
    values = clinical_values(part, {"age": "71", "stage": "III"})
    risk = part.probability(0.4, values)
    row = np.array([1, 0.4, *(values[term.term] for term in part.terms)])
    error = np.sqrt(row @ np.array(part.covariance) @ row)
    ends = part.linear(0.4, values) + np.array([-1, 1]) * 1.959964 * error
    assert (risk.low, risk.high) == pytest.approx(tuple(1 / (1 + np.exp(-ends))), rel=1e-6)


def test_axes_add_up_to_the_risk() -> None:
    part, scale = _part(), _part().scale()
    assert [axis.name for axis in scale.axes] == ["rad-score", *(one.name for one in part.inputs)]
    for given in ({"age": "44", "stage": "I"}, {"age": "80", "stage": "III"}, {"age": "62", "stage": "II"}):
        values = clinical_values(part, given)
        total = sum(scale.points(part.effects(-0.7, values)).values())
        assert scale.probability(total) == pytest.approx(part.probability(-0.7, values).value)


@pytest.mark.parametrize(("rad_score", "written"), [(0.12345, "0.12"), (-0.125001, "−0.13"), (-0.004, "0.00")])
def test_axes_and_values_have_words(rad_score: float, written: str) -> None:
    part = _part()
    assert part.axis_names == {"rad-score": "Rad-score", "age": "age (years)", "stage": "stage"}
    for stage in ("I", "II", "III"):
        patient = PatientNomogram(part, rad_score, clinical_values(part, {"age": "61,5", "stage": stage}), "recurrence")
        assert patient.names == {**part.axis_names, "rad-score": "rad-score"}
        assert patient.written == {"rad-score": written, "age": "61.5", "stage": stage}
        assert part.scale().probability(patient.total) == pytest.approx(patient.risk.value)


def test_tables_are_those_of_the_fit() -> None:
    part, fitted = _part(), _fitted()
    assert [vars(row) for row in part.univariate] == [vars(row) for row in fitted.univariate]
    for mine, theirs in zip((*part.multivariable, *part.final), (*fitted.multivariable, *fitted.model.odds_ratios)):
        assert mine.term == theirs.term
        assert mine.ratio() == pytest.approx(theirs.ratio())
        assert mine.p == pytest.approx(theirs.p, rel=1e-6)
    assert part.calibration is not None
    assert part.calibration.samples == 20
    assert part.hosmer_lemeshow is not None
    assert part.hosmer_lemeshow.degrees == 8


def test_values_are_read_with_decimal_comma_and_in_any_clear_writing() -> None:
    part = _part()
    found = clinical_values(part, {"age": " 61,5 ", "stage": "iii", "name": "does not matter"})
    assert found == {"clinical:age": 61.5, **{term: float(term.endswith("=III")) for term in _stage_terms()}}
    reference = next(one for one in part.inputs if one.name == "stage").levels[0]
    assert sum(clinical_values(part, {"age": "1", "stage": reference}).values()) == 1


def test_labels_of_a_form_are_understood() -> None:
    document = _part().model_dump(mode="json")
    for one in document["inputs"]:
        one["labels"] = [f"Stage {level}" for level in one["levels"]]
    part = NomogramPart.model_validate(document)
    assert clinical_values(part, {"age": "50", "stage": "Stage III"}) == clinical_values(
        part, {"age": "50", "stage": "III"}
    )
    labels = next(axis.labels for axis in part.scale().axes if axis.name == "stage")
    assert all(label.startswith("Stage ") for label in labels)


def _stage_terms() -> list[str]:
    return [term.term for term in _part().terms if "stage" in term.term]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stage": "I"}, r"'age' is missing; a number is needed, \d+ to \d+ years in training"),
        ({"age": "NA", "stage": "I"}, "'age' is missing"),
        ({"age": "old", "stage": "I"}, "'old' is not a valid value of 'age'; a number is needed"),
        ({"age": "inf", "stage": "I"}, "'inf' is not a valid value of 'age'"),
        ({"age": "60"}, "'stage' is missing; allowed are I"),
        (
            {"age": "60", "stage": "IV"},
            "'IV' is not a valid value of 'stage'; allowed are (I|II|III), (I|II|III), (I|II|III)",
        ),
        ({}, r"'(age|stage)' is missing.*'(age|stage)' is missing"),
    ],
)
def test_values_that_cannot_be_used_are_told_with_what_is_allowed(given: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        clinical_values(_part(), given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surprise": 1}, "Extra inputs"),
        ({"intercept": float("nan")}, "finite"),
        ({"linear_minimum": 9.0, "linear_maximum": 1.0}, "minimum lies above"),
        ({"rad_score": {"coefficient": 1, "minimum": 2, "maximum": 1}}, "minimum lies above"),
        ({"covariance": [[1.0]]}, "a row and a column"),
        ({"terms": []}, "must be those of the inputs"),
        ({"inputs": []}, "must be those of the inputs"),
    ],
)
def test_a_part_that_does_not_fit_together_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        _changed(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minimum": 5, "maximum": 5}, "minimum below its maximum"),
        ({"levels": ["a", "b"], "labels": ["a", "b"]}, "no levels"),
        ({"kind": "categorical"}, "two different levels"),
        ({"kind": "categorical", "levels": ["a", "a"], "labels": ["a", "a"]}, "two different levels"),
        ({"kind": "categorical", "levels": ["a", "b"], "labels": ["a"]}, "every level needs a label"),
        ({"name": "rad-score"}, "name of its own"),
        ({"name": ""}, "at least 1 character"),
    ],
)
def test_an_input_that_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    document = _part().model_dump(mode="json")
    place = next(place for place, one in enumerate(document["inputs"]) if one["name"] == "age")
    document["inputs"][place] |= changes
    with pytest.raises(ValidationError, match=message):
        NomogramPart.model_validate(document)


def test_a_calibration_curve_has_one_length() -> None:
    document = _part().model_dump(mode="json")
    document["calibration"]["corrected"].pop()
    with pytest.raises(ValidationError, match="as many apparent and corrected"):
        NomogramPart.model_validate(document)


def test_nothing_can_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        _part().intercept = 1.0  # type: ignore[misc]


def test_the_rad_score_behind_a_linear_predictor_is_found_again() -> None:
    part, (score, rows, _) = _part(), _cohort()
    for value, row in zip(score[:10].tolist(), rows):
        values = clinical_values(part, row)
        assert part.rad_score_of(part.linear(value, values), values) == pytest.approx(value, abs=1e-12)
    still = _changed(rad_score={**part.rad_score.model_dump(), "coefficient": 0.0})
    with pytest.raises(ModelError, match="has no effect"):
        still.rad_score_of(1.0, clinical_values(part, rows[0]))


@pytest.mark.parametrize(
    ("name", "text", "problem", "doubt"),
    [
        ("age", "61,5", "", ""),
        ("age", "", "'age' is missing; a number is needed", ""),
        ("age", "old", "'old' is not a valid value of 'age'; a number is needed", ""),
        ("age", "140", "", "The age of 140 lies outside the training cases' range of"),
        ("stage", "ii", "", ""),
        ("stage", "IV", "'IV' is not a valid value of 'stage'; allowed are", ""),
        ("stage", "n/a", "'stage' is missing; allowed are", ""),
    ],
)
def test_one_value_is_judged_as_all_together(name: str, text: str, problem: str, doubt: str) -> None:
    variable = next(row for row in _part().inputs if row.name == name)
    assert variable.problem_with(text).startswith(problem)
    assert bool(variable.problem_with(text)) == bool(problem)
    assert variable.extrapolation_of(text).startswith(doubt)
    assert bool(variable.extrapolation_of(text)) == bool(doubt)
