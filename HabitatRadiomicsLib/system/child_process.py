"""Runs a child process, reads its output line by line, and stops it with all processes that it started."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_GRACE_SECONDS = 2.0


class ChildProcess:
    """A child process and its output, line by line.

    Only :meth:`wait` and :meth:`stop` block, so that a window can poll several times a second. Read :attr:`status`
    before :meth:`lines`; otherwise lines printed in between would be lost.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        """Start the program.

        Args:
            command: program and arguments.
            environment: variables in addition to those of this process.
            folder: working directory; None: the current one.

        Raises:
            OSError: it cannot be started.
        """
        # In a separate process group, so that a launcher, the program and its workers are stopped together.
        windows = sys.platform == "win32"
        flags = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1", **(environment or {})},
            cwd=folder,
            encoding="utf-8",
            errors="replace",
            creationflags=flags,
            start_new_session=not windows,
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                self._lines.put(line.rstrip("\r\n"))

    def lines(self) -> list[str]:
        """The lines since the last call."""
        return [self._lines.get_nowait() for _ in range(self._lines.qsize())]

    @property
    def status(self) -> int | None:
        """The exit status after the program has ended and its last line can be read; None until then."""
        return None if self._reader.is_alive() else self._process.poll()

    def wait(self, seconds: float) -> None:
        """Wait until the program has ended, but no longer than this."""
        self._reader.join(seconds)
        if not self._reader.is_alive():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)

    def stop(self) -> None:
        """Stop the program and all processes that it started; takes a few seconds at most."""
        if self._process.poll() is None or self._reader.is_alive():
            self._end_group(signal.SIGTERM)
            self.wait(_GRACE_SECONDS)
            if self._process.poll() is None or self._reader.is_alive():
                self._end_group(getattr(signal, "SIGKILL", signal.SIGTERM))
                self.wait(_GRACE_SECONDS)
        if self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def _end_group(self, how: signal.Signals) -> None:
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(self._process.pid)], capture_output=True, check=False)
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, how)
