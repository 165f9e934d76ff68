"""A cohort's run in a process of its own: told on the way and at its end, stopped, and gone on with."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import slicer

from HabitatRadiomicsLib.panel import background_run
from HabitatRadiomicsLib.system.child_process import ChildProcess

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import choose_cohort, scene_content


class _Fake:
    """A command that says something and ends with a status."""

    def __init__(self, status: int, text: str = "") -> None:
        self.status, self.text = status, text

    def __call__(self, arguments: Sequence[str]) -> ChildProcess:
        return ChildProcess([sys.executable, "-c", f"print({self.text!r}); raise SystemExit({self.status})"])


def test_features_are_extracted_stopped_and_gone_on_with(
    habitat_widget: Any, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    pytest.importorskip("radiomics")
    output = tmp_path / "out"
    choose_cohort(tab, slicer_gui, few_cases, output)
    run = habitat_widget.cohort.run
    tab.runButton.click()
    assert not tab.runButton.enabled
    assert tab.stopButton.enabled
    slicer_gui.wait_until(lambda: list(output.glob("work/*/synthetic-*")))
    family = psutil.Process().children(recursive=True)
    assert family
    tab.stopButton.click()
    _, alive = psutil.wait_procs(family, timeout=120)
    assert not alive
    assert tab.cohortStatusLabel.text == "Stopped. Press Run to resume; finished patients are kept."
    assert not (output / "features.csv").exists()
    assert tab.runButton.enabled

    before = scene_content()
    seen = set()
    tab.runButton.click()

    def over() -> bool:
        seen.add((tab.cohortProgressBar.value, tab.cohortStatusLabel.text))
        return not run.running

    slicer_gui.wait_until(over)
    assert tab.cohortStatusLabel.text == "Done."
    assert tab.cohortProgressBar.value == 100
    assert len(seen) > 3, "nothing was told on the way"
    assert "features.csv" in tab.logText.toPlainText()
    assert scene_content() == before, "a cohort's run leaves the scene alone"
    with (output / "features.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case_id"] for row in rows] == ["synthetic-000", "synthetic-001"]
    tab.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{output / 'features.csv'}"]


def test_broken_table_is_told_in_the_tables_own_sentences(
    habitat_widget: Any, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path
) -> None:
    table = tmp_path / "images.csv"
    good = str(few_cases / "few.yaml")
    table.write_text(
        f"case_id,timepoint,sequence,image,mask\na,baseline,T1W,none.nrrd,none.nrrd\n,baseline,T1W,{good},{good}\n",
        encoding="utf-8",
    )
    choose_cohort(tab, slicer_gui, few_cases, tmp_path / "out")
    tab.imagesPathEdit.currentPath = str(table)
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running)
    text = tab.cohortStatusLabel.text
    assert text == (
        f"{table}: The table has 3 problems:\n"
        "  - row 2: the image file none.nrrd does not exist\n"
        "  - row 2: the mask file none.nrrd does not exist\n"
        "  - row 3: case_id '' must have 1 to 64 letters, digits, dots, hyphens or underscores"
    )
    assert tab.runButton.enabled


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (0, "2 cases.", "Done."),
        (3, "1 case.", "Done, but some patients could not be measured: see errors.csv in the output folder."),
        (2, "habitat-radiomics: It cannot be.", "It cannot be."),
        (
            1,
            "Segmentation fault",
            "The process ended unexpectedly (status 1), perhaps for lack of memory. "
            "Its last output: Segmentation fault",
        ),
    ],
)
def test_end_of_the_command_is_told(
    status: int,
    text: str,
    told: str,
    habitat_widget: Any,
    tab: Any,
    slicer_gui: Any,
    few_cases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background_run, "start_command", _Fake(status, text))
    choose_cohort(tab, slicer_gui, few_cases, tmp_path)
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running)
    assert tab.cohortStatusLabel.text == told
    assert tab.logText.toPlainText() == text
    assert tab.runButton.enabled
    assert not tab.stopButton.enabled
    assert tab.cohortProgressBar.value == (100 if status in (0, 3) else 0)


def test_results_are_opened_as_folder_where_there_is_no_table(
    tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_run, "start_command", _Fake(0))
    choose_cohort(tab, slicer_gui, few_cases, tmp_path)
    assert not tab.openOutputButton.enabled
    tab.runButton.click()
    slicer_gui.wait_until(lambda: tab.openOutputButton.enabled)
    tab.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{tmp_path}"]


def test_report_of_an_earlier_run_is_not_shown_for_one_that_failed(
    habitat_widget: Any, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.html").write_text("of an earlier run", encoding="utf-8")
    monkeypatch.setattr(background_run, "start_command", _Fake(2, "habitat-radiomics: It cannot be."))
    choose_cohort(tab, slicer_gui, few_cases, tmp_path, "train")
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running)
    assert tab.cohortResultLabel.isHidden()
    assert tab.useModelButton.isHidden()
    tab.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{tmp_path}"]


def test_study_that_cannot_be_read_is_told(
    habitat_widget: Any, tab: Any, slicer_gui: Any, few_cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "study.json").write_text('{"title": "cut', encoding="utf-8")
    monkeypatch.setattr(background_run, "start_command", _Fake(0))
    choose_cohort(tab, slicer_gui, few_cases, tmp_path, "train")
    tab.clinicalPathEdit.currentPath = str(few_cases / "clinical.csv")
    tab.runButton.click()
    slicer_gui.wait_until(lambda: not habitat_widget.cohort.run.running)
    told = "The result cannot be shown: there is no readable study.json."
    assert told in tab.cohortResultLabel.text
    assert tab.useModelButton.isHidden(), "there is no model"


def test_closing_the_scene_leaves_the_cohorts_run_alone_and_cleanup_stops_it(
    habitat_widget: Any,
    tab: Any,
    slicer_gui: Any,
    few_cases: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(background_run, "start_command", lambda arguments: ChildProcess(command))
    choose_cohort(tab, slicer_gui, few_cases, tmp_path)
    tab.runButton.click()
    slicer.mrmlScene.Clear(False)
    assert habitat_widget.cohort.run.running
    (process,) = psutil.Process().children(recursive=True)
    habitat_widget.cleanup()
    psutil.wait_procs([process], timeout=120)
    assert not process.is_running()
