"""Scoring one patient: the arithmetic, the warnings, and the same bytes alone, in a cohort and in another order."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient, write_synthetic_cohort
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.extraction.cohort import Extraction, extract_features
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.scoring.cohort import score_cohort
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.scoring.result import ScoreResult, notice

from .. import two_time_points


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
    together = extract_features(cohort, protocol, tmp_path / "two-jobs", jobs=2).table
    reversed_table = extract_features(type(cohort)(cohort.cases[::-1]), protocol, tmp_path / "reversed", jobs=1).table
    for case in cohort.cases:
        alone = score_case(case.read(protocol.sequences), model)
        for table in (together, reversed_table):
            values = table.loc[case.case_id, [feature.name for feature in model.features]]
            assert {entry.name: entry.value for entry in alone.contributions} == values.to_dict()


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


_CHANGES = (
    "delta_CT_whole_original_firstorder_Mean",
    "baseline_CT_whole_original_glcm_Contrast",
    "delta_CT_S1_original_shape_MeshVolume",
)


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, Extraction, Model]:
    """Patients at two time points, what was measured in them, and a model of changes."""
    folder = tmp_path_factory.mktemp("changes")
    cohort = two_time_points.cohort_of(two_time_points.write_cohort(folder / "cohort", 3))
    settings = two_time_points.protocol(regions=["whole", "habitats"])
    found = extract_features(cohort, settings, folder / "work")
    return cohort, found, two_time_points.model_of(found.protocol, _CHANGES)


def test_a_model_of_changes_needs_both_time_points(changes: tuple[Cohort, Extraction, Model]) -> None:
    cohort, _, model = changes
    assert model.sequences == ("baseline_CT", "follow-up_CT")
    assert model.regions("baseline_CT") == ("whole", "S1")
    assert [str(name) for name in model.measured_on("follow-up_CT")] == [
        "follow-up_CT_whole_original_firstorder_Mean", "follow-up_CT_S1_original_shape_MeshVolume",
    ]  # fmt: skip
    with pytest.raises(ModelError, match=r"it needs baseline CT and follow-up CT; follow-up CT is missing") as error:
        score_case(cohort.cases[0].read(("baseline_CT",)), model)
    assert "--image baseline_CT=FILE --image follow-up_CT=FILE" in error.value.remedy
    classic = two_time_points.model_of(model.protocol, _CHANGES[1:2])
    assert classic.sequences == ("baseline_CT",)
    assert score_case(cohort.cases[0].read(("baseline_CT",)), classic).contributions[0].value > 0


def test_a_change_has_the_bits_that_it_has_in_a_cohort(
    changes: tuple[Cohort, Extraction, Model], tmp_path: Path
) -> None:
    cohort, found, model = changes
    table = found.table[list(_CHANGES)]
    together = score_cohort(cohort, model, tmp_path, jobs=2).documents
    for case, row in zip(cohort.cases, table.values):
        alone = score_case(case.read(model.sequences), model)
        assert {entry.name: entry.value for entry in alone.contributions} == dict(zip(_CHANGES, row))
        besides = {"volume_ml": together[case.case_id]["volume_ml"]}
        assert json_text({**alone.document(), **besides}) == json_text(dict(together[case.case_id]))
        assert alone.score == pytest.approx(model.intercept + (0.25 * (row - 1)).sum())
        assert list(alone.maps) == list(alone.prepared) == ["baseline_CT", "follow-up_CT"]
        assert alone.maps["follow-up_CT"].model == model.protocol.population["CT"]
        turned = Case(case.case_id, dict(reversed(case.read(model.sequences).sequences.items())))
        assert score_case(turned, model).score == alone.score


def test_the_score_of_a_change_shows_what_became_of_the_habitats(
    changes: tuple[Cohort, Extraction, Model], tmp_path: Path
) -> None:
    from HabitatRadiomicsLib.reporting import write_score

    cohort, found, model = changes
    case = cohort.cases[1]
    write_score(tmp_path, score_case(case.read(), model))
    with (tmp_path / "habitat_changes.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["habitat"]: row for row in csv.DictReader(stream)}
    expected = {row.habitat: row for row in found.habitat_changes if row.case_id == case.case_id}
    assert {name: float(row["followup_ml"]) for name, row in rows.items()} == {
        name: row.followup_ml for name, row in expected.items()
    }
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "volumes of the habitats at both time points" in report
    assert "delta CT whole, original" in report
    assert "baseline CT: image" in report
    assert (tmp_path / "CT_timeline.png").exists()


@pytest.mark.parametrize(
    ("name", "timepoints", "sentence"),
    [
        ("delta_CT_whole_original_firstorder_Mean", None, "does not fit the protocol's time points (it has none)"),
        ("week9_CT_whole_original_firstorder_Mean", {}, "time points (baseline, follow-up, delta)"),
        ("CT_whole_original_firstorder_Mean", {}, "time points (baseline, follow-up, delta)"),
        ("delta_CT_S1_original_firstorder_Mean", {}, "needs the habitats of CT, which the protocol lacks"),
    ],
)
def test_features_that_do_not_fit_the_time_points_are_refused(
    name: str, timepoints: dict[str, str] | None, sentence: str
) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        two_time_points.model_of(two_time_points.protocol(timepoints=timepoints), [name])


def test_a_score_of_a_later_habitat_asks_for_the_baseline_whose_scale_it_has(
    changes: tuple[Cohort, Extraction, Model],
) -> None:
    cohort, found, _ = changes
    name = "follow-up_CT_S1_original_firstorder_Mean"
    model = two_time_points.model_of(found.protocol, [name])
    assert model.sequences == ("baseline_CT", "follow-up_CT")
    result = score_case(cohort.cases[1].read(), model)
    assert result.values[name] == found.table.values[1, found.table.columns.get_loc(name)]
    with pytest.raises(ModelError, match="baseline CT is missing"):
        score_case(cohort.cases[1].read(("follow-up_CT",)), model)
    own = two_time_points.protocol(regions=["whole", "habitats"], timepoints={"habitat_scale": "own"})
    own = own.model_copy(update={"population": found.protocol.population})
    assert two_time_points.model_of(own, [name]).sequences == ("follow-up_CT",)
    assert two_time_points.model_of(found.protocol, [name.replace("S1", "whole")]).sequences == ("follow-up_CT",)


def test_the_score_says_whose_scale_its_habitats_have(changes: tuple[Cohort, Extraction, Model]) -> None:
    cohort, _, model = changes
    scales = score_case(cohort.cases[1].read(), model).document()["habitat_scales"]
    assert list(scales) == ["baseline_CT", "follow-up_CT"]
    assert scales["baseline_CT"] == scales["follow-up_CT"]
    image, mask = two_time_points.images_of(1, responds=True, core_left=0.35)["baseline"]
    inside = sitk.GetArrayFromImage(image)[sitk.GetArrayFromImage(mask) == 1]
    expected = {"lesion": "baseline_CT", "lowest": inside.min(), "highest": inside.max()}
    assert {key: scales["follow-up_CT"][key] for key in expected} == expected
    assert scales["follow-up_CT"]["intensity_sd"] == pytest.approx(inside.std())


def test_without_a_baseline_a_score_that_needs_no_habitats_goes_without_maps(
    changes: tuple[Cohort, Extraction, Model],
) -> None:
    cohort, found, _ = changes
    model = two_time_points.model_of(found.protocol, ["follow-up_CT_whole_original_firstorder_Mean"])
    result = score_case(cohort.cases[1].read(("follow-up_CT",)), model)
    assert result.maps == {}
    assert (
        "No maps of follow-up CT, which the score does not need: Habitats of follow-up CT are found on the scale of "
        "baseline CT, which is missing." in result.warnings
    )
