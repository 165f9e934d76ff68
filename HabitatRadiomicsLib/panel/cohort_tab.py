"""The Cohort tab: runs a command on many patients in a separate process, while Slicer stays usable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.panel.add_patient_section import AddPatientSection
from HabitatRadiomicsLib.panel.background_run import BackgroundRun, in_words
from HabitatRadiomicsLib.panel.cohort_result import CohortResult
from HabitatRadiomicsLib.panel.cohort_tasks import TASKS, Task
from HabitatRadiomicsLib.panel.first_use import packages_ready
from HabitatRadiomicsLib.panel.signals import connect, quiet
from HabitatRadiomicsLib.panel.styles import PROBLEM, QUIET
from HabitatRadiomicsLib.scene.command import reason_of
from HabitatRadiomicsLib.scene.parameters import Parameters
from HabitatRadiomicsLib.system.resources import bundled_models_to_choose, resource_files

#: Training options whose value is a text, by widget.
_TRAINING_TEXTS = {
    "--name": "modelNameEdit",
    "--title": "modelTitleEdit",
    "--endpoint": "endpointEdit",
    "--positive": "positiveEdit",
    "--negative": "negativeEdit",
}
#: Training options whose value is a table of repeated segmentations, by widget.
_READINGS = {"--second-reader": "secondReaderPathEdit", "--repeat-reading": "repeatReadingPathEdit"}


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
        self._parameters: Parameters | None = None
        self.result = CohortResult(ui, self._take_model)
        self.adding = AddPatientSection(ui, current_case, self.update)
        self.run = BackgroundRun(on_progress=self._progress, on_line=self._line, on_end=self._ended)
        self._paths = {
            "cohort.images": ui.imagesPathEdit,
            "cohort.clinical": ui.clinicalPathEdit,
            "cohort.output": ui.outputPathEdit,
            "cohort.second-reader": ui.secondReaderPathEdit,
            "cohort.repeat-reading": ui.repeatReadingPathEdit,
        }
        tables, folders = ctk.ctkPathLineEdit.Files, ctk.ctkPathLineEdit.Dirs
        for edit in (ui.imagesPathEdit, ui.clinicalPathEdit, ui.secondReaderPathEdit, ui.repeatReadingPathEdit):
            edit.filters = tables | ctk.ctkPathLineEdit.Writable
        ui.outputPathEdit.filters = folders | ctk.ctkPathLineEdit.Writable
        for task in TASKS:
            ui.taskSelector.addItem(_(task.title), task.command)
        connect(ui.taskSelector, "currentIndexChanged(int)", self._task_changed)
        connect(ui.settingsSelector, "currentIndexChanged(int)", self._settings_changed)
        connect(ui.settingsFileButton, "clicked(bool)", self._choose_file)
        for edit in self._paths.values():
            connect(edit, "currentPathChanged(QString)", self._path_changed)
        connect(ui.runButton, "clicked(bool)", self._run_clicked)
        connect(ui.stopButton, "clicked(bool)", self._stop_clicked)

    @property
    def task(self) -> Task:
        """The chosen task."""
        return TASKS[max(0, self.ui.taskSelector.currentIndex)]

    def load(self, parameters: Parameters) -> None:
        """Show the content of a parameter node."""
        self._parameters = parameters
        with quiet(self.ui.taskSelector, *self._paths.values()):
            chosen = self.ui.taskSelector.findData(parameters.text("cohort.task", TASKS[0].command))
            self.ui.taskSelector.setCurrentIndex(max(0, chosen))
            for name, edit in self._paths.items():
                edit.currentPath = parameters.text(name)
        self._list_settings()
        self.update()

    def update(self) -> None:
        """Show what is missing, and enable Run if the task can start."""
        problem = self._problem()
        running = self.run.running
        self.ui.trainingSection.visible = self.task.trains
        self.ui.cohortProblemLabel.text = problem
        self.ui.cohortProblemLabel.setStyleSheet(QUIET)
        self.ui.cohortProblemLabel.visible = bool(problem) and not running
        self.ui.runButton.enabled = not problem and not running
        self.ui.stopButton.enabled = running
        self.result.update(running=running)
        self.adding.update()

    def close(self) -> None:
        """Stop the run, before the widget is deleted."""
        self.run.stop()

    def arguments(self) -> list[str]:
        """The arguments of the command that Run starts."""
        ui, task = self.ui, self.task
        arguments = [task.command, "--cohort", ui.imagesPathEdit.currentPath, "--out", ui.outputPathEdit.currentPath]
        arguments += [f"--{task.settings}", ui.settingsSelector.currentData, "--jobs", str(ui.jobsSpinBox.value)]
        if ui.clinicalPathEdit.currentPath:
            arguments += ["--clinical", ui.clinicalPathEdit.currentPath]
        if ui.resampleMaskCheckBox.checked:
            arguments.append("--resample-mask")
        return arguments + self._training_arguments() if task.trains else arguments

    def _training_arguments(self) -> list[str]:
        texts = {option: getattr(self.ui, name).text.strip() for option, name in _TRAINING_TEXTS.items()}
        # As one argument: a text that begins with a hyphen would be taken for an option.
        arguments = [f"{option}={text}" for option, text in texts.items() if text]
        for option, name in _READINGS.items():
            if path := getattr(self.ui, name).currentPath:
                arguments += [option, path]
        if self.ui.completeCasesCheckBox.checked:
            arguments.append("--complete-cases")
        if self.ui.frozenHabitatsCheckBox.checked:
            arguments.append("--frozen-habitats")
        return arguments

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
        if self.task.trains and self._gone("secondReaderPathEdit"):
            return _("There is no such table of a second reader's outlines.")
        if self.task.trains and self._gone("repeatReadingPathEdit"):
            return _("There is no such table of repeated outlines.")
        if not self.ui.settingsSelector.currentData:
            return _("Choose a model.") if self.task.settings == "model" else _("Choose a protocol.")
        if not self.ui.outputPathEdit.currentPath:
            return _("Choose a folder for the results.")
        return ""

    def _gone(self, name: str) -> bool:
        path = getattr(self.ui, name).currentPath
        return bool(path) and not Path(path).is_file()

    def _list_settings(self) -> None:
        models = self.task.settings == "model"
        offered = bundled_models_to_choose() if models else resource_files("Protocols", ".yaml")
        self.ui.settingsLabel.text = _("Model:") if models else _("Protocol:")
        wanted = "" if self._parameters is None else self._parameters.text(f"cohort.{self.task.settings}")
        with quiet(self.ui.settingsSelector):
            self.ui.settingsSelector.clear()
            for name in offered:
                self.ui.settingsSelector.addItem(name, name)
        if wanted:
            self._select_settings(wanted)

    def _select_settings(self, name_or_file: str) -> None:
        with quiet(self.ui.settingsSelector):
            index = self.ui.settingsSelector.findData(name_or_file)
            if index < 0:
                self.ui.settingsSelector.addItem(Path(name_or_file).name, name_or_file)
                index = self.ui.settingsSelector.count - 1
            self.ui.settingsSelector.setCurrentIndex(index)
        self._settings_changed(index)

    def _task_changed(self, index: int) -> None:
        if self._parameters is not None:
            self._parameters.set_text("cohort.task", self.task.command)
        self._list_settings()
        self.update()

    def _settings_changed(self, index: int) -> None:
        if self._parameters is not None:
            self._parameters.set_text(f"cohort.{self.task.settings}", self.ui.settingsSelector.currentData or "")
        self.update()

    def _choose_file(self, checked: bool = False) -> None:
        model = self.task.settings == "model"
        title, kinds = (
            (_("Model file"), "Models (*.json)") if model else (_("Protocol file"), "Protocols (*.yaml *.yml)")
        )
        path = qt.QFileDialog.getOpenFileName(None, title, "", kinds)
        if path:
            self._select_settings(path)

    def _path_changed(self, path: str) -> None:
        if self._parameters is not None:
            for name, edit in self._paths.items():
                self._parameters.set_text(name, edit.currentPath)
        self.update()

    def _run_clicked(self, checked: bool = False) -> None:
        ready, problem = packages_ready()
        if not ready:
            self._say(problem, PROBLEM)
            return
        for edit in self._paths.values():
            edit.addCurrentPathToHistory()
        self.ui.logText.clear()
        self.ui.cohortProgressBar.value = 0
        self._say(_("Starting ..."), QUIET)
        self.result.begin(self.task, Path(self.ui.outputPathEdit.currentPath))
        try:
            self.run.start(self.arguments())
        except OSError as error:
            self._say(str(error), PROBLEM)
        self.update()

    def _progress(self, fraction: float, words: str) -> None:
        self.ui.cohortProgressBar.value = round(100 * fraction)
        left = self.run.seconds_left(fraction)
        self._say(words if left is None else f"{words}, {in_words(left)} {_('left')}", QUIET)

    def _line(self, line: str) -> None:
        self.ui.logText.appendPlainText(line)

    def _ended(self, status: int) -> None:
        if status in (0, 3):
            self.ui.cohortProgressBar.value = 100
            self.result.finish()
        if status == 0:
            self._say(_("Done."), QUIET)
        elif status == 3:
            self._say(_("Done, but some patients could not be measured: see errors.csv in the output folder."), PROBLEM)
        else:
            self._say(reason_of(self.run.lines, status), PROBLEM)
        self.update()

    def _stop_clicked(self, checked: bool = False) -> None:
        self.run.stop()
        self._say(_("Stopped. Press Run to resume; finished patients are kept."), QUIET)
        self.update()

    def _take_model(self, file: str) -> None:
        """Use a newly trained model: for the patient, and for tasks that take a model."""
        if self._parameters is not None:
            self._parameters.set_text("cohort.model", file)
        self._list_settings()
        self._use_model(file)
        self.ui.tabs.setCurrentIndex(0)

    def _say(self, text: str, style: str) -> None:
        self.ui.cohortStatusLabel.text = text
        self.ui.cohortStatusLabel.setStyleSheet(style)
