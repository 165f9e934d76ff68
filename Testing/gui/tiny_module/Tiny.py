"""A scripted module as small as may be, for the tests of the stand-in."""

# ruff: noqa: N802 (names of Slicer)
import qt
import slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class Tiny(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("Tiny")
        slicer.app.connect("startupCompleted()", self.register)
        self.registered = False

    def register(self):
        self.registered = True


class ClickFilter(qt.QObject):
    def __init__(self, receiver):
        super().__init__()
        self.receiver = receiver

    def eventFilter(self, watched, event):
        if event.type() == qt.QEvent.MouseButtonPress:
            self.receiver(watched.objectName, event.pos().x(), event.pos().y())
        return False


class TinyWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.events = []

    def setup(self):
        super().setup()
        root = slicer.util.loadUI(self.resourcePath("UI/Tiny.ui"))
        root.setMRMLScene(slicer.mrmlScene)
        self.layout.addWidget(root)
        self.ui = slicer.util.childWidgetVariables(root)
        self.logic = TinyLogic()
        assert self.ui.applyButton.connect("clicked(bool)", self.onApply)
        assert self.ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self.onInput)
        assert self.ui.map.connect("linkActivated(QString)", self.events.append)
        self.filter = ClickFilter(lambda *click: self.events.append(click))
        self.ui.map.installEventFilter(self.filter)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onClosed)

    def onInput(self, node):
        self.events.append(node.GetName() if node else None)
        self.ui.applyButton.enabled = node is not None

    def onApply(self, checked):
        if not slicer.util.confirmOkCancelDisplay("Really?"):
            return
        with slicer.util.tryWithErrorDisplay("Failed.", waitCursor=True):
            self.ui.answer.text = str(self.logic.count(self.ui.inputSelector.currentNode()))

    def onClosed(self, caller, event):
        self.events.append("closed")

    def cleanup(self):
        self.events.append("cleanup")
        self.removeObservers()


class TinyLogic(ScriptedLoadableModuleLogic):
    def count(self, volume):
        if volume.GetName() == "bad":
            raise ValueError("this volume is bad")
        return slicer.util.arrayFromVolume(volume).size


class TinyTest(ScriptedLoadableModuleTest):
    def runTest(self):
        self.delayDisplay("testing")
        assert TinyLogic().moduleName == "Tiny"
