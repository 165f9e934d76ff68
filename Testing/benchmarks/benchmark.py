"""Measures time and memory as ratios against peers that give the same values.

``python Testing/benchmarks/benchmark.py [--quick] [--section NAME ...] [--case NAME ...] [--work DIR] [--out FILE]``

Everything is compared with a peer in the same run, in alternation; absolute numbers depend on the machine. What a
section measures is kept in the work folder, and the report composed from all that is there: the whole can be measured
in pieces.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_profile import ProfilePlan, measured_profile, profile_section
from entropy_maps import EntropyPlan, entropy_section, measured_entropy
from paired_runs import one_thread
from peak_memory import MemoryPlan, measured_memory, memory_section
from three_regions import RegionPlan, measured_case, region_section

_PACKAGES = ("numpy", "scipy", "scikit-image", "SimpleITK", "PyWavelets", "pyradiomics-bhklab", "numba")
_SMALL = (5_000, (24, 96, 96))
_MIDDLE = (50_000, (48, 256, 256))
_LARGE = (200_000, (100, 512, 512))
_VOLUMES = ((50, 128, 128), (100, 256, 256), (100, 512, 512))


_CROPPED = ("small", "medium", "large")
_WHOLE = ("small-wide", "medium-wide", "large-wide")
_SECTIONS = ("entropy", "features", "profile", "memory")


@dataclass(frozen=True)
class Plan:
    """What a run measures."""

    entropy: EntropyPlan
    regions: RegionPlan
    profile: ProfilePlan
    memory: MemoryPlan


def plan(*, quick: bool) -> Plan:
    """Quick: a few minutes, single pairs. Full: half an hour, because of the plain runs."""
    if quick:
        return Plan(
            EntropyPlan((_SMALL, _MIDDLE, _LARGE), (_SMALL,), _VOLUMES, pairs=3, slow_pairs=1),
            RegionPlan(dict.fromkeys(_CROPPED[:2], 1)),
            ProfilePlan(("small",)),
            MemoryPlan(("small",), pairs=1),
        )
    return Plan(
        EntropyPlan((_SMALL, _MIDDLE, _LARGE), (_SMALL, _MIDDLE), _VOLUMES, pairs=15, slow_pairs=5),
        RegionPlan({"small": 5, "medium": 3, "large": 3, **dict.fromkeys(_WHOLE, 2)}, alone=("giant",)),
        ProfilePlan(("large", "large-wide")),
        MemoryPlan(("large",), pairs=1, alone=("large-wide", "giant", "giant-wide")),
    )


def measure(what: Plan, sections: Sequence[str], cases: Collection[str], work: Path) -> None:
    """Measure these sections, and keep what comes of each in the work folder.

    Args:
        cases: of the features that are measured; none: all.

    Raises:
        WrongValuesError: ours and a peer give different values.
    """
    work.mkdir(parents=True, exist_ok=True)
    if "entropy" in sections:
        with one_thread():
            _keep(work / "entropy.json", measured_entropy(what.entropy))
    if "features" in sections:
        for number, name in enumerate((*what.regions.pairs, *what.regions.alone)):
            if not cases or name in cases:
                with one_thread():
                    _keep(work / f"features-{number}-{name}.json", measured_case(name, what.regions))
    if "profile" in sections:
        with one_thread():
            _keep(work / "profile.json", measured_profile(what.profile))
    if "memory" in sections and importlib.util.find_spec("resource") is not None:
        _keep(work / "memory.json", measured_memory(what.memory))


def report(work: Path, command: str) -> str:
    """All that the work folder holds, as a Markdown report; what it lacks is named."""
    features = [_kept(file) for file in sorted(work.glob("features-*.json"))]
    subjects: list[tuple[str, Callable[[Any], str], Any]] = [
        ("Entropy map", entropy_section, _kept(work / "entropy.json")),
        ("Features of three regions", region_section, features),
        ("Where the time goes", profile_section, _kept(work / "profile.json")),
        ("Peak memory of an extraction", memory_section, _kept(work / "memory.json")),
    ]
    sections = [text(found) if found else f"## {title}\n\nNot measured.\n" for title, text, found in subjects]
    return "\n".join([_introduction(command), *sections])


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Time and memory as ratios against peers.")
    parser.add_argument("--quick", action="store_true", help="a few minutes, single pairs")
    parser.add_argument(
        "--section", action="append", choices=(*_SECTIONS, "none"), help="measure this one only; may be given again"
    )
    parser.add_argument("--case", action="append", default=[], help="of the features: measure this case only")
    parser.add_argument("--work", type=Path, help="folder that keeps what is measured, for the report of a later run")
    parser.add_argument("--out", type=Path, help="write the report there, too")
    options = parser.parse_args(arguments)
    what = plan(quick=options.quick)
    unknown = set(options.case) - {*what.regions.pairs, *what.regions.alone}
    if unknown:
        parser.error(f"no case {', '.join(sorted(unknown))}")
    command = "python Testing/benchmarks/benchmark.py" + (" --quick" if options.quick else "")
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        measure(what, options.section or _SECTIONS, options.case, work)
        text = report(work, command)
    print(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


def _keep(file: Path, document: Mapping[str, Any]) -> None:
    file.write_text(json.dumps({**document, "measured": f"{datetime.date.today()}"}, indent=1), encoding="utf-8")


def _kept(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _introduction(command: str) -> str:
    return f"""\
# Benchmark

Made by `{command}` on {datetime.date.today()}. {_machine()}
Other programs may have run on the machine at the same time, which is why pairs are compared and not seconds.

Every row compares ours with a peer that gives the same values, in the same process, in alternation: ours, peer, ours,
peer. Both run on one core unless it is said that ours has two. A ratio is ours divided by the peer's of the same pair:
**below 1, ours needs less**. "Ours" and "Peer's" are medians over the pairs. Sizes are i x j x k. Aims are stated where
they belong, and each is marked as met or missed.
"""


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
