"""The module as the application meets it: metadata, forms, signals, reload, self-test, sample data, logic."""

from __future__ import annotations

import ast
import hashlib
import inspect
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer

from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.panel import patient_tab
from HabitatRadiomicsLib.scene.sample_data import CATEGORY, SARCOMA, SYNTHETIC

sys.path.append(str(Path(__file__).resolve().parent))

from panel_steps import add_patient, scene_content

_FORMS = ("HabitatRadiomics.ui", "SequenceRow.ui")
#: What a user cannot touch, and need not be told of.
_NO_TOOL_TIP = {"qMRMLWidget", "QTabWidget"}


@pytest.fixture
def module(slicer_gui: Any, checkout: Path) -> Any:
    return slicer_gui.import_module(checkout / "HabitatRadiomics" / "HabitatRadiomics.py")


def test_metadata(module: Any) -> None:
    parent = module.parent
    assert parent.title == "Habitat Radiomics"
    assert parent.categories == ["Quantification"]
    assert parent.contributors == ["The Habitat Radiomics contributors"]
    assert "Research use only" in parent.helpText
    assert "<a href='https://github.com/HabitatRadiomics/SlicerHabitatRadiomics#readme'>" in parent.helpText
    for name in ("pyradiomics", "Image Biomarker Standardisation Initiative", "shap"):
        assert name in parent.acknowledgementText
    assert not parent.icon.isNull()


def test_sample_data_is_registered_when_the_application_has_started(module: Any, slicer_gui: Any) -> None:
    vars(slicer.modules).pop("sampleDataSources", None)
    slicer_gui.start_up()
    sources = {source.sampleName: source for source in slicer.modules.sampleDataSources[CATEGORY]}
    assert set(sources) == {SYNTHETIC, SARCOMA}
    assert all(Path(source.thumbnailFileName).is_file() for source in sources.values())
    public = sources[SARCOMA]
    assert len(public.uris) == len(public.checksums) == len(public.nodeNames) == 4
    for uri, checksum in zip(public.uris, public.checksums):
        assert uri.startswith("https://raw.githubusercontent.com/theibsi/data_sets/")
        kind, digest = checksum.split(":")
        assert kind == "SHA256"
        assert len(digest) == 2 * hashlib.sha256().digest_size


def test_import_takes_no_package(checkout: Path) -> None:
    script = """
import sys
from pathlib import Path
checkout = Path(sys.argv[1])
sys.path.append(str(checkout / "Testing"))
from standin.install import install_gui
app = install_gui()
before = set(sys.modules)
app.import_module(checkout / "HabitatRadiomics" / "HabitatRadiomics.py")
imported = {name.split(".")[0] for name in set(sys.modules) - before}
assert imported == {"HabitatRadiomics"}, imported
app.load_module(checkout / "HabitatRadiomics" / "HabitatRadiomics.py")
opened = {name.split(".")[0] for name in set(sys.modules) - before}
heavy = opened & {"jinja2", "joblib", "matplotlib", "numba", "pandas", "radiomics", "shap", "skimage", "sklearn"}
assert not heavy, heavy
print("ok")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(checkout)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout.strip().endswith("ok"), done.stderr[-2000:]


def _widgets(path: Path) -> Iterator[ElementTree.Element]:
    yield from ElementTree.parse(path).getroot().iter("widget")


@pytest.mark.parametrize("form", _FORMS)
def test_every_widget_of_the_form_has_a_tool_tip(form: str, checkout: Path) -> None:
    pages = {"patientTab", "patientContent", "cohortTab", "cohortContent"}
    bare = [
        widget.get("name")
        for widget in _widgets(checkout / "HabitatRadiomics" / "Resources" / "UI" / form)
        if widget.get("class") not in _NO_TOOL_TIP
        and widget.get("name") not in pages
        and not (widget.findtext("property[@name='toolTip']/string") or "").strip()
    ]
    assert bare == []


@pytest.mark.parametrize("form", _FORMS)
def test_names_in_the_form_are_unlike(form: str, checkout: Path) -> None:
    names = [widget.get("name") for widget in _widgets(checkout / "HabitatRadiomics" / "Resources" / "UI" / form)]
    assert len(names) == len(set(names))


def test_every_button_field_and_selector_is_heard(habitat_widget: Any, checkout: Path) -> None:
    touchable = {
        "QPushButton", "QToolButton", "QCheckBox", "QComboBox", "QLineEdit", "QSpinBox", "QTableWidget",
        "ctkSliderWidget", "ctkPathLineEdit", "qMRMLNodeComboBox",
    }  # fmt: skip
    read_when_a_button_is_pressed = {
        "jobsSpinBox", "resampleMaskCheckBox", "timepointEdit", "outcomeSelector",
        "modelNameEdit", "modelTitleEdit", "endpointEdit", "positiveEdit", "negativeEdit",
        "completeCasesCheckBox", "frozenHabitatsCheckBox",
    }  # fmt: skip
    deaf = []
    for form, ui in zip(_FORMS, (habitat_widget.ui, habitat_widget.patient.rows["T1W"].ui)):
        for widget in _widgets(checkout / "HabitatRadiomics" / "Resources" / "UI" / form):
            name = widget.get("name", "")
            # The stand-in keeps what 'connect' connected; what a widget is made of does not count.
            if widget.get("class") in touchable and not getattr(ui, name).__dict__.get("_stand_in_connections"):
                deaf.append(name)
    assert set(deaf) == read_when_a_button_is_pressed


def test_misspelt_signal_is_an_error(habitat_widget: Any) -> None:
    from HabitatRadiomicsLib.panel.widgets import connect

    with pytest.raises(RuntimeError, match=r"QPushButton 'applyButton' has no signal clicked\(int\)"):
        connect(habitat_widget.ui.applyButton, "clicked(int)", print)


@pytest.fixture
def _library_as_it_was() -> Iterator[None]:
    """Other test modules hold the library's modules: they must be the ones that the panel uses."""
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "HabitatRadiomicsLib"}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "HabitatRadiomicsLib"]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.mark.usefixtures("_library_as_it_was")
def test_reload_reads_the_library_again_and_shows_the_same(habitat_widget: Any, slicer_gui: Any) -> None:
    inputs = add_patient(habitat_widget)
    habitat_widget.ui.siteSelector.setEditText("Alpha")
    habitat_widget.onReload()
    fresh = slicer.modules.HabitatRadiomicsWidget
    assert fresh is not habitat_widget
    assert sys.modules["HabitatRadiomicsLib.panel.patient_tab"] is not patient_tab
    assert type(fresh.patient) is sys.modules["HabitatRadiomicsLib.panel.patient_tab"].PatientTab
    assert fresh.ui.siteSelector.currentText == "Alpha"
    chosen = {name: row.chosen for name, row in fresh.patient.rows.items()}
    assert [(row.volume, row.mask, row.segment) for row in chosen.values()] == [
        (row.volume, row.mask, row.segment) for row in inputs.values()
    ]
    slicer_gui.wait_until(lambda: fresh.ui.applyButton.enabled)
    slicer.mrmlScene.Clear(False)  # heard by the new panel alone
    assert not fresh.ui.applyButton.enabled


