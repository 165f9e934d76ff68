"""Runs a command of the library in a separate process and polls it with a timer, so that the window never blocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from HabitatRadiomicsLib.panel.widgets import QUIET, connect
from HabitatRadiomicsLib.progress import progress_of
from HabitatRadiomicsLib.scene.command import start_command
from HabitatRadiomicsLib.system.child_process import ChildProcess

_EVERY_MS = 100


class BackgroundRun:
    """Runs one command at a time, and shows how far it is."""

    def __init__(
        self,
        progress_bar: Any,
        status_label: Any,
        *,
        on_end: Callable[[int], None],
        on_line: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Create the timer; nothing runs yet.

        Args:
            on_end: called with the exit status, when the command ended by itself.
            on_line: called with every line that the command prints, except progress.
        """
        self._bar, self._label = progress_bar, status_label
        self._on_line, self._on_end = on_line, on_end
        self._process: ChildProcess | None = None
        self._started = 0.0
        self.lines: list[str] = []
        self._timer: Any = qt.QTimer()
        self._timer.setInterval(_EVERY_MS)
        connect(self._timer, "timeout()", self.poll)

    @property
    def running(self) -> bool:
        """Whether a command runs."""
        return self._process is not None

    def say(self, text: str, style: str = QUIET) -> None:
        """Show a message below the progress bar."""
        self._label.text = text
        self._label.setStyleSheet(style)

    def start(self, arguments: Sequence[str]) -> None:
        """Start ``habitat-radiomics ARGUMENTS``.

        Raises:
            OSError: Python cannot be started.
        """
        self._bar.value = 0
        self.say(_("Starting ..."))
        self.lines = []
        self._process = start_command(arguments)
        self._started = time.monotonic()
        self._timer.start()

    def poll(self) -> None:
        """Show the progress, and pass on the output, since the last poll."""
        if self._process is None:
            return
        status = self._process.status
        for line in self._process.lines():
            progress = progress_of(line)
            if progress is not None:
                self._show_progress(*progress)
            else:
                self.lines.append(line)
                self._on_line(line)
        if status is not None:
            self._end()
            self._on_end(status)

    def stop(self) -> None:
        """End the command and everything that it started; ``on_end`` is not called."""
        if self._process is not None:
            self._process.stop()
            self._end()

    def _show_progress(self, fraction: float, words: str) -> None:
        self._bar.value = round(100 * fraction)
        elapsed = time.monotonic() - self._started
        if fraction > 0.02 and elapsed > 1:  # else the remaining time cannot be estimated
            words += f", {_in_words(elapsed * (1 - fraction) / fraction)} {_('left')}"
        self.say(words)

    def _end(self) -> None:
        self._timer.stop()
        self._process = None


def _in_words(seconds: float) -> str:
    if seconds < 60:
        return f"about {max(5, 5 * round(seconds / 5))} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
