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

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.panel.background_run import BackgroundRun
from HabitatRadiomicsLib.panel.clinical_form import ClinicalForm, SiteField
from HabitatRadiomicsLib.panel.first_use import ensure_packages
from HabitatRadiomicsLib.panel.maps_section import MapsSection
from HabitatRadiomicsLib.panel.model_card import ModelCard
from HabitatRadiomicsLib.panel.model_section import ModelSection
from HabitatRadiomicsLib.panel.score_section import ScoreSection
from HabitatRadiomicsLib.panel.sequence_row import SequenceRow
from HabitatRadiomicsLib.panel.widgets import PROBLEM, connect, quiet, remove_widget, show_message
from HabitatRadiomicsLib.scene.command import reason_of
from HabitatRadiomicsLib.scene.guess import guess_inputs
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.scene.patient import write_inputs
from HabitatRadiomicsLib.scene.result_nodes import add_results
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, timepoint_and_sequence
from HabitatRadiomicsLib.scene.time_line import join_series, scored_moments, series_of

_SETTLE_MS = 150


class PatientTab:
    """Binds the Patient tab to the parameter node."""

    def __init__(self, ui: Any, row_file: str, on_change: Callable[[], None]) -> None:
        """Connect the widgets.

        Args:
            row_file: path of SequenceRow.ui.
            on_change: called when the patient that could be measured may have changed.
        """
        self.ui = ui
        self._row_file = row_file
        self._on_change = on_change
        self._parameters: Parameters  # from load() on, before which the user cannot change anything
        self.rows: dict[str, SequenceRow] = {}
        self.model = ModelSection(ui, self._model_changed)
        self.site = SiteField(ui, lambda: self._keep("site", self.site.site))
        self.clinical = ClinicalForm(ui, self._clinical_changed)
        self.maps = MapsSection(ui)
        self.score = ScoreSection(ui, self.maps.show_habitat)
        self.run = BackgroundRun(ui.progressBar, ui.statusLabel, on_end=self._ended)
        self._folder: Path | None = None
        self._inputs: dict[str, SequenceInput] = {}
        # Changes come in bursts (a brush stroke in the Segment Editor makes many): check once, after the last. The
        # timer is a child of the panel, so that it cannot fire after the panel is deleted.
        self._settle: Any = qt.QTimer(ui.applyButton)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLE_MS)
        connect(self._settle, "timeout()", self.update)
        connect(ui.anotherTimepointButton, "clicked(bool)", self._another_time_point)
        connect(ui.guessButton, "clicked(bool)", lambda checked: self.guess())
        connect(ui.mapsOnlyCheckBox, "toggled(bool)", lambda checked: self._keep("mapsOnly", str(int(checked))))
        connect(ui.applyButton, "clicked(bool)", self._apply_clicked)
        connect(ui.cancelButton, "clicked(bool)", lambda checked: self.cancel())

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
        clinical_known = self.clinical.check()
        problem = ""
        if self.model.card is None:
            problem = _("Choose a model.")
        elif not used or not all(ready):
            problem = _("Complete the images above, then press Apply.")
        elif self.site.missing and not maps_only:
            problem = _("Choose the site where the images were acquired; the model harmonises sites.")
        elif not clinical_known and not maps_only:
            problem = _("Complete the clinical values; the model's nomogram needs them.")
        show_message(self.ui.problemLabel, "" if self.run.running else problem)
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
            guess, chosen = guessed[name], row.chosen
            mask = chosen.mask or guess.mask
            segment = chosen.segment or (guess.segment if mask is guess.mask else "")
            row.show(SequenceInput(chosen.volume or guess.volume, mask, segment))
        self._keep_inputs()
        self.update()

    def case(self, case_id: str) -> Case | None:
        """The patient as the rows show it; None when something is missing."""
        images = self._images()
        return Case(case_id, images) if len(images) == len(self.rows) and images else None

    def cancel(self) -> None:
        """Stop the run; no partial result stays in the scene."""
        if self.run.running:
            self.run.stop()
            self._clean_up()
            self.run.say(_("Cancelled; nothing was added to the scene."))
            self.update()

    def close(self) -> None:
        """Stop the run and all observation, before the widget or its scene is deleted."""
        self.cancel()
        self._settle.stop()
        self.maps.forget_view()
        for row in self.rows.values():
            row.close()

    def _images(self) -> dict[str, SequenceImage]:
        return {name: row.image for name, row in self.rows.items() if row.image is not None}

    def _make_rows(self) -> None:
        sequences = [] if self.model.card is None else _rows_of(self.model.card)
        if list(self.rows) != sequences:
            layout = self.ui.sequenceRows.layout()
            for row in self.rows.values():
                row.close()
                remove_widget(layout, row.widget)
            self.rows = {name: SequenceRow(self._row_file, name, self._inputs_changed) for name in sequences}
            for row in self.rows.values():
                layout.addWidget(row.widget)
        for name, row in self.rows.items():
            row.show(self._parameters.input(name))
        self.guess()

    def _show_site_and_clinical(self) -> None:
        self.site.show(self.model.card, self._parameters.text("site"))
        self.clinical.show(self.model.card, self._parameters.clinical())

    def _model_changed(self) -> None:
        self._parameters.set_text("model", self.model.model)
        self._show_site_and_clinical()
        self._make_rows()
        self.update()

    def _inputs_changed(self) -> None:
        self._keep_inputs()
        self.ui.applyButton.enabled = False
        self._settle.start()

    def _keep_inputs(self) -> None:
        for name, row in self.rows.items():
            self._parameters.set_input(name, row.chosen)

    def _another_time_point(self, checked: bool = False) -> None:
        """Clear the rows for the patient's other time point, and fill in the images that can be guessed safely."""
        results = self._parameters.results()
        if results is None:
            return
        self._parameters.set_text("series", series_of(results))
        for row in self.rows.values():
            row.show(SequenceInput(None, None))
        self.guess()
        self.run.say(_("Choose this patient's images of the other time point, then press Apply."))

    def _scored_already(self) -> list[Any]:
        """Volumes of the time points scored so far: another time point has other volumes."""
        results = self._parameters.results()
        if results is None or not self._parameters.text("series"):
            return []
        return [volume for moment in scored_moments(slicer.mrmlScene, results) for volume in moment.volumes]

    def _keep(self, name: str, value: str) -> None:
        self._parameters.set_text(name, value)
        self.update()

    def _clinical_changed(self) -> None:
        values = {**self._parameters.clinical(), **{name: row.text for name, row in self.clinical.rows.items()}}
        self._parameters.set_clinical({name: text for name, text in values.items() if text})
        self.update()

    def _apply_clicked(self, checked: bool = False) -> None:
        try:
            self._start()
        except (HabitatRadiomicsError, OSError) as error:
            self._clean_up()
            self.run.say(str(error), PROBLEM)
        self.update()

    def _start(self) -> None:
        ensure_packages()
        maps_only = self.ui.mapsOnlyCheckBox.checked
        # Packages may just have been installed: now the whole model file can be checked.
        self.model.select(self.model.model)
        images = self._images()
        if self.model.card is None or not images or not (maps_only or self.clinical.check()):
            self.run.say("")
            return
        self._inputs = {name: self.rows[name].chosen for name in images}
        self._folder = Path(tempfile.mkdtemp(prefix="habitat-radiomics-"))
        arguments = write_inputs(self._folder / "inputs", Case("case", images))
        arguments += ["--model", self.model.model, "--out", str(self._folder / "results")]
        if not maps_only:
            arguments += ["--site", self.site.site] if self.site.site else []
            arguments += [f"--clinical={name}={text}" for name, text in self.clinical.values.items()]
        self.run.start(["maps" if maps_only else "score", *arguments])

    def _ended(self, status: int) -> None:
        try:
            if status != 0:
                self.run.say(reason_of(self.run.lines, status), PROBLEM)
            elif any(not slicer.mrmlScene.IsNodePresent(chosen.volume) for chosen in self._inputs.values()):
                self.run.say(_("A volume was removed during the run; its results were not added."), PROBLEM)
            else:
                self._take_results()
        except Exception as error:
            # Qt calls this method, so no caller would report the error; the scene is unchanged.
            self.run.say(_("The results cannot be shown: {error}").format(error=error), PROBLEM)
            raise
        finally:
            self._clean_up()
            self.update()

    def _take_results(self) -> None:
        assert self._folder is not None
        self.maps.remember_view()
        results = add_results(slicer.mrmlScene, self._folder / "results", self._inputs)
        if self._parameters.text("series"):
            join_series(results, self._parameters.text("series"))
            self._parameters.set_text("series", "")
        self._parameters.set_results(results)
        self._show_results()
        self.maps.show_maps()
        self.run.say(_("Done."))

    def _show_results(self) -> None:
        results = self._parameters.results()
        self.maps.show_results(results, self._parameters)
        self.score.show_results(results)
        one_time_point = self.model.card is not None and not self.model.card.timepoints
        self.ui.anotherTimepointButton.visible = one_time_point and results is not None and results.score is not None

    def _clean_up(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def _rows_of(card: ModelCard) -> list[str]:
    """The images that the model needs, ordered by sequence and then by time point."""
    sequences = list(dict.fromkeys(timepoint_and_sequence(key)[1] for key in card.sequences))
    timepoints = ["", *card.timepoints]

    def order(key: str) -> tuple[int, int]:
        timepoint, sequence = timepoint_and_sequence(key)
        return sequences.index(sequence), timepoints.index(timepoint)

    return sorted(card.sequences, key=order)
