"""A model trained, used and evaluated in the panel by the real commands: what is shown of it, and its report."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import roc_auc_score

from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.model import load_model

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import RUN_SECONDS

#: Few features of one sequence, and as little of the validation as can be: what is shown is tested here, not learning.
_SMALL = """\
name: small
title: Small
sequences: [T1W]
regions: [whole]
features:
  classes: [shape, firstorder]
  images: {wavelet: null, square: false, square_root: false, logarithm: false, exponential: false, gradient: false,
           lbp_2d: false, log_sigmas: []}
learning: {significance: 1, folds: 3, repeats: 1, bootstraps: 50, permutations: 0, optimism_bootstraps: 0,
           learning_curve: false}
"""
_CASES = 12


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of two sequences, of which the last patient lacks one; a protocol; and a second, smaller cohort."""
    folder = tmp_path_factory.mktemp("study")
    images, _ = write_synthetic_cohort(folder, _CASES + 1, seed=5)
    lines = images.read_text(encoding="utf-8").splitlines(keepends=True)
    images.write_text("".join(line for line in lines if f"{_CASES:03d},baseline,T1W" not in line), encoding="utf-8")
    (folder / "small.yaml").write_text(_SMALL, encoding="utf-8")
    write_synthetic_cohort(folder / "new", 5, seed=9)
    return folder


def _run(app: Any, widget: Any, task: str, tables: Path, output: Path) -> None:
    ui = widget.ui
    ui.taskSelector.setCurrentIndex(ui.taskSelector.findData(task))
    ui.imagesPathEdit.currentPath = str(tables / "images.csv")
    ui.clinicalPathEdit.currentPath = str(tables / "clinical.csv")
    ui.outputPathEdit.currentPath = str(output)
    ui.runButton.click()
    assert widget.cohort.run.running, ui.cohortStatusLabel.text
    app.wait_until(lambda: not widget.cohort.run.running, RUN_SECONDS)


def _result_lines(ui: Any) -> list[str]:
    assert not ui.cohortResultLabel.isHidden()
    return [line.removeprefix("\u2022 ") for line in ui.cohortResultLabel.text.splitlines()]


@pytest.mark.usefixtures("commands_here")
def test_model_is_evaluated(habitat_widget: Any, slicer_gui: Any, made: Path, tmp_path: Path) -> None:
    ui = habitat_widget.ui
    _run(slicer_gui, habitat_widget, "evaluate", made / "new", tmp_path / "out")
    assert ui.cohortStatusLabel.text == "Done."
    with (tmp_path / "out" / "scores.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (made / "new" / "clinical.csv").open(encoding="utf-8", newline="") as stream:
        outcome = {row["case_id"]: int(row["outcome"]) for row in csv.DictReader(stream)}
    truth, scores = [outcome[row["case_id"]] for row in rows], [float(row["score"]) for row in rows]
    called = [row["call"] == "T790M-positive" for row in rows]
    hits = [call == bool(value) for call, value in zip(called, truth)]
    sensitivity, specificity = (
        sum(hit for hit, value in zip(hits, truth) if value == wanted) / truth.count(wanted) for wanted in (1, 0)
    )
    summary, *others = _result_lines(ui)
    assert "5 cases, 2 of them T790M-positive, " in summary
    assert f"AUC of {roc_auc_score(truth, scores):.2f} (" in summary
    assert f"At the cut-off: sensitivity {sensitivity:.0%}, specificity {specificity:.0%}." in others
    assert "This model saw this cohort for the first time" in ui.cohortResultLabel.text
    assert others[-1].startswith("Demonstration model, trained on synthetic images")
    assert "Research use only" in others[-1]
    assert ui.useModelButton.isHidden(), "nothing was trained"
    assert ui.openOutputButton.text == "Open report"
    ui.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{tmp_path / 'out' / 'report.html'}"]


@pytest.mark.usefixtures("commands_here")
def test_model_is_trained_and_used(habitat_widget: Any, slicer_gui: Any, made: Path, tmp_path: Path) -> None:
    ui = habitat_widget.ui
    ui.taskSelector.setCurrentIndex(ui.taskSelector.findData("train"))
    slicer_gui.dialogs.answer(str(made / "small.yaml"))
    ui.settingsFileButton.click()
    ui.modelTitleEdit.text = "Trained in the panel"
    ui.endpointEdit.text = "T790M mutation"

    _run(slicer_gui, habitat_widget, "train", made, tmp_path / "out")
    assert "synthetic-012 has no T1W" in ui.cohortStatusLabel.text, "refused, as the shell does"
    assert ui.cohortResultLabel.isHidden()

    ui.completeCasesCheckBox.checked = True
    _run(slicer_gui, habitat_widget, "train", made, tmp_path / "out")
    assert ui.cohortStatusLabel.text == "Done."
    assert "12 of 13 patients could be used; the others: no T1W image (1)." in _result_lines(ui)
    model = tmp_path / "out" / "model.json"
    performance = load_model(str(model)).evidence.performance
    assert performance is not None
    summary = _result_lines(ui)[0]
    assert f"cross-validation of {_CASES} cases, 6 of them positive," in summary
    assert f"AUC of {performance.auc:.2f} (95% interval {performance.auc_low:.2f} to " in summary
    study = json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))
    assert _result_lines(ui)[-1] == study["notice"]
    ui.openOutputButton.click()
    assert slicer_gui.dialogs.opened_urls == [f"file://{tmp_path / 'out' / 'report.html'}"]

    ui.tabs.setCurrentIndex(1)
    ui.useModelButton.click()
    assert ui.tabs.currentIndex == 0
    assert ui.modelSelector.currentData == str(model)
    assert ui.modelSelector.currentText == "Trained in the panel"
    assert "T790M mutation" in ui.modelCardLabel.text
    assert list(habitat_widget.patient.rows) == ["T1W"]
    for task in ("score-cohort", "evaluate"):
        ui.taskSelector.setCurrentIndex(ui.taskSelector.findData(task))
        assert ui.settingsSelector.currentData == str(model)
    assert not ui.cohortResultLabel.isHidden(), "the result stays until the next run"
