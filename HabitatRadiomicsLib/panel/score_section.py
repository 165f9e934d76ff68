"""The score, its interval, its nomogram, its explanation and its warnings."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.errors import OutputError
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.panel.pictures import PICTURE_DPI, PICTURE_WIDTH, Clicks, show_chart, show_figure
from HabitatRadiomicsLib.panel.timeline_view import TimelineView
from HabitatRadiomicsLib.panel.widgets import PROBLEM, QUIET, connect, open_temporary, show_message
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes
from HabitatRadiomicsLib.scene.sequence_input import timepoint_and_sequence
from HabitatRadiomicsLib.system.installation.dependencies import missing


class ScoreSection:
    """A view of ``score.json``; ``show_habitat`` is called with sequence and region when a bar is clicked."""

    def __init__(self, ui: Any, show_habitat: Callable[[str, str], None]) -> None:
        self._ui = ui
        self._show_habitat = show_habitat
        self._results: ResultNodes | None = None
        self._bars: Any = None
        self._nomogram = b""
        self._clicks = (
            Clicks(ui.barsPictureLabel, self._bar_clicked),
            Clicks(ui.nomogramPictureLabel, lambda height: open_temporary("nomogram.png", self._nomogram)),
        )
        self._timeline = TimelineView(ui)
        connect(ui.saveReportButton, "clicked(bool)", self._save_report)
        connect(ui.exportTableButton, "clicked(bool)", self._export_table)
        connect(ui.showPlotButton, "clicked(bool)", self._show_plot)

    def show_results(self, results: ResultNodes | None) -> None:
        """Fill the section."""
        ui = self._ui
        self._results = results
        score = None if results is None else results.score
        warnings = [] if results is None else results.warnings
        # Maps alone and without warnings leave this section empty.
        has_content = score is not None or bool(warnings) or (results is not None and "changes" in results.content)
        ui.scoreSection.visible = has_content
        ui.scoreSection.collapsed = not has_content
        shown = (ui.scoreNoticeLabel, ui.scoreLabel, ui.scalePictureLabel, ui.barsPictureLabel, ui.saveReportButton,
                 ui.exportTableButton, ui.showPlotButton)  # fmt: skip
        for widget in shown:
            widget.visible = score is not None
        ui.featureLabel.visible = False
        # Only now, because opening the section shows everything in it.
        self._show_nomogram(score)
        self._timeline.show(results)
        show_message(ui.warningsLabel, _warnings(warnings), "")
        if score is not None:
            ui.scoreNoticeLabel.text = score["notice"]
            ui.scoreNoticeLabel.setStyleSheet(PROBLEM + "font-weight: bold;")
            ui.scoreLabel.text = _headline(score)
            self._draw(score)

    def click_bar(self, index: int) -> None:
        """Describe the feature of a bar and show its habitat; the longest bar has index 0."""
        score = None if self._results is None else self._results.score
        if score is None or not 0 <= index < len(score["contributions"]):
            return
        row = score["contributions"][index]
        show_message(self._ui.featureLabel, _feature(row), "")
        from HabitatRadiomicsLib.features.description import describe_column

        location = describe_column(row["columns"][0]).place
        if location is not None:
            self._show_habitat(_shown_key(location[0], score), location[1])

    def _bar_clicked(self, height: float) -> None:
        from HabitatRadiomicsLib.reporting import contribution_at

        index = None if self._bars is None else contribution_at(self._bars, height)
        if index is not None:
            self.click_bar(index)

    def _draw(self, score: dict[str, Any]) -> None:
        self._bars = None
        if missing():
            for label in (self._ui.scalePictureLabel, self._ui.barsPictureLabel):
                label.text = _("The picture needs packages that are not installed; press Apply to install them.")
                label.setStyleSheet(QUIET)
            return
        from HabitatRadiomicsLib.reporting import contributions_figure, score_figure

        self._bars = contributions_figure(score, width=PICTURE_WIDTH, dpi=PICTURE_DPI)
        show_figure(self._ui.scalePictureLabel, score_figure(score, width=PICTURE_WIDTH, dpi=PICTURE_DPI))
        show_figure(self._ui.barsPictureLabel, self._bars)

    def _show_nomogram(self, score: dict[str, Any] | None) -> None:
        """Hide it where the model has none, or where the packages to draw it are missing."""
        picture, text = self._ui.nomogramPictureLabel, self._ui.nomogramLabel
        shown = score is not None and score.get("nomogram") is not None and not missing()
        if shown:
            from HabitatRadiomicsLib.model.nomogram import patient_nomogram
            from HabitatRadiomicsLib.reporting.figures.nomogram_figure import patient_nomogram_figure

            nomogram = patient_nomogram(score or {})
            assert nomogram is not None
            self._nomogram = show_figure(picture, patient_nomogram_figure(nomogram))
            text.text = _nomogram_table(nomogram)
        for label in (picture, text):
            label.visible = shown

    def _save_report(self, checked: bool = False) -> None:
        if self._results is not None and self._results.report is not None:
            path = qt.QFileDialog.getSaveFileName(None, _("Save report"), "report.html", _("Web page (*.html)"))
            _save(path, self._results.report.GetText())

    def _export_table(self, checked: bool = False) -> None:
        score = None if self._results is None else self._results.score
        if score is not None:
            path = qt.QFileDialog.getSaveFileName(None, _("Export table"), "contributions.csv", _("Table (*.csv)"))
            _save(path, contributions_csv(score))

    def _show_plot(self, checked: bool = False) -> None:
        if self._results is not None and self._results.contribution_chart is not None:
            show_chart(self._results.contribution_chart)


def _shown_key(key: str, score: dict[str, Any]) -> str:
    """The image in which a feature is shown; for a change, that of the later time point."""
    from HabitatRadiomicsLib.features.delta import DELTA

    timepoint, sequence = timepoint_and_sequence(key)
    if timepoint != DELTA:
        return key
    return [name for name in score["habitats"] if timepoint_and_sequence(name)[1] == sequence][-1]


def contributions_csv(score: dict[str, Any]) -> str:
    """SHAP values as CSV text, with the columns of the report, the model and the notice."""
    columns = {"name": "feature", "value": "value", "z": "z", "percentile": "training_percentile",
               "coefficient": "coefficient", "shap": "shap"}  # fmt: skip
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*columns.values(), "model", "notice"])
    for row in score["contributions"]:
        writer.writerow([*(row[name] for name in columns), score["model"]["name"], score["notice"]])
    return stream.getvalue()


def _headline(score: dict[str, Any]) -> str:
    colour = "#d62728" if score["positive"] else "#1f77b4"
    call = f'<span style="font-size: large; color: {colour}"><b>{escape(score["call"])}</b></span>'
    interval, values = score["score_interval"], {"score": score["score"], "cutoff": score["cutoff"]["value"]}
    if interval is None:
        line = _("Score {score:.3f} (no interval); cut-off {cutoff:.3f}").format(**values)
    else:
        text = _("Rad-score {score:.3f} (95% interval {low:.3f} to {high:.3f}); cut-off {cutoff:.3f}")
        line = text.format(**values, low=interval["low"], high=interval["high"])
    if score["probability"] is None:
        probability = _("The model gives no probability.")
    else:
        text = _("Probability of {endpoint} {value:.0%} ({low:.0%} to {high:.0%})")
        limits = score["probability_interval"]
        probability = text.format(
            endpoint=score["endpoint"]["name"], value=score["probability"], low=limits["low"], high=limits["high"]
        )
    return "<br>".join([call, line, escape(probability)])


def _feature(row: dict[str, Any]) -> str:
    from HabitatRadiomicsLib.features.description import describe_column

    training, description = row["training"], describe_column(row["name"])
    lines = [
        f"<b>{escape(description.what)}</b>",
        escape(description.where or description.title),
        _("Value {value:.4g}; training cases {minimum:.4g} to {maximum:.4g}, mean {mean:.4g} (SD {sd:.3g})").format(
            value=row["value"], **training
        ),
        _("At least as high as in {percentile:.0f}% of the training cases; SHAP {shap:+.3f}").format(
            percentile=row["percentile"], shap=row["shap"]
        ),
    ]
    return "<br>".join(lines)


def _nomogram_table(nomogram: Any) -> str:
    rows = [(f"{row.factor}: {row.value}", f"{row.points:.1f}") for row in nomogram.rows]
    risk = _("Risk of {outcome}: {value:.0%} ({low:.0%} to {high:.0%})").format(
        outcome=nomogram.outcome, value=nomogram.risk.value, low=nomogram.risk.low, high=nomogram.risk.high
    )
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td align='right' style='padding-left: 16px'>{points}</td></tr>"
        for name, points in [(_("Nomogram"), _("points")), *rows, (_("Total points"), f"{nomogram.total:.1f}")]
    )
    return f"<table>{cells}</table><b>{escape(risk)}</b>"


def _warnings(warnings: list[str]) -> str:
    if not warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return f"<b>{_('Warnings')}</b><ul style='margin: 2px 0 0 14px; -qt-list-indent: 0'>{items}</ul>"


def _save(path: str, text: str) -> None:
    if not path:
        return
    try:
        write_text(Path(path), text)
    except OutputError as error:
        slicer.util.errorDisplay(str(error))
