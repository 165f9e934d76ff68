"""Each item of a checklist against the study and the user's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from HabitatRadiomicsLib.reporting.checklists.answers import Answer
from HabitatRadiomicsLib.reporting.checklists.evidence import RULES, Evidence, StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import Checklist, Condition, Item

#: Of the METRICS score in per cent, as published: lower bound and name.
_CATEGORIES = ((80.0, "excellent"), (60.0, "good"), (40.0, "moderate"), (20.0, "low"), (0.0, "very low"))


class Status(str, Enum):
    """How an item stands."""

    MET = "met"
    NOT_MET = "not met"
    NOT_APPLICABLE = "not applicable"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class AssessedItem:
    """An item with its status.

    Attributes:
        anchor: of the report's section that shows the evidence; empty when the user's word is all there is.
        note: the evidence in a few words, or where in the manuscript the user says that it is.
        question: what is still to be answered in ``answers.yaml``; empty when nothing is.
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
        percent: weights of the items that are met over the weights of those that apply; unanswered are not met.
        at_most: the same with every unanswered item counted as met.
        unanswered: how many there are.
    """

    percent: float
    at_most: float
    unanswered: int

    @property
    def category(self) -> str:
        """The published name of the score's range."""
        # The authors' tool rounds to a decimal before it names the range.
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
        """The METRICS score; null for checklists without weights."""
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

    An item is met by evidence in the study, by the user's answer, or by both where the checklist asks for both;
    nothing is met because it was not asked.
    """
    return AssessedChecklist(checklist, tuple(_assessed(item, checklist, record, answers) for item in checklist.items))


def assess_all(
    checklists: Sequence[Checklist], record: StudyRecord, answers: Mapping[str, Answer]
) -> tuple[AssessedChecklist, ...]:
    """:func:`assess` for each checklist."""
    return tuple(assess(checklist, record, answers) for checklist in checklists)


def _assessed(item: Item, checklist: Checklist, record: StudyRecord, answers: Mapping[str, Answer]) -> AssessedItem:
    for name in item.applies_if:
        condition = checklist.conditions[name]
        holds = _holds(condition, record, answers)
        if holds is Status.NOT_MET:
            return AssessedItem(item, Status.NOT_APPLICABLE, "", f"only when {condition.text}", "")
        if holds is Status.UNANSWERED:
            return AssessedItem(item, Status.UNANSWERED, "", f"only when {condition.text}", condition.answer or "")
    evidence = RULES[item.evidence](record) if item.evidence else None
    answer = answers.get(item.answer) if item.answer else None
    if evidence is None:
        return _by_answer(item, answer)
    # What is met where either is enough, or not met where both are needed, is settled.
    if item.answer is None or evidence.met == item.either:
        return _by_evidence(item, evidence)
    said = _by_answer(item, answer)
    if item.either:
        return said
    note = "; ".join(part for part in (evidence.note, said.note) if part)
    return AssessedItem(item, said.status, evidence.anchor, note, said.question)


def _by_evidence(item: Item, evidence: Evidence) -> AssessedItem:
    status = Status.MET if evidence.met else Status.NOT_MET
    return AssessedItem(item, status, evidence.anchor, evidence.note, "")


def _by_answer(item: Item, answer: Answer | None) -> AssessedItem:
    if answer is None:
        return AssessedItem(item, Status.UNANSWERED, "", "", item.answer or "")
    status = {"yes": Status.MET, "no": Status.NOT_MET, "n/a": Status.NOT_APPLICABLE}[answer.word]
    note = f"the user says {answer.word}" + (f": {answer.where}" if answer.where else "")
    return AssessedItem(item, status, "", note, "")


def _holds(condition: Condition, record: StudyRecord, answers: Mapping[str, Answer]) -> Status:
    if condition.evidence:
        return Status.MET if RULES[condition.evidence](record).met else Status.NOT_MET
    answer = answers.get(condition.answer or "")
    if answer is None:
        return Status.UNANSWERED
    return Status.MET if answer.word == "yes" else Status.NOT_MET
