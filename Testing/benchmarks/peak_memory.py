"""Peak memory of a whole three-region extraction, each in a process of its own.

Run as a script, ``peak_memory.py ours|plain|nothing CASE`` does it and prints the peak in bytes.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from paired_runs import Comparison, one_thread, table
from three_regions import by_engine, by_plain_runs, case_named

_MIB = 2**20
_WAYS = {"ours": by_engine, "plain": by_plain_runs, "nothing": lambda case: case}
# On Linux a process starts with the peak of the one that it was forked from; a small one in between keeps ours out.
_LAUNCHER = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"


@dataclass(frozen=True)
class MemoryPlan:
    """Which cases are measured, by the names of ``case_named``."""

    cases: tuple[str, ...]
    pairs: int


def memory_section(plan: MemoryPlan) -> str:
    """Peaks, as Markdown."""
    rows = []
    idle = []
    for name in plan.cases:
        title = case_named(name).title
        idle.append(f"{peak_mib('nothing', name):.0f} MiB ({title})")
        peaks = [(peak_mib("ours", name), peak_mib("plain", name)) for _ in range(plan.pairs)]
        ours, theirs = zip(*peaks)
        rows.append(Comparison(title, "3 plain runs", "MiB", ours, theirs))
    return f"""\
## Peak memory of an extraction

The same extractions, each in a fresh process: the largest resident memory (`ru_maxrss`) of a process that imports the
library, prepares the case, and measures the three regions. Without the last step the process peaks at
{"; ".join(idle)}.

{table(rows)}
"""


def peak_mib(way: str, case: str) -> float:
    """Peak resident memory of a fresh process that does it, in MiB."""
    command = [sys.executable, "-c", _LAUNCHER, sys.executable, __file__, way, case]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.split()[-1]) / _MIB


def _own_peak_bytes() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main(way: str, case: str) -> None:
    with one_thread():
        _WAYS[way](case_named(case))
    print(_own_peak_bytes())


if __name__ == "__main__":
    _main(*sys.argv[1:])
