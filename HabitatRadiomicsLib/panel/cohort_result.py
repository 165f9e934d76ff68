"""The result of a cohort run: its summary, a link to its report, and a button to use its model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from HabitatRadiomicsLib.panel.widgets import connect, open_file
from HabitatRadiomicsLib.scene.cohort import Task


class CohortResult:
    """Binds the result's label and buttons."""

    def __init__(self, ui: Any, use_model: Callable[[str], None]) -> None:
        """Connect the widgets.

        Args:
            use_model: called with the file of a model that the user wants to use.
        """
        self._ui = ui
        self._task: Task | None = None
        self._folder = Path()
        self._finished = False
        self._lines: list[str] = []
        connect(ui.openOutputButton, "clicked(bool)", self._open)
        connect(ui.useModelButton, "clicked(bool)", lambda checked: use_model(str(self._model)))
        self.update()

    def begin(self, task: Task, folder: Path) -> None:
        """A run starts: hide the result of the previous one."""
        self._task, self._folder, self._finished, self._lines = task, folder, False, []
        self.update(running=True)

    def finish(self) -> None:
        """The run ended successfully: show its result."""
        self._finished = True
        if self._task is not None and self._task.reports:
            self._lines = _main_lines(self._folder)
        self.update()

    def update(self, *, running: bool = False) -> None:
        """Show the current result."""
        ui, task = self._ui, self._task
        ui.cohortResultLabel.text = "\n".join(f"\u2022 {line}" for line in self._lines)
        ui.cohortResultLabel.visible = bool(self._lines)
        ui.openOutputButton.text = _("Open report") if self._lines else _("Open results")
        ui.openOutputButton.enabled = not running and task is not None and self._folder.is_dir()
        trained = self._finished and task is not None and task.trains
        ui.useModelButton.visible = trained and self._model.is_file()

    @property
    def _model(self) -> Path:
        return self._folder / "model.json"

    def _open(self, checked: bool = False) -> None:
        assert self._task is not None
        result = self._folder / self._task.result
        # After a failed run, the file would be that of an earlier run.
        open_file(result if self._finished and result.is_file() else self._folder)


def _main_lines(folder: Path) -> list[str]:
    """The summary of a study, in the words of its report, with the required notices."""
    from HabitatRadiomicsLib.reporting.text.summary import headline_row, summary_sentences

    try:
        study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [_("The result cannot be shown: there is no readable study.json.")]
    lines = [*summary_sentences(study), _at_the_cut_off(headline_row(study)), _left_out(study["flow"])]
    if study["validation"].get("external"):
        lines.append(study["validation"]["method"])
    return [line for line in [*lines, study["notice"]] if line]


def _at_the_cut_off(row: Mapping[str, Any] | None) -> str:
    if row is None or None in (row["sensitivity"], row["specificity"]):
        return ""
    return _("At the cut-off: sensitivity {sensitivity:.0%}, specificity {specificity:.0%}.").format(
        sensitivity=row["sensitivity"], specificity=row["specificity"]
    )


def _left_out(flow: Mapping[str, Any]) -> str:
    reasons = ", ".join(f"{row['reason'].rstrip('.')} ({row['cases']})" for row in flow["excluded"])
    if not reasons:
        return ""
    return _("{analysed} of {cases} patients could be used; the others: {reasons}.").format(
        analysed=flow["analysed"], cases=flow["cases"], reasons=reasons
    )
