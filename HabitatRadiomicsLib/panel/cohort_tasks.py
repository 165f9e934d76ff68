"""The tasks of the Cohort tab: the commands of the library that work on a table of patients."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A command of the library.

    Attributes:
        settings: what it applies, ``protocol`` or ``model``.
        needs_clinical: it cannot do without the outcomes in ``clinical.csv``.
        result: the file of the output folder that a user wants to see first.
    """

    title: str
    command: str
    settings: str
    needs_clinical: bool
    result: str

    @property
    def trains(self) -> bool:
        """Whether the task trains a model."""
        return self.command == "train"

    @property
    def reports(self) -> bool:
        """Whether the task writes a report and ``study.json``."""
        return self.result == "report.html"


TASKS = (
    Task("Extract features", "extract", "protocol", False, "features.csv"),
    Task("Score all patients", "score-cohort", "model", False, "scores.csv"),
    Task("Train a model", "train", "protocol", True, "report.html"),
    Task("Evaluate a model", "evaluate", "model", True, "report.html"),
)
