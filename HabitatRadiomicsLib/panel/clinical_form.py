"""The form for the clinical values that a nomogram needs: one row per value, with any problem shown below it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from HabitatRadiomicsLib.panel.model_card import ClinicalQuestion, ModelCard
from HabitatRadiomicsLib.panel.signals import connect, quiet
from HabitatRadiomicsLib.panel.styles import PROBLEM, QUIET, WARNING
from HabitatRadiomicsLib.system.installation.dependencies import missing


class ClinicalForm:
    """The section *Clinical values*; ``on_change`` is called when the user gives another value."""

    def __init__(self, ui: Any, on_change: Callable[[], None]) -> None:
        self._section, self._container = ui.clinicalSection, ui.clinicalRows
        self._on_change = on_change
        self._form: Any = None
        self.rows: dict[str, ClinicalRow] = {}

    @property
    def values(self) -> dict[str, str]:
        """The values given, by name; unknown values are left out."""
        return {name: row.text for name, row in self.rows.items() if row.text}

    def show(self, card: ModelCard | None, values: Mapping[str, str]) -> None:
        """Show a row for each value that a model needs, filled in where it is known, without calling ``on_change``."""
        questions = () if card is None else card.clinical
        if self._form is not None:
            self._container.layout().removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        self._form = qt.QWidget()
        layout = qt.QFormLayout(self._form)
        layout.setContentsMargins(0, 0, 0, 0)
        self.rows = {question.name: ClinicalRow(question, layout, self._on_change) for question in questions}
        for name, row in self.rows.items():
            row.show(values.get(name, ""))
        self._container.layout().addWidget(self._form)
        self._section.visible = bool(questions)
        self.check()

    def check(self) -> bool:
        """Show missing and unusual values below their rows.

        Returns:
            Whether all values can be used. Before the packages are installed numbers cannot be parsed: then it is
            enough that no value is missing.
        """
        usable = [row.check() for row in self.rows.values()]  # a list: every row shows its own message
        return all(usable)


class ClinicalRow:
    """One value: a list of levels, or a line for a number."""

    def __init__(self, question: ClinicalQuestion, layout: Any, on_change: Callable[[], None]) -> None:
        self._question = question
        label = qt.QLabel(question.name + (f" [{question.unit}]:" if question.unit else ":"))
        if question.choices:
            self.field: Any = qt.QComboBox()
            self.field.addItem(_("not known"), "")
            for level, name in question.choices.items():
                self.field.addItem(name, level)
            self.field.toolTip = _("Which one the patient has")
            connect(self.field, "currentIndexChanged(int)", lambda index: on_change())
        else:
            self.field = qt.QLineEdit()
            training_range = f"{question.minimum:g} to {question.maximum:g}"
            self.field.placeholderText = _("not known")
            tool_tip = _("Training cases: {reach} {unit}").format(reach=training_range, unit=question.unit)
            self.field.toolTip = tool_tip.strip()
            connect(self.field, "textChanged(QString)", lambda text: on_change())
        label.toolTip = self.field.toolTip
        self.message = qt.QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(qt.Qt.PlainText)
        layout.addRow(label, self.field)
        layout.addRow(self.message)

    @property
    def text(self) -> str:
        """The number as typed, or the chosen level; empty if unknown."""
        return (self.field.currentData or "") if self._question.choices else self.field.text.strip()

    def show(self, text: str) -> None:
        """Show a value without calling ``on_change``; a level that the model does not know is shown as not known."""
        with quiet(self.field):
            if self._question.choices:
                self.field.setCurrentIndex(max(0, self.field.findData(text)))
            else:
                self.field.text = text

    def check(self) -> bool:
        """Whether the value can be used; shows a message if not, or if the nomogram would extrapolate."""
        problem, doubt = self._problem_and_doubt()
        self.message.text = problem or doubt
        self.message.setStyleSheet(WARNING if not problem else PROBLEM if self.text else QUIET)
        self.message.visible = bool(problem or doubt)
        return not problem

    def _problem_and_doubt(self) -> tuple[str, str]:
        if missing():
            return ("" if self.text else _("The model needs it."), "")
        from HabitatRadiomicsLib.model.nomogram import ClinicalInput

        clinical_input = ClinicalInput.model_validate(self._question.document)
        return clinical_input.problem_with(self.text), clinical_input.extrapolation_of(self.text)
