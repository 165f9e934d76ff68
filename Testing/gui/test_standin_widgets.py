"""The stand-in's widgets, dialogs and module loader do what a panel relies on."""

from __future__ import annotations

import sys
from pathlib import Path

import ctk
import numpy as np
import pytest
import qt
import slicer

_MODULE_FILE = Path(__file__).parent / "tiny_module" / "Tiny.py"


@pytest.fixture
def panel(slicer_gui):
    return slicer_gui.load_module(_MODULE_FILE)[1]


def _add_volume(name: str):
    return slicer.util.addVolumeFromArray(np.zeros((2, 3, 4)), name=name)


def test_constants_outlive_any_number_of_panels(slicer_gui):
    """PySide gives them away without counting references; see ``standin.pythonqt.module``."""
    assert [constant for constant in (None, True, False, NotImplemented) if sys.getrefcount(constant) < 1 << 29] == []


def test_module_is_loaded_and_built(slicer_gui):
    module, widget = slicer_gui.load_module(_MODULE_FILE)
    assert module.parent.title == "Tiny"
    assert slicer.modules.tiny.path == str(_MODULE_FILE)
    assert slicer.util.getModuleWidget("Tiny") is widget is slicer.modules.TinyWidget
    assert slicer.util.getModuleLogic("Tiny") is widget.logic
    slicer.selfTests["Tiny"]()
    assert not module.registered
    slicer_gui.start_up()
    assert module.registered


def test_panel_is_driven_by_scene_and_clicks(slicer_gui, panel):
    assert not panel.ui.applyButton.enabled
    panel.ui.inputSelector.setCurrentNode(_add_volume("one"))
    assert panel.events == ["one"]
    slicer_gui.dialogs.answer(True)
    panel.ui.applyButton.click()
    assert panel.ui.answer.text == "24"
    assert slicer_gui.dialogs.texts == ["Really?"]

    slicer.mrmlScene.Clear(False)
    assert set(panel.events) == {"one", None, "closed"}
    assert not panel.ui.applyButton.enabled


def test_user_may_say_no(slicer_gui, panel):
    panel.ui.inputSelector.setCurrentNode(_add_volume("one"))
    slicer_gui.dialogs.answer(False)
    panel.ui.applyButton.click()
    assert panel.ui.answer.text == ""


def test_exception_in_slot_is_shown_and_collected(slicer_gui, panel):
    panel.ui.inputSelector.setCurrentNode(_add_volume("bad"))
    slicer_gui.dialogs.answer(True)
    panel.ui.applyButton.click()
    assert slicer_gui.dialogs.texts[-1] == "Failed.\n\nthis volume is bad"
    assert any("this volume is bad" in error for error in slicer_gui.problems.take_errors())


def test_dialog_that_nobody_answers_is_an_error(slicer_gui, panel):
    panel.ui.inputSelector.setCurrentNode(_add_volume("one"))
    panel.ui.applyButton.click()
    assert any("nobody answers" in error for error in slicer_gui.problems.take_errors())


def test_reload_builds_a_new_panel(slicer_gui, panel):
    panel.onReload()
    assert panel.events == ["cleanup"]
    assert slicer.modules.TinyWidget is not panel
    slicer.modules.TinyWidget.ui.inputSelector.setCurrentNode(_add_volume("again"))
    assert slicer.modules.TinyWidget.events == ["again"]


def test_panel_is_cleaned_up_at_the_end(slicer_gui, panel):
    slicer_gui.reset()
    assert panel.events == ["cleanup"]
    assert not hasattr(slicer.modules, "tiny")


def test_click_on_a_picture_reaches_an_event_filter(slicer_gui, panel, screenshot, tmp_path):
    picture = qt.QPixmap(60, 40)
    picture.fill(qt.QColor(200, 30, 30))
    panel.ui.map.setPixmap(picture)
    screenshot(panel.parent, tmp_path / "panel.png")
    slicer_gui.press(panel.ui.map, 11, 7)
    assert panel.events == [("map", 11, 7)]
    assert qt.QImage(str(tmp_path / "panel.png")).width() > 100


def test_link_in_a_label_is_activated(slicer_gui, panel):
    panel.ui.map.text = "<a href='S2'>S2</a>"
    panel.ui.map.linkActivated("S2")
    assert panel.events == ["S2"]


