"""The Cohort tab: runs a command on many patients in a separate process, while Slicer stays usable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.panel.add_patient_section import AddPatientSection
from HabitatRadiomicsLib.panel.background_run import BackgroundRun
from HabitatRadiomicsLib.panel.cohort_result import CohortResult
from HabitatRadiomicsLib.panel.first_use import ensure_packages
from HabitatRadiomicsLib.panel.widgets import PROBLEM, choose_item, connect, fill_selector, quiet, show_message
from HabitatRadiomicsLib.scene.cohort import DONE, DONE_IN_PART, TASKS, Task
from HabitatRadiomicsLib.scene.command import reason_of
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.system.resources import bundled_models_to_choose, resource_files

#: Fields whose path is kept with the scene, by parameter.
_PATHS = {
    "cohort.images": "imagesPathEdit",
    "cohort.clinical": "clinicalPathEdit",
    "cohort.output": "outputPathEdit",
    "cohort.second-reader": "secondReaderPathEdit",
    "cohort.repeat-reading": "repeatReadingPathEdit",
}
#: Training options by widget: texts, tables of repeated segmentations, and switches.
_TRAINING_TEXTS = {
    "--name": "modelNameEdit",
    "--title": "modelTitleEdit",
    "--endpoint": "endpointEdit",
    "--positive": "positiveEdit",
    "--negative": "negativeEdit",
}
_READINGS = {"--second-reader": "secondReaderPathEdit", "--repeat-reading": "repeatReadingPathEdit"}
_SWITCHES = {"--complete-cases": "completeCasesCheckBox", "--frozen-habitats": "frozenHabitatsCheckBox"}


class CohortTab:
    """Binds the Cohort tab to the parameter node."""

    def __init__(self, ui: Any, current_case: Callable[[str], Case | None], use_model: Callable[[str], None]) -> None:
        """Connect the widgets.

        Args:
            current_case: gives the patient of the Patient tab under an identifier, or None.
            use_model: chooses a model file in the Patient tab.
        """
        self.ui = ui
        self._use_model = use_model
        self._parameters: Parameters  # from load() on, before which the user cannot change anything
        self.result = CohortResult(ui, self._take_model)
        self.adding = AddPatientSection(ui, current_case, self.update)
        self.run = BackgroundRun(
            ui.cohortProgressBar, ui.cohortStatusLabel, on_end=self._ended, on_line=ui.logText.appendPlainText
        )
        for task in TASKS.values():
            ui.taskSelector.addItem(_(task.title), task.command)
        kinds = ctk.ctkPathLineEdit
        self._paths = {name: getattr(ui, widget) for name, widget in _PATHS.items()}
        for edit in self._paths.values():
            edit.filters = kinds.Writable | (kinds.Dirs if edit is self._paths["cohort.output"] else kinds.Files)
            connect(edit, "currentPathChanged(QString)", self._path_changed)
        connect(ui.taskSelector, "currentIndexChanged(int)", self._task_changed)
        connect(ui.settingsSelector, "currentIndexChanged(int)", self._settings_changed)
        connect(ui.settingsFileButton, "clicked(bool)", self._choose_file)
        connect(ui.runButton, "clicked(bool)", self._run_clicked)
        connect(ui.stopButton, "clicked(bool)", self._stop_clicked)

    @property
    def task(self) -> Task:
        """The chosen task."""
        return TASKS[self.ui.taskSelector.currentData]

    def load(self, parameters: Parameters) -> None:
        """Show the content of a parameter node."""
        self._parameters = parameters
        with quiet(self.ui.taskSelector, *self._paths.values()):
            self.ui.taskSelector.setCurrentIndex(max(0, self.ui.taskSelector.findData(parameters.text("cohort.task"))))
            for name, edit in self._paths.items():
                edit.currentPath = parameters.text(name)
        self._list_settings()
        self.update()

    def update(self) -> None:
        """Show what is missing, and enable Run if the task can start."""
        problem = self._problem()
        running = self.run.running
        self.ui.trainingSection.visible = self.task.trains
        show_message(self.ui.cohortProblemLabel, "" if running else problem)
        self.ui.runButton.enabled = not problem and not running
        self.ui.stopButton.enabled = running
        self.result.update(running=running)
        self.adding.update()

    def close(self) -> None:
        """Stop the run, before the widget is deleted."""
        self.run.stop()

    def arguments(self) -> list[str]:
        """The arguments of the command that Run starts."""
        ui = self.ui
        images, output, clinical = (
            edit.currentPath for edit in (ui.imagesPathEdit, ui.outputPathEdit, ui.clinicalPathEdit)
        )
        arguments = self.task.arguments(images, output, ui.settingsSelector.currentData, clinical, ui.jobsSpinBox.value)
        if ui.resampleMaskCheckBox.checked:
            arguments.append("--resample-mask")
        if not self.task.trains:
            return arguments
        texts = {option: getattr(ui, widget).text.strip() for option, widget in _TRAINING_TEXTS.items()}
        # As one argument: a text that begins with a hyphen would be taken for an option.
        arguments += [f"{option}={text}" for option, text in texts.items() if text]
        for option, widget in _READINGS.items():
            if path := getattr(ui, widget).currentPath:
                arguments += [option, path]
        return arguments + [option for option, widget in _SWITCHES.items() if getattr(ui, widget).checked]

    def _problem(self) -> str:
        images, clinical = self.ui.imagesPathEdit.currentPath, self.ui.clinicalPathEdit.currentPath
        if not images:
            return _("Choose the table of images (images.csv).")
        if not Path(images).is_file():
            return _("There is no such table of images.")
        if not clinical and self.task.needs_clinical:
            return _("Choose the table of outcomes (clinical.csv); this task needs it.")
        if clinical and not Path(clinical).is_file():
            return _("There is no such table of clinical data.")
        if self.task.trains and _is_gone(self.ui.secondReaderPathEdit.currentPath):
            return _("There is no such table of a second reader's segmentations.")
        if self.task.trains and _is_gone(self.ui.repeatReadingPathEdit.currentPath):
            return _("There is no such table of repeated segmentations.")
        if not self.ui.settingsSelector.currentData:
            return _("Choose a model.") if self.task.settings == "model" else _("Choose a protocol.")
        if not self.ui.outputPathEdit.currentPath:
            return _("Choose a folder for the results.")
        return ""

    def _list_settings(self) -> None:
        models = self.task.settings == "model"
        names = bundled_models_to_choose() if models else resource_files("Protocols", ".yaml")
        self.ui.settingsLabel.text = _("Model:") if models else _("Protocol:")
        fill_selector(self.ui.settingsSelector, zip(names, names))
        if wanted := self._parameters.text(f"cohort.{self.task.settings}"):
            self._select_settings(wanted)

    def _select_settings(self, name_or_file: str) -> None:
        choose_item(self.ui.settingsSelector, name_or_file, lambda file: file.name)
        self._settings_changed()

    def _task_changed(self, index: int) -> None:
        self._parameters.set_text("cohort.task", self.task.command)
        self._list_settings()
        self.update()

    def _settings_changed(self, index: int = 0) -> None:
        self._parameters.set_text(f"cohort.{self.task.settings}", self.ui.settingsSelector.currentData or "")
        self.update()

    def _choose_file(self, checked: bool = False) -> None:
        if self.task.settings == "model":
            title, kinds = _("Model file"), "Models (*.json)"
        else:
            title, kinds = _("Protocol file"), "Protocols (*.yaml *.yml)"
        path = qt.QFileDialog.getOpenFileName(None, title, "", kinds)
        if path:
            self._select_settings(path)

    def _path_changed(self, path: str) -> None:
        for name, edit in self._paths.items():
            self._parameters.set_text(name, edit.currentPath)
        self.update()

    def _run_clicked(self, checked: bool = False) -> None:
        try:
            ensure_packages()
            for edit in self._paths.values():
                edit.addCurrentPathToHistory()
            self.ui.logText.clear()
            self.result.begin(self.task, Path(self.ui.outputPathEdit.currentPath))
            self.run.start(self.arguments())
        except (HabitatRadiomicsError, OSError) as error:
            self.run.say(str(error), PROBLEM)
        self.update()

    def _ended(self, status: int) -> None:
        if status in (DONE, DONE_IN_PART):
            self.ui.cohortProgressBar.value = 100
            self.result.finish()
        if status == DONE:
            self.run.say(_("Done."))
        elif status == DONE_IN_PART:
            message = _("Done, but some patients could not be measured: see errors.csv in the output folder.")
            self.run.say(message, PROBLEM)
        else:
            self.run.say(reason_of(self.run.lines, status), PROBLEM)
        self.update()

    def _stop_clicked(self, checked: bool = False) -> None:
        self.run.stop()
        self.run.say(_("Stopped. Press Run to resume; finished patients are kept."))
        self.update()

    def _take_model(self, file: str) -> None:
        """Use a newly trained model: for the patient, and for tasks that apply a model."""
        self._parameters.set_text("cohort.model", file)
        self._list_settings()
        self._use_model(file)
        self.ui.tabs.setCurrentIndex(0)


def _is_gone(path: str) -> bool:
    return bool(path) and not Path(path).is_file()
