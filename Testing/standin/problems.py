"""What goes wrong out of sight of a test: errors of VTK and Qt, and exceptions in observers and slots."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

import vtk

#: The subject hierarchy knows items by the addresses of their nodes. While the hierarchy of a closed scene is held by
#: something that Python has not collected yet, such as the traceback of an exception, it says this of a new node that
#: lies where one of that scene lay, forgets the old item, and goes on.
_ADDRESS_USED_AGAIN = "vtkSubjectHierarchyItem::DataNodeCache inconsistency found"


class Problems:
    """Collects VTK errors and the exceptions that VTK and Qt swallow after printing them."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self._window = vtk.vtkOutputWindow()
        self._window.SetDisplayModeToNever()  # VTK's logger prints them anyway
        self._window.AddObserver("ErrorEvent", self._collector(self.errors))
        self._window.AddObserver("WarningEvent", self._collector(self.warnings))
        vtk.vtkOutputWindow.SetInstance(self._window)
        self._earlier_hook = sys.excepthook
        sys.excepthook = self._exception

    def clear(self) -> None:
        """Forget what was collected."""
        self.errors.clear()
        self.warnings.clear()

    def take_errors(self) -> list[str]:
        """The errors since the last call; afterwards there are none."""
        errors = self.errors.copy()
        self.clear()
        return errors

    @staticmethod
    def _collector(messages: list[str]):
        def collect(caller: vtk.vtkObject, event: str, text: str) -> None:
            if _ADDRESS_USED_AGAIN not in text:
                messages.append(text.strip())

        collect.CallDataType = vtk.VTK_STRING
        return collect

    def _exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.errors.append("".join(traceback.format_exception(kind, error, trace)))
        self._earlier_hook(kind, error, trace)