def test_node_selector_follows_the_scene(slicer_gui):
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.currentNode() is None
    _add_volume("not wanted")
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    assert selector.currentNode() is labels, "without a none item, the first node is chosen"
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
    assert selector.nodeCount() == 2
    selector.currentNodeID = segmentation.GetID()
    assert selector.currentNode() is segmentation
    slicer.mrmlScene.RemoveNode(segmentation)
    assert selector.currentNodeID == labels.GetID()
    assert selector.connect("currentNodeChanged(bool)", print)
    assert not selector.connect("currentNodeChanged(vtkMRMLScalarVolumeNode*)", print)


def test_segment_selector_names_segments(slicer_gui):
    selector = slicer.qMRMLSegmentSelectorWidget()
    selector.setMRMLScene(slicer.mrmlScene)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segments")
    node.GetSegmentation().AddEmptySegment("a", "Lesion")
    selector.setCurrentNode(None)
    selector.setCurrentNode(node)
    selector.setCurrentSegmentID("a")
    assert selector.currentSegmentID() == "a"


def test_ctk_widgets_have_their_properties_and_signals(slicer_gui):
    slider, seen = ctk.ctkSliderWidget(), []
    assert slider.connect("valueChanged(double)", seen.append)
    slider.minimum, slider.maximum, slider.value = 2, 10, 4.5
    assert (seen[-1], slider.value) == (4.5, 4.5)
    path = ctk.ctkPathLineEdit()
    assert path.connect("currentPathChanged(QString)", seen.append)
    path.currentPath = "/tmp/x"
    assert seen[-1] == "/tmp/x"
    path.filters = ctk.ctkPathLineEdit.Dirs
    slicer_gui.dialogs.answer("/tmp/y")
    path.browse()
    assert path.currentPath == "/tmp/y"
    button = ctk.ctkCollapsibleButton("More")
    assert button.connect("contentsCollapsed(bool)", seen.append)
    button.collapsed = True
    assert seen[-1] is True
    with pytest.raises(AttributeError):
        button.colapsed = False


def test_files_and_links_open_in_the_users_hands(slicer_gui):
    slicer_gui.dialogs.answer("/tmp/model.json")
    assert qt.QFileDialog.getOpenFileName(None, "Model", "", "Models (*.json)") == "/tmp/model.json"
    assert qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile("/tmp/report.html"))
    assert slicer_gui.dialogs.opened_urls == ["file:///tmp/report.html"]
    slicer.util.errorDisplay("It failed.", detailedText="because")
    assert slicer_gui.dialogs.shown[-1].details == "because"


def test_application_without_main_window(slicer_gui):
    manager = slicer.app.layoutManager()
    manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView)
    assert manager.layout == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView
    assert set(manager.sliceViewNames()) == {"Red", "Yellow", "Green"}
    assert manager.sliceWidget("Red").sliceLogic().GetSliceNode().GetName() == "Red"
    assert manager.threeDViewCount == 1
    assert manager.plotWidget(0).mrmlPlotViewNode() is not None
    slicer.util.setSliceViewerLayers(background=_add_volume("one"), fit=True)
    slicer_gui.application.show_main_window(False)
    assert slicer.app.layoutManager() is None
    assert slicer.util.mainWindow() is None


def test_table_view_shows_a_table_node(slicer_gui):
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
    slicer.util.updateTableFromArray(table, [np.array([1.5, 2.5])], ["value"])
    view = slicer.qMRMLTableView()
    view.setMRMLTableNode(table)
    assert view.model().rowCount() == 2
    assert view.model().index(1, 0).data() == "2.5"


def test_settings_last_only_for_a_test(slicer_gui):
    assert slicer.app.settings().value("ours/key") is None
    qt.QSettings().setValue("ours/key", "5")
    assert slicer.app.settings().value("ours/key") == "5"
    slicer_gui.reset()
    assert slicer.app.settings().value("ours/key") is None


def test_child_process_reports_through_the_event_loop(slicer_gui):
    import sys

    lines, codes = [], []
    slicer.util.launchConsoleProcess(
        [sys.executable, "-c", "print('hello')"],
        blocking=False,
        logCallback=lines.append,
        completedCallback=codes.append,
    )
    slicer_gui.wait_until(lambda: codes)
    assert (lines, codes) == (["hello"], [0])


def test_packages_are_asked_for_and_not_installed(slicer_gui):
    import slicer.packaging

    slicer.packaging.pip_ensure(["shap"], requester="Tiny", skip_packages=["slicer"])
    assert slicer_gui.packages.calls[0]["requirements"] == ["shap"]
