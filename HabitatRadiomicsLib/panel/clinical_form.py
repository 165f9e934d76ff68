"""What a model needs besides images: the site, and a form for the clinical values of a nomogram."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
from slicer.i18n import tr as _

from HabitatRadiomicsLib.panel.model_card import ClinicalQuestion, ModelCard
from HabitatRadiomicsLib.panel.widgets import PROBLEM, QUIET, WARNING, connect, quiet, remove_widget, show_message
from HabitatRadiomicsLib.system.installation.dependencies import missing


class SiteField:
    """The selector of the site where the images were acquired, which a model that harmonises sites needs; ``on_change``
    is called when the user chooses or types a site."""

    def __init__(self, ui: Any, on_change: Callable[[], None]) -> None:
        self._selector, self._label = ui.siteSelector, ui.siteLabel
        self._needed = False
        connect(ui.siteSelector, "currentTextChanged(QString)", lambda text: on_change())

    @property
    def site(self) -> str:
        """The site chosen or typed; empty when none was given or the model does not use it."""
        return self._selector.currentText.strip() if not self._selector.isHidden() else ""

    @property
    def missing(self) -> bool:
        """Whether the model needs a site and none is given."""
        return self._needed and not self.site

    def show(self, card: ModelCard | None, site: str) -> None:
        """Offer the sites of a model and show one, without calling ``on_change``.

        A model that harmonises can score cases of its own sites only. For any other model, a site may be typed: the
        score then warns that the model has not seen it.
        """
        sites = () if card is None else card.sites
        self._needed = card is not None and card.needs_site
        with quiet(self._selector):
            self._selector.clear()
            self._selector.setEditable(not self._needed)
            self._selector.addItems(["", *sites])
            self._selector.setCurrentIndex(max(0, self._selector.findText(site)))
            if not self._needed:
                self._selector.setEditText(site)
        for widget in (self._selector, self._label):
            widget.visible = bool(sites)


class ClinicalForm:
    """The section *Clinical values*, a row per value; ``on_change`` is called when the user gives another value."""

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
            remove_widget(self._container.layout(), self._form)
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
            tool_tip = _("Training cases: {range} {unit}").format(range=training_range, unit=question.unit)
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
        problem, warning = self._problem_and_warning()
        show_message(self.message, problem or warning, WARNING if not problem else PROBLEM if self.text else QUIET)
        return not problem

    def _problem_and_warning(self) -> tuple[str, str]:
        if missing():
            return ("" if self.text else _("The model needs it."), "")
        from HabitatRadiomicsLib.model.nomogram import ClinicalInput

        clinical_input = ClinicalInput.model_validate(self._question.document)
        return clinical_input.problem_with(self.text), clinical_input.extrapolation_of(self.text)
