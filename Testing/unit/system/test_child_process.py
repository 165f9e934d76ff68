"""A child tells its lines while it runs, and is gone, with all that it started, after a stop."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from HabitatRadiomicsLib.system.child_process import ChildProcess

Start = Callable[..., ChildProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code as a child; whatever is left of it is stopped at the end."""
    children: list[ChildProcess] = []

    def run(code: str, **arguments: object) -> ChildProcess:
        children.append(ChildProcess([sys.executable, "-c", code], **arguments))
        return children[-1]

    yield run
    for child in children:
        child.stop()


def _line(child: ChildProcess) -> str:
    """The next line."""
    return _lines(child, 1)[0]


def _lines(child: ChildProcess, count: int) -> list[str]:
    found: list[str] = []
    end = time.monotonic() + 300  # a busy machine is slow
    while len(found) < count and time.monotonic() < end:
        child.wait(0.02)
        found += child.lines()
    assert len(found) == count, found
    return found


def _gone(number: int) -> bool:
    for _ in range(6000):
        if not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_lines_arrive_while_it_runs(start: Start) -> None:
    child = start("import time; print('first'); print('second', flush=True); time.sleep(600)")
    assert _lines(child, 2) == ["first", "second"]
    assert child.status is None
    assert child.lines() == []


def test_output_is_not_held_back(start: Start) -> None:
    """A child that writes to a pipe would collect its lines; it is told not to."""
    child = start("import time; print('now'); time.sleep(600)")
    assert _line(child) == "now"


def test_status_comes_after_the_last_line(start: Start) -> None:
    child = start("import sys; [print(number) for number in range(20000)]; sys.exit(3)")
    while child.status is None:
        child.wait(0.01)
    assert child.lines() == [str(number) for number in range(20000)]
    assert child.status == 3


def test_errors_stand_among_the_lines(start: Start) -> None:
    child = start("raise SystemExit('it went wrong')")
    assert _line(child) == "it went wrong"
    child.wait(300)
    assert child.status == 1


def test_lines_that_are_not_text(start: Start) -> None:
    child = start(r"import sys; sys.stdout.buffer.write(b'caf\xe9 \xff\r\n\xc3\xa9 fin\n')")
    assert _lines(child, 2) == ["caf\ufffd \ufffd", "é fin"]


def test_waiting_returns_in_time(start: Start) -> None:
    child = start("import time; time.sleep(600)")
    child.wait(0.1)
    assert child.status is None  # it returned before the child ended


def test_stop_ends_what_the_child_started(start: Start) -> None:
    grandchild = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    code = f"import subprocess, sys; print('up'); subprocess.run([sys.executable, '-c', {grandchild!r}])"
    child = start(code)
    up, number = _lines(child, 2)
    assert up == "up"
    child.stop()
    assert child.status not in (None, 0)
    assert _gone(int(number))


def test_stop_ends_what_outlived_the_child(start: Start) -> None:
    grandchild = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    child = start(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {grandchild!r}])")
    number = _line(child)
    child.stop()
    assert child.status == 0
    assert _gone(int(number))


@pytest.mark.skipif(sys.platform == "win32", reason="there, nobody is asked before being ended")
def test_stop_of_a_child_that_does_not_listen(start: Start) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
    )
    child = start(code)
    assert _line(child) == "deaf"
    child.stop()
    assert child.status == -signal.SIGKILL


def test_stop_after_the_end_changes_nothing(start: Start) -> None:
    child = start("print('done')")
    child.wait(300)
    child.stop()
    child.stop()
    assert child.status == 0
    assert child.lines() == ["done"]


def test_environment_and_folder(start: Start, tmp_path: Path) -> None:
    child = start(
        "import os; print(os.environ['OF_THE_TEST']); print(os.environ['PATH']); print(os.getcwd())",
        environment={"OF_THE_TEST": "é"},
        folder=tmp_path,
    )
    assert _lines(child, 3) == ["é", os.environ["PATH"], str(tmp_path)]


def test_what_cannot_be_started() -> None:
    with pytest.raises(OSError, match="nowhere"):
        ChildProcess(["/nowhere/program"])
