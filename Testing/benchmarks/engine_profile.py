"""Where the built-in engine's time goes."""

from __future__ import annotations

import cProfile
import pstats
from dataclasses import dataclass
from pathlib import Path

from lesions import case_named
from three_regions import by_built_in, ways

from HabitatRadiomicsLib.features.builtin import engine

#: Parts of an extraction by the function that does all of it, in words.
_PARTS = {
    "filtered_images": "filters",
    "grey_levels": "grey levels",
    "shape_features": "shape",
    "first_order_features": "firstorder",
    "glcm_features": "glcm",
    "glrlm_features": "glrlm",
    "glszm_features": "glszm",
    "gldm_features": "gldm",
    "ngtdm_features": "ngtdm",
}
_TOP = 8
_HERE = Path(engine.__file__).parent


@dataclass(frozen=True)
class ProfilePlan:
    """Which cases are profiled, by the names of ``case_named``."""

    cases: tuple[str, ...]


def profile_section(plan: ProfilePlan) -> str:
    """Shares of the time by part, and the functions that take most of it, as Markdown."""
    runs = {(name, way): _profiled(name, way) for name in plan.cases for way in ways()}
    heads = [f"{case_named(name).name}, {way}" for name, way in runs]
    lines = [f"| Part | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(runs)]
    for part, title in _PARTS.items():
        lines.append(f"| {title} | {' | '.join(_share(run, part) for run in runs.values())} |")
    functions = "\n".join(f"* {head}: {_functions(run)}" for head, run in zip(heads, runs.values()))
    return f"""\
## Where the time goes

Shares of one extraction of the built-in engine, by `cProfile`; a compiled kernel counts for the function that calls it.

In a whole field of view the recursive Gaussian of LoG is the limit: it sees 24 sigma around the lesion, for equality to
single precision. On a cropped image no part dominates: shape (of which the diameters), then the matrices. All of this
runs on one thread, here and for users but for ITK's own threads. What would be next: the 21 images spread over threads
or processes, since they are independent and the kernels do not hold the interpreter's lock; LoG with less around the
lesion (12 sigma differ by some 1e-7); the diameters' hulls compiled.

{chr(10).join(lines)}

The functions that take most time themselves:

{functions}
"""


def _profiled(name: str, way: str) -> pstats.Stats:
    case = case_named(name)
    profile = cProfile.Profile()
    profile.runcall(by_built_in, case, way)
    return pstats.Stats(profile)


def _share(run: pstats.Stats, function: str) -> str:
    total = sum(
        cumulative
        for (file, _, name), (_, _, _, cumulative, _) in run.stats.items()
        if name == function and Path(file).parent == _HERE
    )
    return f"{total / run.total_tt:.0%}"


def _functions(run: pstats.Stats) -> str:
    own = sorted(((own, *key) for key, (_, _, own, _, _) in run.stats.items()), reverse=True)[:_TOP]
    return ", ".join(f"`{_named(file, function)}` {seconds / run.total_tt:.0%}" for seconds, file, _, function in own)


def _named(file: str, function: str) -> str:
    """As ``file:function``; what is compiled has no file."""
    return f"{Path(file).stem}:{function}" if Path(file).suffix == ".py" else function.strip("<>")
