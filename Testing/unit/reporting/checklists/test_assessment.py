"""Status of items: by evidence, by answer, by both, by either; conditions; the METRICS score by hand."""

from __future__ import annotations

from typing import Any

import pytest

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.reporting.checklists.answers import Answer
from HabitatRadiomicsLib.reporting.checklists.assessment import AssessedItem, Status, assess
from HabitatRadiomicsLib.reporting.checklists.evidence import RULES, StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import Checklist, load_checklists

_FIGURES = ("shap-bar",)


def _assessed(study: dict[str, Any], answers: dict[str, Answer] | None = None) -> dict[tuple[str, str], AssessedItem]:
    record = StudyRecord.of(study, _FIGURES)
    return {
        (checklist.name, row.item.id): row
        for checklist in load_checklists()
        for row in assess(checklist, record, answers or {}).items
    }


def _status(item: dict[str, Any], study: dict[str, Any], answers: dict[str, Answer], **conditions: Any) -> AssessedItem:
    document = {"id": "1", "section": "s", "text": "t", **item}
    checklist = Checklist.model_validate(
        {"name": "n", "title": "t", "citation": "c", "doi": "10.1", "licence": "l", "items": [document],
         "conditions": conditions}
    )  # fmt: skip
    return assess(checklist, StudyRecord.of(study), answers).items[0]


_TRUE, _FALSE = "masks-used", "end-to-end-deep-learning"


@pytest.mark.parametrize(
    ("item", "word", "status"),
    [
        ({"evidence": _TRUE}, None, "met"),
        ({"evidence": _FALSE}, None, "not met"),
        ({"evidence": _FALSE}, "yes", "not met"),
        ({"answer": "ethics"}, None, "unanswered"),
        ({"answer": "ethics"}, "yes", "met"),
        ({"answer": "ethics"}, "no", "not met"),
        ({"answer": "ethics"}, "n/a", "not applicable"),
        ({"evidence": _TRUE, "answer": "ethics"}, None, "unanswered"),
        ({"evidence": _TRUE, "answer": "ethics"}, "yes", "met"),
        ({"evidence": _TRUE, "answer": "ethics"}, "no", "not met"),
        ({"evidence": _FALSE, "answer": "ethics"}, None, "not met"),
        ({"evidence": _FALSE, "answer": "ethics"}, "yes", "not met"),
        ({"evidence": _TRUE, "answer": "ethics", "either": True}, None, "met"),
        ({"evidence": _FALSE, "answer": "ethics", "either": True}, None, "unanswered"),
        ({"evidence": _FALSE, "answer": "ethics", "either": True}, "yes", "met"),
        ({"evidence": _FALSE, "answer": "ethics", "either": True}, "no", "not met"),
    ],
)
def test_status(study: dict[str, Any], item: dict[str, Any], word: Any, status: str) -> None:
    row = _status(item, study, {"ethics": Answer(word)} if word else {})
    assert row.status == Status(status)
    assert bool(row.question) == (status == "unanswered")


@pytest.mark.parametrize(
    ("condition", "word", "status"),
    [
        ({"evidence": _TRUE}, None, "met"),
        ({"evidence": _FALSE}, None, "not applicable"),
        ({"answer": "ethics"}, None, "unanswered"),
        ({"answer": "ethics"}, "no", "not applicable"),
        ({"answer": "ethics"}, "yes", "met"),
    ],
)
def test_conditions(study: dict[str, Any], condition: dict[str, Any], word: Any, status: str) -> None:
    row = _status(
        {"evidence": _TRUE, "applies_if": ["so"]},
        study,
        {"ethics": Answer(word)} if word else {},
        so={"text": "so", **condition},
    )
    assert row.status == Status(status)


def test_nothing_of_the_users_is_ticked_without_the_user(study: dict[str, Any]) -> None:
    for row in _assessed(study).values():
        if row.status is Status.MET:
            assert row.item.evidence, row.item
            assert row.item.answer is None or row.item.either, row.item


