"""The nomogram of the model with the patient's points, as a figure and in numbers."""

from __future__ import annotations

from html import escape
from typing import Any

from slicer.i18n import tr as _

from HabitatRadiomicsLib.panel.pictures import Clicks, open_picture, show_figure
from HabitatRadiomicsLib.system.installation.dependencies import missing


class NomogramView:
    """Two labels of the Score section; a click on the picture opens it in full size."""

    def __init__(self, ui: Any) -> None:
        self._picture, self._text = ui.nomogramPictureLabel, ui.nomogramLabel
        self._png = b""
        self._clicks = Clicks(self._picture, self._clicked)

    def show(self, score: dict[str, Any] | None) -> None:
        """Show the nomogram of a score; hide it where the model has none, or the packages to draw it are missing."""
        shown = score is not None and score.get("nomogram") is not None and not missing()
        if shown:
            from HabitatRadiomicsLib.model.nomogram import patient_nomogram
            from HabitatRadiomicsLib.reporting.figures.nomogram_figure import patient_nomogram_figure

            nomogram = patient_nomogram(score or {})
            assert nomogram is not None
            self._png = show_figure(self._picture, patient_nomogram_figure(nomogram))
            self._text.text = _table(nomogram)
        for label in (self._picture, self._text):
            label.visible = shown

    def _clicked(self, height: float) -> None:
        open_picture(self._png, "habitat-radiomics-nomogram")


def _table(nomogram: Any) -> str:
    rows = [(f"{row.factor}: {row.value}", f"{row.points:.1f}") for row in nomogram.rows]
    risk = _("Risk of {outcome}: {value:.0%} ({low:.0%} to {high:.0%})").format(
        outcome=nomogram.outcome, value=nomogram.risk.value, low=nomogram.risk.low, high=nomogram.risk.high
    )
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td align='right' style='padding-left: 16px'>{points}</td></tr>"
        for name, points in [(_("Nomogram"), _("points")), *rows, (_("Total points"), f"{nomogram.total:.1f}")]
    )
    return f"<table>{cells}</table><b>{escape(risk)}</b>"
