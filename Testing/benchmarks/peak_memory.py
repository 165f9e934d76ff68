"""Peak memory of a whole three-region extraction, each in a process of its own.

Run as a script, ``peak_memory.py WAY CASE FOLDER`` does it for the case saved there and prints the peak in bytes; the
way is the title of one of the built-in engine's, ``plain`` or ``nothing``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from engine_ways import by_built_in, ways
from lesions import RegionCase, case_named, read_case, save_case
from paired_runs import Comparison, one_thread, table
from three_regions import by_plain_runs

_MIB = 2**20
_WAYS: dict[str, Callable[[RegionCase], object]] = {
    **{way.title: partial(by_built_in, way=way) for way in ways()},
    "plain": by_plain_runs,
    "nothing": lambda case: case,
}
_OURS = [way.title for way in ways()]
_ALONE = ["nothing", *_OURS]
# On Linux a process starts with the peak of the one that it was forked from; a small one in between keeps ours out.
_LAUNCHER = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


@dataclass(frozen=True)
class MemoryPlan:
    """Which cases are measured, by the names of ``case_named``; those ``alone`` without the peer, which takes long."""

    cases: tuple[str, ...]
    pairs: int
    alone: tuple[str, ...] = ()


def measured_memory(plan: MemoryPlan) -> dict[str, Any]:
    """As a JSON document."""
    return {
        "rows": [asdict(row) for name in plan.cases for row in _compared(name, plan.pairs)],
        "columns": _ALONE,
        "alone": {case_named(name).title: peaks_mib(name, _ALONE) for name in (*plan.cases, *plan.alone)},
    }


def memory_section(document: Mapping[str, Any]) -> str:
    """Peaks, as Markdown."""
    columns = document["columns"]
    lines = [f"| Case | {' | '.join(columns)} |", "| --- |" + " ---: |" * len(columns)]
    for title, peaks in document["alone"].items():
        lines.append(f"| {title} | {' | '.join(f'{peak:.0f} MiB' for peak in peaks)} |")
    return f"""\
## Peak memory of an extraction

The same extractions, each in a fresh process: the largest resident memory (`ru_maxrss`) of a process that imports the
library, reads the image and its masks, and measures the three regions. On two cores two filtered images are in memory
at once.

{table([Comparison.read(row) for row in document["rows"]])}

The built-in engine by itself; "nothing" is the process without the last step.

{chr(10).join(lines)}
"""


def peaks_mib(case: str, sides: Sequence[str]) -> list[float]:
    """Peak resident memory of fresh processes that do it, in MiB, one by one."""
    with tempfile.TemporaryDirectory() as folder:
        save_case(case_named(case), Path(folder))
        return [_peak_mib(side, case, folder) for side in sides]


def _compared(name: str, pairs: int) -> list[Comparison]:
    peaks = [peaks_mib(name, (*_OURS, "plain")) for _ in range(pairs)]
    *ours, theirs = zip(*peaks)
    title = case_named(name).title
    return [Comparison(f"{title}, {way}", "3 plain runs", "MiB", our, theirs) for way, our in zip(_OURS, ours)]


def _peak_mib(way: str, case: str, folder: str) -> float:
    command = [sys.executable, "-c", _LAUNCHER, sys.executable, __file__, way, case, folder]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return int(done.stdout.split()[-1]) / _MIB


def _own_peak_bytes() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main(way: str, case: str, folder: str) -> None:
    with one_thread():
        _WAYS[way](read_case(case, Path(folder)))
    print(_own_peak_bytes())


if __name__ == "__main__":
    _main(*sys.argv[1:])
