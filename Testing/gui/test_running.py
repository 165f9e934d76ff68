"""A run that is stopped, for whatever reason, ends at once and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
import qt
import slicer

from HabitatRadiomicsLib.errors import OutputError
from HabitatRadiomicsLib.panel import background_run, patient_tab
from HabitatRadiomicsLib.progress import progress_line
from HabitatRadiomicsLib.system.child_process import ChildProcess

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import add_patient, scene_content

_CANCELLED = "Cancelled; nothing was added to the scene."

#: A command that starts a worker of its own, tells how far it is, and ends when a file appears.
_COMMAND = """
import subprocess, sys, time
from pathlib import Path
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(sys.argv[1], flush=True)
while not Path(sys.argv[2]).exists():
    time.sleep(0.02)
worker.kill()
print("habitat-radiomics: It cannot be.")
sys.exit(int(Path(sys.argv[2]).read_text()))
"""


class Run:
    """A patient in the panel whose Apply starts the command above."""

    def __init__(self, app: Any, widget: Any, folder: Path) -> None:
        self.app, self.widget, self.ui, self.folder = app, widget, widget.ui, folder
        self.inputs = add_patient(widget)
        self.before = scene_content()
        self.arguments: list[Sequence[str]] = []
        self._signal = folder / "end"

    def command(self, arguments: Sequence[str]) -> ChildProcess:
        self.arguments.append(arguments)
        return ChildProcess([sys.executable, "-c", _COMMAND, progress_line(0.5, "halfway"), str(self._signal)])

    def start(self) -> list[psutil.Process]:
        """Press Apply; the command and its worker, once it works."""
        self.ui.applyButton.click()
        self.app.wait_until(lambda: self.ui.progressBar.value == 50)
        family = psutil.Process().children(recursive=True)
        assert len(family) == 2
        assert self.temporary_folders()
        return family

    def end(self, status: int) -> None:
        """Let the command end by itself."""
        part = self._signal.with_suffix(".part")
        part.write_text(str(status), encoding="utf-8")
        part.rename(self._signal)
        self.app.wait_until(lambda: not self.widget.patient.run.running)

    def temporary_folders(self) -> list[Path]:
        return list(self.folder.glob("habitat-radiomics-*"))

    def assert_gone(self, family: Sequence[psutil.Process]) -> None:
        """Nothing runs, and nothing lies about."""
        _, alive = psutil.wait_procs(family, timeout=120)
        assert not alive
        assert not self.widget.patient.run.running
        assert self.temporary_folders() == []


@pytest.fixture
def run(slicer_gui: Any, habitat_widget: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run = Run(slicer_gui, habitat_widget, tmp_path)
    monkeypatch.setattr(background_run, "start_command", run.command)
    return run


def test_cancel_ends_the_command_and_all_that_it_started(run: Run) -> None:
    family = run.start()
    assert run.ui.statusLabel.text.startswith("halfway")
    assert not run.ui.progressBar.isHidden()
    run.ui.cancelButton.click()
    run.assert_gone(family)
    assert scene_content() == run.before
    assert run.ui.statusLabel.text == _CANCELLED
    assert run.ui.applyButton.enabled
    assert not run.ui.cancelButton.enabled
    assert run.ui.progressBar.isHidden()


def test_cancel_ends_the_real_command_in_the_midst_of_its_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run.ui.applyButton.click()
    run.app.wait_until(lambda: run.ui.progressBar.value > 0)
    family = psutil.Process().children(recursive=True)
    assert family
    run.ui.cancelButton.click()
    run.assert_gone(family)
    assert scene_content() == run.before


def test_apply_starts_one_run_whatever_is_clicked_or_changed_meanwhile(run: Run) -> None:
    family = run.start()
    assert not run.ui.applyButton.enabled
    run.ui.applyButton.click()
    run.inputs["T1W"].mask.GetSegmentation().GetSegment("lesion").SetName("renamed")
    run.widget.enter()
    qt.QThread.msleep(300)  # the rows are looked at again
    run.app.process_events()
    assert not run.ui.applyButton.enabled
    assert run.ui.cancelButton.enabled
    assert len(run.arguments) == 1
    run.ui.cancelButton.click()
    run.assert_gone(family)


def test_arguments_name_images_masks_model_and_site(run: Run) -> None:
    run.ui.siteSelector.setEditText(" Alpha ")
    run.start()
    run.ui.cancelButton.click()
    (arguments,) = run.arguments
    assert arguments[0] == "score"
    values = list(pairwise(arguments))
    assert ("--site", "Alpha") in values
    assert ("--model", "t790m-spine-demo") in values
    assert [value.split("=")[0] for name, value in values if name in ("--image", "--mask")] == [
        "T1W", "T1W", "T2FS", "T2FS",
    ]  # fmt: skip


def test_closing_the_scene_cancels(run: Run) -> None:
    family = run.start()
    slicer.mrmlScene.Clear(False)
    run.assert_gone(family)
    assert run.ui.statusLabel.text == _CANCELLED
    assert not run.ui.applyButton.enabled, "there is no patient any more"
    assert run.ui.mapsSection.isHidden()


def test_leaving_the_module_lets_it_run_on(run: Run) -> None:
    family = run.start()
    run.widget.exit()
    run.app.process_events()
    assert all(process.is_running() for process in family)
    run.ui.cancelButton.click()
    run.assert_gone(family)


@pytest.mark.parametrize("go", [lambda run: run.widget.cleanup(), lambda run: run.app.reset()], ids=["cleanup", "quit"])
def test_panel_that_goes_ends_its_run(run: Run, go: Callable[[Run], None]) -> None:
    family = run.start()
    go(run)
    run.assert_gone(family)


def test_volume_removed_during_the_run_is_told_and_nothing_is_added(run: Run) -> None:
    run.start()
    slicer.mrmlScene.RemoveNode(run.inputs["T1W"].volume)
    before = scene_content()
    run.end(0)
    assert run.ui.statusLabel.text == "A volume was removed during the run; its results were not added."
    assert scene_content() == before
    assert run.temporary_folders() == []
    assert not run.ui.applyButton.enabled


def test_failure_is_told_in_the_words_of_the_command(run: Run) -> None:
    run.start()
    run.end(2)
    assert run.ui.statusLabel.text == "It cannot be."
    assert scene_content() == run.before
    assert run.temporary_folders() == []
    assert run.ui.applyButton.enabled


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_command_that_is_killed_from_outside_is_told(run: Run) -> None:
    for process in run.start():
        os.kill(process.pid, signal.SIGKILL)
    run.app.wait_until(lambda: not run.widget.patient.run.running)
    assert run.ui.statusLabel.text.startswith("The process ended unexpectedly (status -9), perhaps for lack of memory.")
    assert scene_content() == run.before
    assert run.temporary_folders() == []
    assert run.ui.applyButton.enabled


@pytest.mark.parametrize(
    ("place", "name", "error"),
    [
        (background_run, "start_command", OSError("Python cannot be started.")),
        (patient_tab, "write_inputs", OutputError("The image cannot be written.", remedy="Make room.")),
    ],
    ids=["no Python", "disk full"],
)
def test_run_that_cannot_start_is_told(
    place: Any, name: str, error: Exception, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(place, name, fail)
    run.ui.applyButton.click()
    assert run.ui.statusLabel.text == str(error)
    assert run.temporary_folders() == []
    assert scene_content() == run.before
    assert run.ui.applyButton.enabled
    assert run.ui.progressBar.isHidden()
