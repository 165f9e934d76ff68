"""The clinical values that a model with a nomogram asks for: a row for each, and what is missing or odd under it."""

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
        self._section, self._place = ui.clinicalSection, ui.clinicalRows
        self._on_change = on_change
        self._form: Any = None
        self.rows: dict[str, ClinicalRow] = {}

    @property
    def values(self) -> dict[str, str]:
        """What was given, by name; nothing for what is not known."""
        return {name: row.text for name, row in self.rows.items() if row.text}

    def show(self, card: ModelCard | None, values: Mapping[str, str]) -> None:
        """Ask for what a model needs and show what is known, without telling anybody."""
        questions = () if card is None else card.clinical
        if self._form is not None:
            self._place.layout().removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        self._form = qt.QWidget()
        layout = qt.QFormLayout(self._form)
        layout.setContentsMargins(0, 0, 0, 0)
        self.rows = {one.name: ClinicalRow(one, layout, self._on_change) for one in questions}
        for name, row in self.rows.items():
            row.show(values.get(name, ""))
        self._place.layout().addWidget(self._form)
        self._section.visible = bool(questions)
        self.check()

    def check(self) -> bool:
        """Say under each row what is missing or odd.

        Returns:
            Whether all of it can be used. Before the packages are installed nobody can tell numbers from words: then
            it is enough that nothing is missing.
        """
        fine = [row.check() for row in self.rows.values()]  # all of them have something to say
        return all(fine)


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
            reach = f"{question.minimum:g} to {question.maximum:g}"
            self.field.placeholderText = _("not known")
            self.field.toolTip = _("Training cases: {reach} {unit}").format(reach=reach, unit=question.unit).strip()
            connect(self.field, "textChanged(QString)", lambda text: on_change())
        label.toolTip = self.field.toolTip
        self.message = qt.QLabel()
        self.message.setWordWrap(True)
        self.message.setTextFormat(qt.Qt.PlainText)
        layout.addRow(label, self.field)
        layout.addRow(self.message)

    @property
    def text(self) -> str:
        """The number as it was typed, or the level; empty: not known."""
        return (self.field.currentData or "") if self._question.choices else self.field.text.strip()

    def show(self, text: str) -> None:
        """Show a value, without telling anybody; of the levels, an unknown one is none."""
        with quiet(self.field):
            if self._question.choices:
                self.field.setCurrentIndex(max(0, self.field.findData(text)))
            else:
                self.field.text = text

    def check(self) -> bool:
        """Whether the value can be used; if not, or if the nomogram extrapolates, it is said."""
        problem, doubt = self._problem_and_doubt()
        self.message.text = problem or doubt
        self.message.setStyleSheet(WARNING if not problem else PROBLEM if self.text else QUIET)
        self.message.visible = bool(problem or doubt)
        return not problem

    def _problem_and_doubt(self) -> tuple[str, str]:
        if missing():
            return ("" if self.text else _("The model needs it."), "")
        from HabitatRadiomicsLib.model.nomogram import ClinicalInput, extrapolation_of, problem_with

        asked = ClinicalInput.model_validate(self._question.document)
        return problem_with(asked, self.text), extrapolation_of(asked, self.text)