def test_metrics_score_by_hand(study: dict[str, Any]) -> None:
    metrics = load_checklists()[0]
    answers = {"automated-segmentation": Answer("no"), "several-centres": Answer("yes"), "data-shared": Answer("no")}
    score = assess(metrics, StudyRecord.of(study, _FIGURES), answers).score
    assert score is not None
    # Items 9 and 17 do not apply.
    applicable = 1 - 0.0225 - 0.0200
    met = (0.0438 + 0.0311 + 0.0415 + 0.0200 + 0.0200 + 0.0599 + 0.0352 + 0.0234 + 0.0176 + 0.0117 + 0.0293
           + 0.0176)  # fmt: skip
    refused = 0.0749 + 0.0075
    assert score.percent == pytest.approx(100 * met / applicable)
    assert score.at_most == pytest.approx(100 * (applicable - refused) / applicable)
    assert (score.unanswered, score.category) == (14, "low")
    without = assess(metrics, StudyRecord.of(study), {}).score
    assert without is not None
    # The condition of item 9, and items 4 and 28.
    assert without.unanswered == 14 + 3


def test_an_unanswered_condition_leaves_its_item_open(study: dict[str, Any]) -> None:
    row = _assessed(study)["METRICS", "9"]
    assert (row.status, row.question) == (Status.UNANSWERED, "automated-segmentation")
    row = _assessed(study, {"automated-segmentation": Answer("yes")})["METRICS", "9"]
    assert (row.status, row.question) == (Status.UNANSWERED, "automated-segmentation-evaluated")


@pytest.mark.parametrize(
    ("percent", "category"),
    [(0, "very low"), (19.9, "very low"), (19.96, "low"), (40, "moderate"), (60, "good"), (79.9, "good"),
     (80, "excellent"), (100, "excellent")],
)  # fmt: skip
def test_metrics_categories(percent: float, category: str) -> None:
    from HabitatRadiomicsLib.reporting.checklists.assessment import MetricsScore

    assert MetricsScore(percent, percent, 0).category == category


def test_checklists_without_weights_have_no_score(study: dict[str, Any]) -> None:
    assert [assess(row, StudyRecord.of(study), {}).score is None for row in load_checklists()] == [False, True, True]


@pytest.mark.parametrize(
    ("change", "checklist", "item", "before", "after"),
    [
        ({"calibration": None}, "METRICS", "22", "met", "not met"),
        ({"robustness": None}, "METRICS", "14", "met", "not met"),
        ({"robustness": None}, "CLEAR", "31", "met", "unanswered"),
        ({"sample_size": None}, "CLEAR", "9", "met", "not met"),
        ({"characteristics": []}, "CLEAR", "44", "met", "not met"),
        ({"external": [{"cohort": "B", "cases": 40, "events": 12, "auc": 0.7}]}, "METRICS", "27", "not met",
         "unanswered"),
        ({"external": [{"cohort": "B", "cases": 40, "events": 12, "auc": 0.7}]}, "TRIPOD+AI", "12g", "not applicable",
         "met"),
        ({"decision_curve": None}, "TRIPOD+AI", "12e", "met", "not met"),
        ({"model": None}, "TRIPOD+AI", "15", "met", "not met"),
        ({"model": None}, "CLEAR", "46", "met", "not met"),
        ({"flow": None}, "CLEAR", "30", "met", "not met"),
        ({"engine": ""}, "METRICS", "12", "met", "not met"),
        ({"optimism": None, "permutation": None, "learning_curve": None}, "METRICS", "16", "unanswered", "not met"),
        ({"validation": None, "model": None}, "METRICS", "18", "met", "not met"),
        ({"validation": None, "model": None}, "METRICS", "20", "met", "not met"),
        ({"validation": None, "model": None}, "CLEAR", "34", "met", "not met"),
        ({"validation": None, "model": None}, "CLEAR", "37", "met", "not met"),
    ],
)  # fmt: skip
def test_evidence_follows_the_study(
    study: dict[str, Any], change: dict[str, Any], checklist: str, item: str, before: str, after: str
) -> None:
    assert _assessed(study)[checklist, item].status == Status(before)
    assert _assessed({**study, **change})[checklist, item].status == Status(after)


