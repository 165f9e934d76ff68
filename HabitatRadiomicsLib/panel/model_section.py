"""The choice of the model, and its card."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.panel.model_card import ModelCard, read_card
from HabitatRadiomicsLib.panel.widgets import choose_item, connect, fill_selector, open_temporary, show_message
from HabitatRadiomicsLib.system.installation.dependencies import missing
from HabitatRadiomicsLib.system.resources import bundled_models_to_choose


class ModelSection:
    """The model selector, the three lines of the card, and any problem with the file."""

    def __init__(self, ui: Any, on_change: Callable[[], None]) -> None:
        self._ui = ui
        self._on_change = on_change
        self.card: ModelCard | None = None
        fill_selector(ui.modelSelector, ((_title(path), name) for name, path in bundled_models_to_choose().items()))
        connect(ui.modelSelector, "currentIndexChanged(int)", self._changed)
        connect(ui.modelFileButton, "clicked(bool)", self._choose_file)
        connect(ui.modelCardLabel, "linkActivated(QString)", self._open_card)
        self._read()

    @property
    def model(self) -> str:
        """Bundled name or file; empty when there is none."""
        return self._ui.modelSelector.currentData or ""

    def select(self, model: str) -> None:
        """Select a model, bundled or a file, without calling ``on_change``."""
        choose_item(self._ui.modelSelector, model, _title)
        self._read()

    def _changed(self, index: int) -> None:
        self._read()
        self._on_change()

    def _choose_file(self, checked: bool = False) -> None:
        path = qt.QFileDialog.getOpenFileName(None, _("Model file"), "", _("Models (*.json)"))
        if path:
            self.select(path)
            self._on_change()

    def _read(self) -> None:
        """Read the card and, if the packages are installed, check the whole file."""
        self.card, problem = None, ""
        path = bundled_models_to_choose().get(self.model, Path(self.model or "."))
        try:
            card = read_card(path)
            if not missing():
                from HabitatRadiomicsLib.model import load_model

                load_model(path)
            self.card = card
        except HabitatRadiomicsError as error:
            problem = str(error)
        show_message(self._ui.modelCardLabel, "" if self.card is None else _lines(self.card), "")
        show_message(self._ui.modelProblemLabel, problem, "")

    def _open_card(self, link: str) -> None:
        if self.card is None:
            return
        name = re.sub(r"\W+", "-", self.card.name)  # the file may come from anywhere
        open_temporary(f"card-{name}.html", self.card.html().encode("utf-8"))


def _title(path: Path) -> str:
    try:
        return read_card(path).title
    except HabitatRadiomicsError:
        return path.name


def _lines(card: ModelCard) -> str:
    heads = (_("For"), _("From"), _("How well"))
    lines = [f"<b>{head}:</b> {escape(line)}" for head, line in zip(heads, card.lines)]
    return "<br>".join([*lines, f'<a href="card">{_("Model card")}</a>'])
