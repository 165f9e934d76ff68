"""Before its packages are installed the module opens; Apply asks, and a refusal or failure says what to do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import qt

from HabitatRadiomicsLib.errors import DependencyError
from HabitatRadiomicsLib.panel import background_run, first_use, model_section, score_section
from HabitatRadiomicsLib.progress import Progress
from HabitatRadiomicsLib.system.installation.dependencies import REQUIREMENTS, Requirement
from HabitatRadiomicsLib.system.installation.planning import InstallationPlan, PlannedPackage

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import add_patient, scene_content, scored_by_the_library, show_results_of

_PLAN = InstallationPlan(
    (
        PlannedPackage("shap", "0.50.0", "shap-0.50.0.whl", 12_345_678),
        PlannedPackage("pydantic", "2.12.0", "pydantic-2.12.0.whl", 400_000),
        PlannedPackage("slicer", "0.0.8", "slicer-0.0.8.whl", None, private=True),
    )
)
_UNREACHABLE = DependencyError(
    "The packages could not be installed, and nothing was changed: no route to host.",
    remedy="The package index could not be reached: check the network and the proxy settings, and try again.",
)


class Index:
    """The package index and pip, and what was asked of them."""

    def __init__(self) -> None:
        self.installed: list[InstallationPlan] = []
        self.lacking: list[Requirement] = list(REQUIREMENTS)
        self.at_plan: Callable[[], None] = lambda: None
        self.at_install: Callable[[], None] = lambda: None

    def missing(self) -> list[Requirement]:
        return self.lacking

    def plan(self, python: str, *, progress: Progress) -> InstallationPlan:
        progress(0.3, "Asking for sizes")
        self.at_plan()
        progress(0.9, "Asking for sizes")
        return _PLAN

    def install(self, plan: InstallationPlan, *, python: str, progress: Progress) -> None:
        progress(0.2, "Downloading shap-0.50.0.whl")
        self.at_install()
        progress(1.0, "Installed")
        self.installed.append(plan)
        self.lacking = []


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Index:
    index = Index()
    for place in (first_use, model_section, score_section):
        monkeypatch.setattr(place, "missing", index.missing)
    monkeypatch.setattr(first_use, "plan_installation", index.plan)
    monkeypatch.setattr(first_use, "install", index.install)
    return index


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that Apply or Run would have started."""
    started: list[list[str]] = []

    def refuse(arguments: list[str]) -> None:
        started.append(list(arguments))
        raise OSError("The test starts nothing.")

    monkeypatch.setattr(background_run, "start_command", refuse)
    return started


def _progress_windows() -> list[Any]:
    return [window for window in qt.QApplication.topLevelWidgets() if window.inherits("QProgressDialog")]


def _fail() -> None:
    raise _UNREACHABLE


def _press_cancel() -> None:
    (window,) = [window for window in _progress_windows() if not window.isHidden()]
    assert window.windowTitle == "Habitat Radiomics: packages"
    (button,) = window.findChildren("QPushButton")
    button.click()


def test_question_lists_packages_with_sizes_and_promises_to_change_nothing_else(
    index: Index, started: list[list[str]], habitat_widget: Any, slicer_gui: Any
) -> None:
    add_patient(habitat_widget)
    before = scene_content()
    slicer_gui.dialogs.answer(False)
    habitat_widget.ui.applyButton.click()
    (question,) = slicer_gui.dialogs.shown
    assert question.title == "Install packages?"
    assert question.text.splitlines() == [
        "Habitat Radiomics needs these packages from the Python Package Index:",
        "",
        "shap 0.50.0  (12.3 MB)",
        "pydantic 2.12.0  (0.4 MB)",
        "slicer 0.0.8  (size unknown)",
        "",
        "Together 12.7 MB to download. Packages that 3D Slicer has are not changed.",
        "Install them now?",
    ]
    assert (index.installed, started) == ([], [])
    assert habitat_widget.ui.statusLabel.text == (
        "The packages were not installed. Press Apply again to be asked again."
    )
    assert habitat_widget.ui.applyButton.enabled
    assert scene_content() == before


def test_after_a_yes_the_packages_are_installed_and_the_run_starts(
    index: Index, started: list[list[str]], habitat_widget: Any, slicer_gui: Any
) -> None:
    add_patient(habitat_widget)
    slicer_gui.dialogs.answer(True)
    habitat_widget.ui.applyButton.click()
    assert index.installed == [_PLAN]
    assert [arguments[0] for arguments in started] == ["score"]
    habitat_widget.ui.applyButton.click()
    assert len(slicer_gui.dialogs.shown) == 1, "nobody is asked twice"
    assert len(started) == 2


@pytest.mark.parametrize("when", ["at_plan", "at_install"])
def test_failure_is_told_in_the_panel_and_nothing_starts(
    when: str, index: Index, started: list[list[str]], habitat_widget: Any, slicer_gui: Any
) -> None:
    add_patient(habitat_widget)
    setattr(index, when, _fail)
    slicer_gui.dialogs.answer(True)
    habitat_widget.ui.applyButton.click()
    assert habitat_widget.ui.statusLabel.text == str(_UNREACHABLE)
    assert (index.installed, started) == ([], [])
    slicer_gui.process_events()
    assert _progress_windows() == []


