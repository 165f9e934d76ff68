"""The stand-in without Qt: MRML, and ``slicer.app`` for code that needs no window."""

from __future__ import annotations

import gc
import sys
from types import ModuleType

import slicer

from . import sample_data
from .application import Application
from .modules import ModuleManager
from .packaging import PackageRequests
from .problems import Problems
from .scene import Scene
from .slice_view import SliceView

#: The application's three slice views: orientation and colour.
_SLICE_VIEWS = {
    "Red": ("Axial", (0.953, 0.290, 0.200)),
    "Yellow": ("Sagittal", (0.929, 0.835, 0.298)),
    "Green": ("Coronal", (0.431, 0.690, 0.294)),
}


class StandIn:
    """What a test holds in its hands; code under test sees ``slicer`` only.

    Python's collector of reference cycles is off: it runs in whatever thread allocates, before Python 3.12 even within
    a call into C++, and deletes widgets and nodes there and then. :meth:`reset` collects, between two calls.
    """

    def __init__(self, *, testing: bool) -> None:
        gc.disable()
        self.problems = Problems()
        self.scene = Scene()
        self.packages = PackageRequests()
        slicer.mrmlScene = self.scene.node
        self.modules = ModuleManager(self.scene.logics)
        self.application = Application(self.scene, self.modules, testing=testing)
        slicer.app = self.application
        slicer.selfTests = {}
        slicer.packaging = self.packages.install_module()
        slicer.i18n = _translation_module()
        sample_data.install_module()
        self.slice_views = {name: SliceView(self.scene, name, *look) for name, look in _SLICE_VIEWS.items()}

    def reset(self) -> None:
        """Close the scene, forget what happened, and let ``slicer.app`` be the one without Qt."""
        slicer.app = self.application
        self.scene.clear()
        for name, (orientation, _) in _SLICE_VIEWS.items():
            self.slice_views[name].node.SetOrientation(orientation)
            self.slice_views[name].resize(300, 300)
        self.packages.calls.clear()
        gc.collect()
        gc.freeze()  # what is still held is not looked at again
        self.problems.clear()

    def start_up(self) -> None:
        """Tell the modules that the application has started."""
        self.application.emit("startupCompleted()")


def _translation_module() -> ModuleType:
    module = ModuleType("slicer.i18n")
    module.__dict__.update(tr=lambda text: text, translate=lambda context, text: text)
    sys.modules[module.__name__] = module
    return module
