"""Reporting checklists, filled from the study where software can know, and by the user where it cannot."""

from HabitatRadiomicsLib.reporting.checklists.answers import Answer, answers_in, answers_template, read_answers
from HabitatRadiomicsLib.reporting.checklists.assessment import (
    AssessedChecklist,
    AssessedItem,
    MetricsScore,
    Status,
    assess,
    assess_all,
)
from HabitatRadiomicsLib.reporting.checklists.evidence import RULES, Evidence, StudyRecord
from HabitatRadiomicsLib.reporting.checklists.reading import Checklist, Item, Question, load_checklists, load_questions

__all__ = [
    "RULES",
    "Answer",
    "AssessedChecklist",
    "AssessedItem",
    "Checklist",
    "Evidence",
    "Item",
    "MetricsScore",
    "Question",
    "Status",
    "StudyRecord",
    "answers_in",
    "answers_template",
    "assess",
    "assess_all",
    "load_checklists",
    "load_questions",
    "read_answers",
]