@pytest.mark.parametrize(
    ("repeated", "told"),
    [
        ([("perturbed copies", 20)], "5,211 of 11,802 features kept (perturbed copies, 20 cases)"),
        ([("intra-observer", 1)], "5,211 of 11,802 features kept (intra-observer, 1 case)"),
        (
            [("inter-observer", 12), ("intra-observer", 10)],
            "5,211 of 11,802 features kept (inter-observer, 12 cases; intra-observer, 10 cases)",
        ),
        ([], "5,211 of 11,802 features kept"),
    ],
)
def test_evidence_of_reliability_names_the_readings_and_their_cases(
    study: dict[str, Any], repeated: list[tuple[str, int]], told: str
) -> None:
    study["robustness"]["repeated"] = [{"kind": kind, "cases": cases, "kept": 0} for kind, cases in repeated]
    found = _assessed(study)
    for item in (("METRICS", "14"), ("CLEAR", "31")):
        assert found[item].note == told


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"nested": False}, "not met"),
        ({"frozen_habitats": True}, "not met"),
        ({"habitats_from_protocol": True}, "not met"),
        ({}, "met"),
    ],
)
def test_leakage_is_not_called_proper_partitioning(study: dict[str, Any], change: dict[str, Any], status: str) -> None:
    study["validation"] |= change
    assert _assessed(study)["METRICS", "18"].status == Status(status)


def test_a_frozen_model_on_other_cases_is_an_external_test(study: dict[str, Any]) -> None:
    study["validation"] = {"external": True, "method": "m", "candidates": study["validation"]["candidates"][:1]}
    found = _assessed(study, {"external-institution": Answer("yes")})
    assert found["METRICS", "27"].status is Status.MET
    assert found["METRICS", "18"].status is Status.MET
    assert found["TRIPOD+AI", "12g"].status is Status.MET
    assert found["CLEAR", "33"].status is Status.NOT_MET


def test_comparisons_need_a_test_and_not_only_a_row(study: dict[str, Any]) -> None:
    study["validation"]["comparisons"] = [row for row in study["validation"]["comparisons"] if "T1W" in row["second"]]
    found = _assessed(study)
    assert found["METRICS", "24"].status == Status.NOT_MET
    assert found["METRICS", "25"].status == Status.NOT_MET
    assert found["METRICS", "23"].status == Status.MET
    study["validation"]["comparisons"] = []
    assert _assessed(study)["METRICS", "23"].status == Status.NOT_MET
    study["protocol"]["sequences"] = ["T1W"]
    assert _assessed(study)["METRICS", "23"].status == Status.MET


def test_a_measure_that_one_score_lacks_is_missing(study: dict[str, Any]) -> None:
    study["validation"]["candidates"][2]["auc_low"] = None
    assert _assessed(study)["METRICS", "21"].status == Status.NOT_MET


@pytest.mark.parametrize(("where", "status"), [("preprocessing", "met"), ("sequence_preprocessing", "met")])
def test_resampling_of_any_sequence_is_resampling(study: dict[str, Any], where: str, status: str) -> None:
    assert _assessed(study)["CLEAR", "22"].status == Status.NOT_APPLICABLE
    steps = {"resampling": {"spacing": [1, 1, None]}}
    study["protocol"][where] = steps if where == "preprocessing" else {"T2FS": steps}
    assert _assessed(study)["CLEAR", "22"].status == Status(status)


def test_explanation_is_met_by_figures_that_are_there(study: dict[str, Any]) -> None:
    clear = load_checklists()[1]
    for figures, status in (((), Status.NOT_MET), (("roc",), Status.NOT_MET), (("beeswarm",), Status.MET)):
        rows = assess(clear, StudyRecord.of(study, figures), {}).items
        assert next(row for row in rows if row.item.id == "43").status is status


@pytest.mark.parametrize(("limit", "met"), [(None, False), (1.0, False), (0.98, True)])
def test_a_search_is_free_of_redundancy_by_its_own_limit(study: dict[str, Any], limit: float, met: bool) -> None:
    study["protocol"]["learning"]["search"] = {"maximum_correlation": limit}
    evidence = RULES["redundancy-removed"](StudyRecord.of(study))
    assert (evidence.met, evidence.anchor) == (met, "methods-model")


def test_a_classifier_in_the_model_file_is_specified(study: dict[str, Any]) -> None:
    study["model"] |= {"classifier": {"name": "svm", "inputs": []}, "intercept": None}
    assert RULES["model-specified"](StudyRecord.of(study)).met
    study["model"]["classifier"] = None
    assert not RULES["model-specified"](StudyRecord.of(study)).met


def test_deep_features_are_counted_beside_the_others(study: dict[str, Any]) -> None:
    study["network"] = {"features": 16}
    assert RULES["feature-count-reported"](StudyRecord.of(study)).note.endswith(" per region, 16 deep features")


def test_a_study_without_a_valid_protocol_is_refused(study: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError, match="study"):
        StudyRecord.of({**study, "protocol": {"name": "x y"}})