@pytest.mark.parametrize("when", ["at_plan", "at_install"])
def test_cancel_in_the_progress_window_stops_and_is_told(
    when: str, index: Index, started: list[list[str]], habitat_widget: Any, slicer_gui: Any
) -> None:
    add_patient(habitat_widget)
    setattr(index, when, _press_cancel)
    slicer_gui.dialogs.answer(True)
    habitat_widget.ui.applyButton.click()
    assert habitat_widget.ui.statusLabel.text == (
        "The installation was cancelled; nothing was changed. Press Apply to be asked again."
    )
    assert (index.installed, started) == ([], [])
    slicer_gui.process_events()
    assert _progress_windows() == []


def test_cohort_tab_asks_too(
    index: Index, started: list[list[str]], habitat_widget: Any, slicer_gui: Any, tmp_path: Path
) -> None:
    ui = habitat_widget.ui
    (tmp_path / "images.csv").write_text("case_id\n", encoding="utf-8")
    ui.imagesPathEdit.currentPath = str(tmp_path / "images.csv")
    ui.outputPathEdit.currentPath = str(tmp_path / "out")
    slicer_gui.dialogs.answer(False)
    ui.runButton.click()
    assert ui.cohortStatusLabel.text.startswith("The packages were not installed.")
    assert started == []
    assert ui.runButton.enabled


def test_damaged_model_is_found_once_the_packages_are_there(
    index: Index, started: list[list[str]], habitat_widget: Any, slicer_gui: Any, tmp_path: Path, checkout: Path
) -> None:
    add_patient(habitat_widget)
    ui = habitat_widget.ui
    text = (checkout / "Resources" / "Models" / "t790m-spine-demo.json").read_text(encoding="utf-8")
    (tmp_path / "edited.json").write_text(text.replace('"title": "', '"title": "My '), encoding="utf-8")
    slicer_gui.dialogs.answer(str(tmp_path / "edited.json"))
    ui.modelFileButton.click()
    assert not ui.modelCardLabel.isHidden(), "without packages, the file is read but cannot be checked"
    slicer_gui.wait_until(lambda: ui.applyButton.enabled)
    slicer_gui.dialogs.answer(True)
    ui.applyButton.click()
    assert "was edited or damaged" in ui.modelProblemLabel.text
    assert not ui.modelProblemLabel.isHidden()
    assert started == []
    assert not ui.applyButton.enabled


def test_saved_results_are_shown_without_packages_but_for_the_pictures(
    index: Index, habitat_widget: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    show_results_of(habitat_widget, add_patient(habitat_widget), scored_by_the_library(tmp_path_factory))
    ui = habitat_widget.ui
    assert "T790M-positive" in ui.scoreLabel.text
    for label in (ui.scalePictureLabel, ui.barsPictureLabel):
        assert label.text == "The picture needs packages that are not installed; press Apply to install them."


#: Slicer without the packages: neither can they be imported, nor are they listed.
_WITHOUT_PACKAGES = """
import importlib.metadata, sys
from pathlib import Path
checkout = Path(sys.argv[1])
sys.path.append(str(checkout / "Testing"))
from standin.install import install_gui
app = install_gui()
import slicer
modules = ["jinja2", "joblib", "matplotlib", "numba", "pandas", "pydantic", "pywt", "radiomics", "shap", "skimage",
           "sklearn", "threadpoolctl", "tqdm", "yaml"]
assert not set(modules) & set(sys.modules)
sys.modules.update(dict.fromkeys(modules))
version = importlib.metadata.version

def installed(name):
    if name in ("numpy", "scipy", "SimpleITK"):
        return version(name)
    raise importlib.metadata.PackageNotFoundError(name)

importlib.metadata.version = installed
module, widget = app.load_module(checkout / "HabitatRadiomics" / "HabitatRadiomics.py")
ui = widget.ui
app.start_up()
assert ui.modelCardLabel.text.startswith("<b>For:</b>")
assert not ui.modelCardLabel.isHidden()
assert ui.modelProblemLabel.isHidden()
import SampleData
source = SampleData.SampleDataLogic().sourceForSampleName("SyntheticSpine")
source.customDownloader(source)
widget.enter()
messages = [row.ui.messageLabel.text for row in widget.patient.rows.values()]
assert ui.applyButton.enabled, messages
ui.imagesPathEdit.currentPath = ui.outputPathEdit.currentPath = str(checkout / "README.md")
assert ui.runButton.enabled, ui.cohortProblemLabel.text
from HabitatRadiomicsLib.system.installation.dependencies import missing
names = {requirement.distribution for requirement in missing()}
assert {"pydantic", "matplotlib", "shap", "scikit-learn", "PyYAML"} <= names, names
try:
    widget.logic.computeMaps(slicer.util.getNode("T1W"), slicer.util.getNode("T1W lesion"))
except Exception as error:
    assert str(error).startswith("Packages are not installed: jinja2, joblib, matplotlib, "), error
    assert str(error).endswith("Press Apply in the module, or call HabitatRadiomicsLogic().installPackages()."), error
errors = app.problems.take_errors()
assert not errors, errors
print("opened")
"""


def test_module_opens_with_card_and_checks_inputs_where_no_package_can_be_imported(checkout: Path) -> None:
    command = [sys.executable, "-c", _WITHOUT_PACKAGES, str(checkout)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout.strip().endswith("opened"), done.stderr[-3000:]
