"""The status of each item of a checklist, from the study and the user's answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from HabitatRadiomicsLib.reporting.checklists.answers import Answer
from HabitatRadiomicsLib.reporting.checklists.evidence import RULES, StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import Checklist, Condition, Item

#: Ranges of the METRICS score in per cent, as published: lower bound and name.
_CATEGORIES = ((80.0, "excellent"), (60.0, "good"), (40.0, "moderate"), (20.0, "low"), (0.0, "very low"))


class Status(str, Enum):
    """The status of an item."""

    MET = "met"
    NOT_MET = "not met"
    NOT_APPLICABLE = "not applicable"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class AssessedItem:
    """An item with its status.

    Attributes:
        anchor: of the report's section that shows the evidence; empty if only the user's answer decided.
        note: the evidence in a few words, or the place in the manuscript that the user gave.
        question: the question in ``answers.yaml`` that is still open; empty if none is.
    """

    item: Item
    status: Status
    anchor: str
    note: str
    question: str


@dataclass(frozen=True)
class MetricsScore:
    """The METRICS score.

    Attributes:
        percent: weights of the items that are met over the weights of those that apply; unanswered ones count as not
            met.
        at_most: the same with unanswered items counted as met.
        unanswered: number of unanswered items.
    """

    percent: float
    at_most: float
    unanswered: int

    @property
    def category(self) -> str:
        """The published name of the score's range."""
        # The authors' tool rounds to one decimal before it names the range.
        return next(name for bound, name in _CATEGORIES if round(self.percent, 1) >= bound)


@dataclass(frozen=True)
class AssessedChecklist:
    """A checklist with the status of each item."""

    checklist: Checklist
    items: tuple[AssessedItem, ...]

    def count(self, status: str) -> int:
        """How many items have a status."""
        return sum(item.status.value == status for item in self.items)

    @property
    def score(self) -> MetricsScore | None:
        """The METRICS score; None for checklists without weights."""
        applicable = [item for item in self.items if item.status is not Status.NOT_APPLICABLE]
        if any(item.item.weight is None for item in self.items) or not applicable:
            return None

        def share(*statuses: Status) -> float:
            chosen = sum(item.item.weight or 0 for item in applicable if item.status in statuses)
            return 100 * chosen / sum(item.item.weight or 0 for item in applicable)

        return MetricsScore(
            percent=share(Status.MET),
            at_most=share(Status.MET, Status.UNANSWERED),
            unanswered=self.count("unanswered"),
        )


def assess(checklist: Checklist, record: StudyRecord, answers: Mapping[str, Answer]) -> AssessedChecklist:
    """The status of every item.

    An item is met by evidence in the study, by the user's answer, or by both if the checklist asks for both; without
    either, no item is met.
    """
    return AssessedChecklist(checklist, tuple(_assessed(item, checklist, record, answers) for item in checklist.items))


def _assessed(item: Item, checklist: Checklist, record: StudyRecord, answers: Mapping[str, Answer]) -> AssessedItem:
    for condition in (checklist.conditions[name] for name in item.applies_if):
        status, _, _, question = _verdict(condition, record, answers)
        if status is not Status.MET:
            applies = status if status is Status.UNANSWERED else Status.NOT_APPLICABLE
            return AssessedItem(item, applies, "", f"only if {condition.text}", question)
    return AssessedItem(item, *_verdict(item, record, answers, either=item.either))


def _verdict(
    part: Item | Condition, record: StudyRecord, answers: Mapping[str, Answer], *, either: bool = False
) -> tuple[Status, str, str, str]:
    """Status, anchor, note and open question; ``either``: evidence or an answer is enough."""
    evidence = RULES[part.evidence](record) if part.evidence else None
    # Evidence settles what is met if one of both is enough, and what is not met if both are needed.
    if evidence is not None and (part.answer is None or evidence.met == either):
        return Status.MET if evidence.met else Status.NOT_MET, evidence.anchor, evidence.note, ""
    answer = answers.get(part.answer or "")
    status, note, question = Status.UNANSWERED, "", part.answer or ""
    if answer is not None:
        status = {"yes": Status.MET, "no": Status.NOT_MET, "n/a": Status.NOT_APPLICABLE}[answer.word]
        note, question = f"the user says {answer.word}" + (f": {answer.where}" if answer.where else ""), ""
    if evidence is None or either:
        return status, "", note, question
    return status, evidence.anchor, "; ".join(text for text in (evidence.note, note) if text), question
