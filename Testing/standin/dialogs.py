"""Dialogs that a user would answer: a test answers them beforehand, and reads afterwards what they said."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import qt
import slicer

_YES = (qt.QMessageBox.Ok, qt.QMessageBox.Yes, qt.QMessageBox.Retry)
_NO = (qt.QMessageBox.Cancel, qt.QMessageBox.No, qt.QMessageBox.Close)


@dataclass(frozen=True)
class Dialog:
    """A dialog that was shown: its kind, text and title."""

    kind: str
    text: str
    title: str = ""
    details: str = ""


class Dialogs:
    """Shows no dialog, but remembers it and answers in the user's place."""

    def __init__(self) -> None:
        self.shown: list[Dialog] = []
        self.opened_urls: list[str] = []
        self._answers: deque[Any] = deque()
        self._install()

    @property
    def texts(self) -> list[str]:
        """The texts of the dialogs shown."""
        return [dialog.text for dialog in self.shown]

    def answer(self, *answers: Any) -> None:
        """What the user will say to the next questions: yes (True) or no, a path, or a button."""
        self._answers.extend(answers)

    def reset(self) -> None:
        """Forget dialogs and answers."""
        self.shown.clear()
        self.opened_urls.clear()
        self._answers.clear()

    def message_box(self, text: str, parent: Any = None, **options: Any) -> Any:
        """Play ``slicer.util.messageBox``."""
        buttons = options.get("standardButtons", qt.QMessageBox.Ok)
        return self._message(text, options.get("windowTitle") or "", buttons, options.get("detailedText", ""))

    def _message(self, text: str, title: str, buttons: Any, details: str = "") -> Any:
        offered = int(buttons)
        yes = next((button for button in _YES if offered & int(button)), qt.QMessageBox.Ok)
        no = next((button for button in _NO if offered & int(button)), None)
        self.shown.append(Dialog("message" if no is None else "question", text, title, details))
        if no is None:
            return yes
        answer = self._next(text)
        if isinstance(answer, bool):
            return yes if answer else no
        return answer

    def _next(self, text: str) -> Any:
        if not self._answers:
            raise AssertionError(f"nobody answers this dialog (tell Dialogs.answer): {text}")
        return self._answers.popleft()

    def _install(self) -> None:
        slicer.util.messageBox = self.message_box
        slicer.util.delayDisplay = lambda message, *rest, **options: self.shown.append(Dialog("notice", message))
        for kind in ("information", "warning", "critical", "about"):
            setattr(qt.QMessageBox, kind, staticmethod(self._message_function(qt.QMessageBox.Ok)))
        yes_no = int(qt.QMessageBox.Yes) | int(qt.QMessageBox.No)
        qt.QMessageBox.question = staticmethod(self._message_function(yes_no))
        for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName", "getExistingDirectory"):
            setattr(qt.QFileDialog, name, staticmethod(self._file_function(name)))
        for dialog in (qt.QDialog, qt.QMessageBox, qt.QFileDialog, qt.QInputDialog):
            dialog.exec_ = dialog.exec = self._modal
        qt.QDesktopServices.openUrl = staticmethod(self._open)

    def _message_function(self, default_buttons: Any) -> Any:
        def show(parent: Any, title: str, text: str = "", buttons: Any = default_buttons, default: Any = None) -> Any:
            return self._message(text, title, buttons)

        return show

    def _file_function(self, name: str) -> Any:
        def choose(
            parent: Any = None, title: str = "", folder: str = "", filters: str = "", chosen: str = "", options: Any = 0
        ) -> Any:
            self.shown.append(Dialog(name, title))
            return self._next(title)

        return choose

    def _modal(self, dialog: Any) -> int:
        text = dialog.text if dialog.inherits("QMessageBox") else dialog.windowTitle
        self.shown.append(Dialog(dialog.className(), text, dialog.windowTitle))
        return int(self._next(text))

    def _open(self, url: Any) -> bool:
        self.opened_urls.append(url.toString())
        return True