def test_self_test_passes(habitat_widget: Any, slicer_gui: Any) -> None:
    slicer.selfTests["HabitatRadiomics"]()
    assert slicer.util.getNodes("T1W habitats*")


def test_logic_works_without_window_and_layout_manager(habitat_widget: Any, slicer_gui: Any) -> None:
    slicer_gui.application.show_main_window(False)
    inputs = add_patient(habitat_widget)
    logic = slicer.util.getModuleLogic("HabitatRadiomics")
    results = logic.computeMaps(inputs["T1W"].volume, inputs["T1W"].mask, sequence="T1W")
    assert list(results.entropy) == ["T1W"]
    assert results.habitats["T1W"].GetSegmentation().GetNumberOfSegments() >= 2
    before = scene_content()
    with pytest.raises(MaskError, match="There is no such segment"):
        logic.computeMaps(inputs["T1W"].volume, inputs["T1W"].mask, "rim")
    assert scene_content() == before


def test_logic_explains_itself_to_help(module: Any) -> None:
    logic = vars(sys.modules["HabitatRadiomics"])["HabitatRadiomicsLogic"]
    for name in ("computeMaps", "extractCohort", "trainCohort", "score", "scoreCohort", "evaluateCohort"):
        text = inspect.getdoc(getattr(logic, name))
        assert text is not None
        documented = [line.split(":")[0].strip() for line in text.split("Args:")[1].split("Returns:")[0].splitlines()]
        parameters = [name for name in inspect.signature(getattr(logic, name)).parameters if name != "self"]
        assert [name for name in parameters if name not in documented] == []


def test_what_the_user_reads_can_be_translated(checkout: Path) -> None:
    """Texts that the panel's code gives to widgets go through ``tr``."""
    untranslated = []
    for path in (checkout / "HabitatRadiomicsLib" / "panel").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            shown = None
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
                shown = node.value if node.targets[0].attr in ("text", "toolTip", "title") else None
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("_say", "say", "setLabelText"):
                shown = node.args[0]
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "show_message":
                shown = node.args[1]
            if isinstance(shown, ast.Constant) and isinstance(shown.value, str) and shown.value:
                untranslated.append(f"{path.name}:{node.lineno}: {shown.value}")
    assert untranslated == []


def test_translated_texts_reach_the_widgets(
    slicer_gui: Any, habitat_widget: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patient_tab, "_", lambda text: f"<{text}>")
    habitat_widget.patient.update()
    assert habitat_widget.ui.problemLabel.text == "<Complete the images above, then press Apply.>"


def test_model_card_opens_as_a_page(habitat_widget: Any, slicer_gui: Any) -> None:
    habitat_widget.ui.modelCardLabel.linkActivated("card")
    (url,) = slicer_gui.dialogs.opened_urls
    page = Path(url.removeprefix("file://"))
    assert "T790M" in page.read_text(encoding="utf-8")
    assert page.suffix == ".html"
