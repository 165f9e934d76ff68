"""Scoring one patient: the arithmetic, the warnings, and the same bytes alone, in a cohort and in another order."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.case import Case, SequenceImage
from HabitatRadiomicsLib.cohort import load_cohort
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.extraction import extract_cohort
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.scoring import ScoreResult, notice, score_case
from HabitatRadiomicsLib.synthetic import SyntheticPatient, write_synthetic_cohort


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("t790m-spine-demo")


@pytest.fixture(scope="module")
def result(model: Model, patient: SyntheticPatient) -> ScoreResult:
    return score_case(patient.case, model, site="Alpha")


def test_score_is_the_linear_combination(model: Model, result: ScoreResult) -> None:
    by_name = {contribution.name: contribution for contribution in result.contributions}
    expected = model.intercept + sum(
        feature.coefficient * (by_name[feature.name].value - feature.mean) / feature.sd for feature in model.features
    )
    assert result.score == pytest.approx(expected, abs=1e-12)
    assert result.base + sum(row.shap for row in result.contributions) == pytest.approx(result.score, abs=1e-9)
    assert result.positive == (result.score >= model.cutoff.value)
    assert result.interval.low < result.score < result.interval.high
    assert model.calibration is not None
    assert result.probability_interval is not None
    linear = model.calibration.intercept + model.calibration.slope * result.score
    assert result.probability == pytest.approx(1 / (1 + np.exp(-linear)))
    assert result.probability_interval.low < result.probability < result.probability_interval.high
    # Wider than the score's interval alone would make it: the calibration is uncertain too.
    ends = [
        model.calibration.intercept + model.calibration.slope * end
        for end in (result.interval.low, result.interval.high)
    ]
    assert result.probability_interval.low < 1 / (1 + np.exp(-ends[0]))
    assert result.probability_interval.high > 1 / (1 + np.exp(-ends[1]))


def test_document_is_json_says_what_it_is_and_names_nobody(result: ScoreResult, patient: SyntheticPatient) -> None:
    text = json_text(result.document())
    document = json.loads(text)
    assert document["model"]["evidence"] == "synthetic-demonstration"
    assert "Demonstration model" in document["notice"]
    assert "Research use only" in document["notice"]
    assert patient.case.case_id not in text
    assert set(document["provenance"]["inputs"]) == {"T1W", "T2FS"}
    assert len(document["contributions"]) == 6


def test_alone_in_a_cohort_and_in_another_order_give_the_same_bits(model: Model, tmp_path: Path) -> None:
    tables = write_synthetic_cohort(tmp_path, 3, seed=9)
    cohort = load_cohort(*tables)
    protocol = model.protocol
    together = extract_cohort(cohort, protocol, tmp_path / "two-jobs", jobs=2).table
    reversed_table = extract_cohort(type(cohort)(cohort.cases[::-1]), protocol, tmp_path / "reversed", jobs=1).table
    for case in cohort.cases:
        alone = score_case(case.read(protocol.sequences), model)
        for table in (together, reversed_table):
            row = table.with_columns([feature.name for feature in model.features])
            values = dict(zip(row.columns, row.values[row.case_ids.index(case.case_id)]))
            assert {entry.name: entry.value for entry in alone.contributions} == values


def test_two_runs_give_the_same_document(model: Model, result: ScoreResult, patient: SyntheticPatient) -> None:
    assert json_text(score_case(patient.case, model, site="Alpha").document()) == json_text(result.document())
    assert json_text(score_case(patient.case, model, site="Alpha", jobs=3).document()) == json_text(result.document())


def test_warnings(model: Model, patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T1W"]
    scaled = sequence.image * 1
    array_warned = SequenceImage("T1W", scaled, sequence.mask, ("The mask was resampled.",))
    case = Case("x", {**patient.case.sequences, "T1W": array_warned})
    narrow = model.features[0].model_copy(update={"minimum": -1e9, "maximum": -1e8})
    changed = model.model_copy(update={"features": (narrow, *model.features[1:])})
    found = score_case(case, changed, site="Gamma").warnings
    assert any(text == "T1W: The mask was resampled." for text in found)
    assert any(text.startswith(f"{narrow.name} is ") and "outside the training range" in text for text in found)
    assert any("has not seen the site Gamma" in text for text in found)
    assert not any("not seen the site" in text for text in score_case(case, model, site="Beta").warnings)


def test_wrong_sequences_are_told(model: Model, patient: SyntheticPatient) -> None:
    renamed = Case("x", {"T1": patient.case.sequences["T1W"], "T2FS": patient.case.sequences["T2FS"]})
    with pytest.raises(ModelError, match="T1W is missing; T1 is not a sequence of this model"):
        score_case(renamed, model)


def test_notice_of_a_model_of_patients(model: Model) -> None:
    evidence = model.evidence.model_copy(update={"kind": "trained-on-patients"})
    text = notice(model.model_copy(update={"evidence": evidence}))
    assert text.startswith("Research use only")
    assert "Demonstration" not in text


def test_a_model_that_separates_nothing_says_so(model: Model, patient: SyntheticPatient, tmp_path: Path) -> None:
    from HabitatRadiomicsLib.reporting import write_score

    assert model.evidence.performance is not None
    weak = model.evidence.performance.model_copy(update={"auc": 0.41, "auc_low": 0.2, "auc_high": 0.62})
    evidence = model.evidence.model_copy(update={"performance": weak, "excluded": 21})
    result = score_case(patient.case, model.model_copy(update={"evidence": evidence, "calibration": None}))
    assert result.probability is None
    assert result.document()["probability_interval"] is None
    for sentence in (
        "has not been shown to separate the outcomes: its cross-validated AUC is 0.41 (0.20 to 0.62)",
        "No probability is given",
        "21 of the 51 cases of the training cohort could not be measured",
    ):
        assert any(sentence in warning for warning in result.warnings), sentence
    write_score(tmp_path, result)
    assert "the model gives none" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_lesion_too_small_for_habitats_is_scored_where_the_score_needs_none(
    model: Model, patient: SyntheticPatient
) -> None:
    import SimpleITK as sitk

    sequence = patient.case.sequences["T1W"]
    array = sitk.GetArrayFromImage(sequence.mask)
    inside = np.argwhere(array == 1)
    array[:] = 0
    centre = np.median(inside, axis=0)
    for k, j, i in inside[np.argsort(((inside - centre) ** 2).sum(axis=1), kind="stable")[:60]]:
        array[k, j, i] = 1
    small = sitk.GetImageFromArray(array)
    small.CopyInformation(sequence.mask)
    feature = model.features[0].model_copy(update={"name": "T1W_whole_original_firstorder_Mean"})
    whole = model.model_copy(
        update={
            "features": (feature,),
            "background": tuple((row[0],) for row in model.background),
            "coefficient_covariance": tuple(row[:2] for row in model.coefficient_covariance[:2]),
        }
    )
    result = score_case(Case("x", {"T1W": SequenceImage("T1W", sequence.image, small)}), whole)
    assert np.isfinite(result.score)
    assert any("No maps of T1W, which the score does not need" in warning for warning in result.warnings)


def test_a_feature_without_a_value_stops_the_score_and_the_reason_is_told(
    model: Model, patient: SyntheticPatient
) -> None:
    import SimpleITK as sitk

    sequence = patient.case.sequences["T1W"]
    voxels = sitk.GetArrayFromImage(sequence.mask)
    for axis in range(3):
        np.moveaxis(voxels, axis, 0)[1::2] = 0  # no two neighbours are left
    isolated = sitk.GetImageFromArray(voxels)
    isolated.CopyInformation(sequence.mask)
    names = ("T1W_whole_original_firstorder_Mean", "T1W_whole_original_glcm_Contrast", "T1W_whole_original_glcm_Id")
    features = tuple(model.features[0].model_copy(update={"name": name}) for name in names)
    habitat_free = model.model_copy(update={"features": features})
    message = (
        "not defined for this lesion. T1W_whole_original_glcm_Contrast, T1W_whole_original_glcm_Id: "
        "No two voxels of the region are neighbours, and a co-occurrence matrix counts pairs of neighbours."
    )
    with pytest.raises(ModelError, match=re.escape(message)):
        score_case(Case("x", {"T1W": SequenceImage("T1W", sequence.image, isolated)}), habitat_free)


def test_an_interval_that_includes_the_cut_off_draws_a_warning(
    model: Model, result: ScoreResult, patient: SyntheticPatient
) -> None:
    for value, warned in (
        (result.score, True),
        (result.interval.high + 0.1, False),
        (result.interval.low - 0.1, False),
    ):
        cutoff = model.cutoff.model_copy(update={"value": value})
        found = score_case(patient.case, model.model_copy(update={"cutoff": cutoff})).warnings
        assert any("includes the cut-off" in warning for warning in found) == warned
