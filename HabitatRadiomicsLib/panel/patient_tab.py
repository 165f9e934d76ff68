"""The patient in the scene: model, images, the run, and its results."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.panel.background_run import BackgroundRun, in_words
from HabitatRadiomicsLib.panel.clinical_form import ClinicalForm
from HabitatRadiomicsLib.panel.first_use import packages_ready
from HabitatRadiomicsLib.panel.maps_section import MapsSection
from HabitatRadiomicsLib.panel.model_card import ModelCard
from HabitatRadiomicsLib.panel.model_section import ModelSection
from HabitatRadiomicsLib.panel.score_section import ScoreSection
from HabitatRadiomicsLib.panel.sequence_row import SequenceRow
from HabitatRadiomicsLib.panel.signals import connect, quiet
from HabitatRadiomicsLib.panel.site_field import SiteField
from HabitatRadiomicsLib.panel.styles import PROBLEM, QUIET
from HabitatRadiomicsLib.scene.case_keys import timepoint_and_sequence
from HabitatRadiomicsLib.scene.command import reason_of
from HabitatRadiomicsLib.scene.guess import guess_inputs
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.scene.patient import write_inputs
from HabitatRadiomicsLib.scene.result_nodes import add_results
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scene.time_line import join_series, scored_moments, series_of

_SETTLE_MS = 150


class PatientTab:
    """Binds the Patient tab to the parameter node."""

    def __init__(self, ui: Any, row_file: str, on_change: Callable[[], None]) -> None:
        """Connect the widgets.

        Args:
            row_file: path of SequenceRow.ui.
            on_change: called when the patient that could be measured may be another one.
        """
        self.ui = ui
        self._row_file = row_file
        self._on_change = on_change
        self._parameters: Parameters | None = None
        self.rows: dict[str, SequenceRow] = {}
        self.model = ModelSection(ui, self._model_changed)
        self.site = SiteField(ui, self._site_changed)
        self.clinical = ClinicalForm(ui, self._clinical_changed)
        self.maps = MapsSection(ui)
        self.score = ScoreSection(ui, self.maps.show_habitat)
        self.run = BackgroundRun(on_progress=self._progress, on_line=lambda line: None, on_end=self._ended)
        self._folder: Path | None = None
        self._inputs: dict[str, SequenceInput] = {}
        # Changes come in bursts (a brush stroke in the Segment Editor is many): check once, after the last.
        # A child of the panel, so that it cannot fire after the panel is deleted.
        self._settle: Any = qt.QTimer(ui.applyButton)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        connect(self._settle, "timeout()", self.update)
        connect(ui.anotherTimepointButton, "clicked(bool)", self._another_time_point)
        connect(ui.guessButton, "clicked(bool)", self._guess_clicked)
        connect(ui.mapsOnlyCheckBox, "toggled(bool)", self._maps_only_toggled)
        connect(ui.applyButton, "clicked(bool)", self._apply_clicked)
        connect(ui.cancelButton, "clicked(bool)", self._cancel_clicked)

    def load(self, parameters: Parameters) -> None:
        """Show the content of a parameter node: at start, and after a scene was opened or closed."""
        self._parameters = parameters
        self.model.select(parameters.text("model", self.model.model))
        with quiet(self.ui.mapsOnlyCheckBox):
            self.ui.mapsOnlyCheckBox.checked = parameters.text("mapsOnly") == "1"
        self._show_site_and_clinical()
        self._make_rows()
        self._show_results()
        self.update()

    def update(self) -> None:
        """Check the inputs, show what is missing, and enable Apply if the run can succeed."""
        maps_only = self.ui.mapsOnlyCheckBox.checked
        ready = [row.check(optional=maps_only) for row in self.rows.values()]
        used = any(not row.empty for row in self.rows.values())
        known = self.clinical.check()
        problem = ""
        if self.model.card is None:
            problem = _("Choose a model.")
        elif not used or not all(ready):
            problem = _("Complete the images above, then press Apply.")
        elif self.site.missing and not maps_only:
            problem = _("Choose the site where the images were made; the model harmonises sites.")
        elif not known and not maps_only:
            problem = _("Complete the clinical values; the model's nomogram needs them.")
        self.ui.problemLabel.text = problem
        self.ui.problemLabel.setStyleSheet(QUIET)
        self.ui.problemLabel.visible = bool(problem) and not self.run.running
        self.ui.applyButton.enabled = not problem and not self.run.running
        self.ui.applyButton.toolTip = problem or _("Make the maps and score the patient")
        self.ui.cancelButton.enabled = self.run.running
        self.ui.progressBar.visible = self.run.running
        self._on_change()

    def use_model(self, file: str) -> None:
        """Select a model, as the user would."""
        self.model.select(file)
        self._model_changed()

    def guess(self) -> None:
        """Fill in what can be guessed safely; the user's own choices stay."""
        guessed = guess_inputs(slicer.mrmlScene, tuple(self.rows), without=self._scored_already())
        for name, row in self.rows.items():
            guess, kept = guessed[name], row.chosen
            mask = kept.mask or guess.mask
            segment = kept.segment or (guess.segment if mask is guess.mask else "")
            row.show(SequenceInput(kept.volume or guess.volume, mask, segment))
        self._keep_inputs()
        self.update()

    def case(self, case_id: str) -> Case | None:
        """The patient as the rows show it; None when something is missing."""
        images = {name: row.image for name, row in self.rows.items() if row.image is not None}
        return Case(case_id, images) if len(images) == len(self.rows) and images else None

    def cancel(self) -> None:
        """Stop the run; no partial result stays in the scene."""
        if self.run.running:
            self.run.stop()
            self._clean_up()
            self._say(_("Cancelled; nothing was added to the scene."), QUIET)
            self.update()

    def close(self) -> None:
        """Stop the run and all observation, before the widget or its scene is deleted."""
        self.cancel()
        self._settle.stop()
        self.maps.forget_view()
        for row in self.rows.values():
            row.close()

    def _make_rows(self) -> None:
        sequences = () if self.model.card is None else _rows_of(self.model.card)
        if tuple(self.rows) != sequences:
            layout = self.ui.sequenceRows.layout()
            for row in self.rows.values():
                row.close()
                layout.removeWidget(row.widget)
                row.widget.deleteLater()
            self.rows = {name: SequenceRow(self._row_file, name, self._inputs_changed) for name in sequences}
            for row in self.rows.values():
                layout.addWidget(row.widget)
        assert self._parameters is not None
        for name, row in self.rows.items():
            row.show(self._parameters.input(name))
        self.guess()

    def _show_site_and_clinical(self) -> None:
        assert self._parameters is not None
        self.site.show(self.model.card, self._parameters.text("site"))
        self.clinical.show(self.model.card, self._parameters.clinical())

    def _model_changed(self) -> None:
        if self._parameters is not None:
            self._parameters.set_text("model", self.model.model)
            self._show_site_and_clinical()
            self._make_rows()
            self.update()

    def _inputs_changed(self) -> None:
        self._keep_inputs()
        self.ui.applyButton.enabled = False
        self._settle.start()

    def _keep_inputs(self) -> None:
        if self._parameters is not None:
            for name, row in self.rows.items():
                self._parameters.set_input(name, row.chosen)

    def _another_time_point(self, checked: bool = False) -> None:
        """Clear the rows for the patient's other time point, and fill in the images that can be guessed safely."""
        results = None if self._parameters is None else self._parameters.results()
        if self._parameters is None or results is None:
            return
        self._parameters.set_text("series", series_of(results))
        guessed = guess_inputs(slicer.mrmlScene, tuple(self.rows), without=self._scored_already())
        for name, row in self.rows.items():
            row.show(guessed[name])
        self._keep_inputs()
        self._say(_("Choose this patient's images of the other time point, then press Apply."), QUIET)
        self.update()

    def _scored_already(self) -> list[Any]:
        """Volumes of the time points scored so far, which cannot be those of another one."""
        results = None if self._parameters is None else self._parameters.results()
        if self._parameters is None or results is None or not self._parameters.text("series"):
            return []
        return [volume for moment in scored_moments(slicer.mrmlScene, results) for volume in moment.volumes]

    def _guess_clicked(self, checked: bool = False) -> None:
        self.guess()

    def _maps_only_toggled(self, checked: bool) -> None:
        if self._parameters is not None:
            self._parameters.set_text("mapsOnly", "1" if checked else "0")
        self.update()

    def _site_changed(self) -> None:
        if self._parameters is not None:
            self._parameters.set_text("site", self.site.site)
        self.update()

    def _clinical_changed(self) -> None:
        if self._parameters is not None:
            kept = {**self._parameters.clinical(), **{name: row.text for name, row in self.clinical.rows.items()}}
            self._parameters.set_clinical({name: text for name, text in kept.items() if text})
        self.update()

    def _apply_clicked(self, checked: bool = False) -> None:
        try:
            self._start()
        except (HabitatRadiomicsError, OSError) as error:
            self._clean_up()
            self._say(str(error), PROBLEM)
        self.update()

    def _start(self) -> None:
        ready, problem = packages_ready()
        if not ready:
            self._say(problem, PROBLEM)
            return
        maps_only = self.ui.mapsOnlyCheckBox.checked
        # Packages may just have been installed: now the whole model file can be checked.
        self.model.select(self.model.model)
        used = {name: row for name, row in self.rows.items() if row.image is not None}
        if self.model.card is None or not used or not (maps_only or self.clinical.check()):
            self._say("", QUIET)
            return
        self._inputs = {name: row.chosen for name, row in used.items()}
        self._folder = Path(tempfile.mkdtemp(prefix="habitat-radiomics-"))
        images = {name: row.image for name, row in used.items() if row.image is not None}
        arguments = write_inputs(self._folder / "inputs", Case("case", images))
        arguments += ["--model", self.model.model, "--out", str(self._folder / "results")]
        if not maps_only and self.site.site:
            arguments += ["--site", self.site.site]
        if not maps_only:
            arguments += [f"--clinical={name}={text}" for name, text in self.clinical.values.items()]
        self.ui.progressBar.value = 0
        self._say(_("Starting ..."), QUIET)
        self.run.start(["maps" if maps_only else "score", *arguments])

    def _progress(self, fraction: float, words: str) -> None:
        self.ui.progressBar.value = round(100 * fraction)
        left = self.run.seconds_left(fraction)
        self._say(words if left is None else f"{words}, {in_words(left)} {_('left')}", QUIET)

    def _ended(self, status: int) -> None:
        try:
            if status != 0:
                self._say(reason_of(self.run.lines, status), PROBLEM)
            elif any(not slicer.mrmlScene.IsNodePresent(chosen.volume) for chosen in self._inputs.values()):
                self._say(_("A volume was removed during the run; its results were not added."), PROBLEM)
            else:
                self._take_results()
        except Exception as error:
            # Qt calls this, so that no caller would report the error; the scene is unchanged.
            self._say(_("The results cannot be shown: {error}").format(error=error), PROBLEM)
            raise
        finally:
            self._clean_up()
            self.update()

    def _take_results(self) -> None:
        assert self._folder is not None
        assert self._parameters is not None
        self.maps.remember_view()
        results = add_results(slicer.mrmlScene, self._folder / "results", self._inputs)
        if self._parameters.text("series"):
            join_series(results, self._parameters.text("series"))
            self._parameters.set_text("series", "")
        self._parameters.set_results(results)
        self._show_results()
        self.maps.show_maps()
        self._say(_("Done."), QUIET)

    def _show_results(self) -> None:
        assert self._parameters is not None
        results = self._parameters.results()
        self.maps.show_results(results, self._parameters)
        self.score.show_results(results)
        one_time_point = self.model.card is not None and not self.model.card.timepoints
        self.ui.anotherTimepointButton.visible = one_time_point and results is not None and results.score is not None

    def _cancel_clicked(self, checked: bool = False) -> None:
        self.cancel()

    def _clean_up(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _say(self, text: str, style: str) -> None:
        self.ui.statusLabel.text = text
        self.ui.statusLabel.setStyleSheet(style)


def _rows_of(card: ModelCard) -> tuple[str, ...]:
    """The images that the model needs, ordered by sequence and then by time point."""
    sequences = list(dict.fromkeys(timepoint_and_sequence(key)[1] for key in card.sequences))
    moments = ["", *card.timepoints]
    return tuple(
        sorted(
            card.sequences,
            key=lambda key: (
                sequences.index(timepoint_and_sequence(key)[1]),
                moments.index(timepoint_and_sequence(key)[0]),
            ),
        )
    )
