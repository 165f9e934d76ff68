"""The patient over time: habitats and scores at each time point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.panel.pictures import PICTURE_DPI, PICTURE_WIDTH, show_chart, show_figure
from HabitatRadiomicsLib.panel.widgets import connect, remove_widget, show_message
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes
from HabitatRadiomicsLib.scene.subject_hierarchy import study_of
from HabitatRadiomicsLib.scene.table_nodes import AFTER, BEFORE
from HabitatRadiomicsLib.scene.time_line import scored_moments
from HabitatRadiomicsLib.system.installation.dependencies import missing


class TimelineView:
    """A picture for each sequence and, with a model of two time points, the volumes in numbers."""

    def __init__(self, ui: Any) -> None:
        self._container, self._table, self._button = ui.timelinePictures, ui.changesLabel, ui.showChangesButton
        self._pictures: list[Any] = []
        self._chart: Any = None
        connect(ui.showChangesButton, "clicked(bool)", self._show_chart)

    def show(self, results: ResultNodes | None) -> None:
        """Show several time points; hide the view if there is only one."""
        for label in self._pictures:
            remove_widget(self._container.layout(), label)
        self._pictures = []
        content = {} if results is None else results.content
        changes = content.get("changes", [])
        show_message(self._table, changes_table(changes), "")
        self._chart = None if results is None else results.change_chart
        self._button.visible = self._chart is not None
        if results is not None and not missing():
            for figure in _figures(changes, results):
                label = qt.QLabel()
                label.toolTip = _("Volumes of the habitats, and scores, over time")
                self._container.layout().addWidget(label)
                self._pictures.append(label)
                show_figure(label, figure)
        self._container.visible = bool(self._pictures)

    def _show_chart(self, checked: bool = False) -> None:
        if self._chart is not None:
            show_chart(self._chart)


def changes_table(changes: Sequence[Mapping[str, Any]]) -> str:
    """The volumes at both time points as a table in rich text."""
    if not changes:
        return ""
    titles = (_("Sequence"), _("Habitat"), BEFORE, AFTER, _("Change"))
    rows = [
        (
            row["sequence"], _("whole lesion") if row["habitat"] == "whole" else row["habitat"],
            f"{row['baseline_ml']:.2f}", f"{row['followup_ml']:.2f}",
            _("new") if row["change_percent"] is None and row["followup_ml"]
            else "–" if row["change_percent"] is None else f"{row['change_percent']:+.0f}%".replace("-", "−"),
        )
        for row in changes
    ]  # fmt: skip
    lines = "".join(
        "<tr>" + "".join(f"<td style='padding-right: 10px'>{escape(cell)}</td>" for cell in cells) + "</tr>"
        for cells in (titles, *rows)
    )
    # Scenes saved before this setting existed have a scale per time point.
    notes = dict.fromkeys(scale_text(row.get("scale", "own")) for row in changes)
    note = "<br>".join(escape(text) for text in notes)
    return f"<b>{escape(_('Change of habitat volumes'))}</b><table>{lines}</table><small>{note}</small>"


def scale_text(scale: str) -> str:
    """How habitats of the two time points are defined, in a sentence."""
    if scale == "baseline":
        return _("Follow-up on the scale of the baseline: each habitat is what looks as it did at baseline.")
    return _("Each time point on its own scale: habitats are relative to the lesion as it is at the time.")


def _figures(changes: Sequence[Mapping[str, Any]], results: ResultNodes) -> list[Any]:
    """One figure per sequence; none where there is only one time point."""
    from HabitatRadiomicsLib.reporting.figures.patient_figures import TimePoint, timeline_figure

    figures: dict[str, list[TimePoint]] = {}
    # With a model of two time points, the table of volumes has this caption.
    caption = "" if changes else scale_text("own")
    if changes:
        for sequence in dict.fromkeys(row["sequence"] for row in changes):
            rows = [row for row in changes if row["sequence"] == sequence and row["habitat"] != "whole"]
            figures[sequence] = [
                TimePoint(label, {row["habitat"]: row[column] for row in rows})
                for label, column in zip(_axis_labels(results, sequence), ("baseline_ml", "followup_ml"))
            ]
    else:
        scored = scored_moments(slicer.mrmlScene, results)
        for number, sequence in enumerate(results.entropy if len(scored) > 1 else ()):
            points = []
            for moment in scored:
                score, maps = moment.content["score"], moment.content["maps"]["sequences"].get(sequence)
                volumes = {} if maps is None else {row["name"]: row["volume_ml"] for row in maps["habitats"]}
                score_and_cutoff = (score["score"], score["cutoff"]["value"]) if number == 0 else (None, None)
                points.append(TimePoint(moment.label, volumes, *score_and_cutoff))
            figures[sequence] = points
    return [
        timeline_figure(points, title=_("Habitats of {sequence}").format(sequence=sequence),
                        caption=caption, width=PICTURE_WIDTH, dpi=PICTURE_DPI)
        for sequence, points in figures.items()
    ]  # fmt: skip


def _axis_labels(results: ResultNodes, sequence: str) -> list[str]:
    """The names of both time points, with the dates of the studies where known."""
    dates = {key: study_of(volume).readable_date for key, volume in results.volumes.items()}
    moments = results.content["maps"]["timepoints"]
    return ["\n".join(filter(None, (moment, dates.get(f"{moment}_{sequence}")))) for moment in moments]
