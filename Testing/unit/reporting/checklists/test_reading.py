"""The bundled checklists are whole: every published item, the published weights, a rule or a question for each."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from HabitatRadiomicsLib.reporting.checklists.evidence import RULES
from HabitatRadiomicsLib.reporting.checklists.reading import Checklist, load_checklists, load_questions

#: Kocak 2024, Table 1; also in the source of the authors' online tool.
_WEIGHTS = (
    0.0368, 0.0735, 0.0919, 0.0438, 0.0292, 0.0438, 0.0292, 0.0337, 0.0225, 0.0112, 0.0622, 0.0311, 0.0415, 0.0200,
    0.0200, 0.0300, 0.0200, 0.0599, 0.0300, 0.0352, 0.0234, 0.0176, 0.0117, 0.0293, 0.0176, 0.0375, 0.0749, 0.0075,
    0.0075, 0.0075,
)  # fmt: skip
_TRIPOD = (
    "1 2 3a 3b 3c 4 5a 5b 6a 6b 6c 7 8a 8b 8c 9a 9b 9c 10 11 12a 12b 12c 12d 12e 12f 12g 13 14 15 16 17 18a 18b 18c "
    "18d 18e 18f 19 20a 20b 20c 21 22 23a 23b 24 25 26 27a 27b 27c"
)


def _named(name: str) -> Checklist:
    return next(checklist for checklist in load_checklists() if checklist.name == name)


def test_metrics_has_its_items_weights_and_conditions() -> None:
    metrics = _named("METRICS")
    assert [item.id for item in metrics.items] == [str(number) for number in range(1, 31)]
    assert tuple(item.weight for item in metrics.items) == _WEIGHTS
    assert sum(_WEIGHTS) == pytest.approx(1, abs=1e-9)
    assert len({item.section for item in metrics.items}) == 9
    assert len(metrics.conditions) == 5
    conditional = {item.id: len(item.applies_if) for item in metrics.items if item.applies_if}
    assert conditional == {"8": 1, "9": 2, "10": 1, "12": 1, "14": 1, "15": 1, "16": 1, "17": 1}


def test_clear_has_58_items_of_which_two_are_not_essential() -> None:
    clear = _named("CLEAR")
    assert [item.id for item in clear.items] == [str(number) for number in range(1, 59)]
    assert [item.id for item in clear.items if not item.essential] == ["53", "58"]


def test_tripod_ai_has_27_items_in_52_parts() -> None:
    tripod = _named("TRIPOD+AI")
    assert [item.id for item in tripod.items] == _TRIPOD.split()
    assert len({re.sub(r"[a-z]", "", item.id) for item in tripod.items}) == 27


def test_every_item_has_a_rule_or_a_question_and_none_is_idle() -> None:
    parts = [part for row in load_checklists() for part in (*row.items, *row.conditions.values())]
    assert {part.evidence for part in parts if part.evidence} == set(RULES)
    assert {part.answer for part in parts if part.answer} == set(load_questions())


def test_every_checklist_is_attributed() -> None:
    for checklist in load_checklists():
        assert checklist.doi.startswith("10.")
        assert checklist.licence == "CC BY 4.0"
        assert checklist.name.split("+")[0] in checklist.citation


def test_metrics_questions_cannot_be_waved_away() -> None:
    """In METRICS only the five conditions make an item not applicable."""
    questions = load_questions()
    assert not [item.id for item in _named("METRICS").items if item.answer and questions[item.answer].not_applicable]


def _checklist(**changes: object) -> dict[str, object]:
    item = {"id": "1", "section": "s", "text": "t", "answer": "ethics", **changes}
    return {"name": "n", "title": "t", "citation": "c", "doi": "10.1", "licence": "l", "items": [item]}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"answer": None}, "give 'evidence', 'answer' or both"),
        ({"applies_if": ["moon"]}, "unknown conditions: moon"),
        ({"weight": 0}, "greater than 0"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_checklist_that_makes_no_sense_is_refused(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Checklist.model_validate(_checklist(**changes))


def test_items_stand_once() -> None:
    document = _checklist()
    with pytest.raises(ValidationError, match="each item may be listed only once"):
        Checklist.model_validate({**document, "items": [*document["items"], *document["items"]]})  # type: ignore[misc]
