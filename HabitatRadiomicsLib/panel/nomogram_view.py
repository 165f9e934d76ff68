"""The patient's place in the model's nomogram, as a picture and in numbers."""

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
        told = score is not None and score.get("nomogram") is not None and not missing()
        if told:
            from HabitatRadiomicsLib.reporting.patient.patient_nomogram import patient_nomogram

            found = patient_nomogram(score or {})
            assert found is not None
            self._png = show_figure(self._picture, found.figure())
            self._text.text = _table(found)
        for label in (self._picture, self._text):
            label.visible = told

    def _clicked(self, height: float) -> None:
        open_picture(self._png, "habitat-radiomics-nomogram")


def _table(found: Any) -> str:
    rows = [(f"{row.factor}: {row.value}", f"{row.points:.1f}") for row in found.rows]
    risk = _("Risk of {outcome}: {value:.0%} ({low:.0%} to {high:.0%})").format(
        outcome=found.outcome, value=found.risk.value, low=found.risk.low, high=found.risk.high
    )
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td align='right' style='padding-left: 16px'>{points}</td></tr>"
        for name, points in [(_("Nomogram"), _("points")), *rows, (_("Total points"), f"{found.total:.1f}")]
    )
    return f"<table>{cells}</table><b>{escape(risk)}</b>"
