"""Measures time and memory as ratios against peers that give the same values.

``python Testing/benchmarks/benchmark.py [--quick] [--out report.md]``

Everything is compared with a peer in the same run, in alternation; absolute numbers depend on the machine.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from engine_profile import ProfilePlan, profile_section
from entropy_maps import EntropyPlan, entropy_section
from paired_runs import one_thread
from peak_memory import MemoryPlan, memory_section
from three_regions import RegionPlan, region_section

_PACKAGES = ("numpy", "scipy", "scikit-image", "SimpleITK", "PyWavelets", "pyradiomics-bhklab", "numba")
_SMALL = (5_000, (24, 96, 96))
_MIDDLE = (50_000, (48, 256, 256))
_LARGE = (200_000, (100, 512, 512))
_VOLUMES = ((50, 128, 128), (100, 256, 256), (100, 512, 512))


_CROPPED = ("small", "medium", "large")
_WHOLE = ("small-wide", "medium-wide", "large-wide")


@dataclass(frozen=True)
class Plan:
    """What a run measures."""

    entropy: EntropyPlan
    regions: RegionPlan
    profile: ProfilePlan
    memory: MemoryPlan


def plan(*, quick: bool) -> Plan:
    """Quick: a minute or two, single pairs. Full: a quarter of an hour, because of the plain runs."""
    if quick:
        return Plan(
            EntropyPlan((_SMALL, _MIDDLE, _LARGE), (_SMALL,), _VOLUMES, pairs=5, voxelwise_pairs=3),
            RegionPlan(_CROPPED[:2], pairs=1),
            ProfilePlan(("small",)),
            MemoryPlan(("small",), pairs=1),
        )
    return Plan(
        EntropyPlan((_SMALL, _MIDDLE, _LARGE), (_SMALL, _MIDDLE), _VOLUMES, pairs=15, voxelwise_pairs=5),
        RegionPlan((*_CROPPED, *_WHOLE), pairs=3, slow=_WHOLE, slow_pairs=2, alone=("giant",)),
        ProfilePlan(("large", "large-wide")),
        MemoryPlan(("large",), pairs=1, alone=("large-wide", "giant", "giant-wide")),
    )


def report(what: Plan, command: str) -> str:
    """All subjects measured, as a Markdown report.

    Raises:
        WrongValuesError: ours and a peer give different values.
    """
    with one_thread():
        sections = [entropy_section(what.entropy), region_section(what.regions), profile_section(what.profile)]
    sections.append(_memory_or_why_not(what.memory))
    return "\n".join([_introduction(command), *sections])


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Time and memory as ratios against peers.")
    parser.add_argument("--quick", action="store_true", help="a minute or two, single pairs")
    parser.add_argument("--out", type=Path, help="write the report there, too")
    options = parser.parse_args(arguments)
    command = "python Testing/benchmarks/benchmark.py" + (" --quick" if options.quick else "")
    text = report(plan(quick=options.quick), command)
    print(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


def _introduction(command: str) -> str:
    return f"""\
# Benchmark

Made by `{command}` on {datetime.date.today()}. {_machine()}
Other programs may have run on the machine at the same time, which is why pairs are compared and not seconds.

Every row compares ours with a peer that gives the same values, in the same process and on one thread unless said
otherwise, in alternation: ours, peer, ours, peer. A ratio is ours divided by the peer's of the same pair: **below 1,
ours needs less**. "Ours" and "Peer's" are medians over the pairs. Sizes are i x j x k.
"""


def _memory_or_why_not(what: MemoryPlan) -> str:
    if importlib.util.find_spec("resource") is None:
        return "## Peak memory of an extraction\n\nNot measured: this system does not tell it (no `resource`).\n"
    return memory_section(what)


def _machine() -> str:
    versions = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    return (
        f"Machine: {os.cpu_count()} cores, {_cpu_model()}, {platform.system()}; "
        f"Python {platform.python_version()}, {versions}."
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "CPU unknown"


if __name__ == "__main__":
    main()
