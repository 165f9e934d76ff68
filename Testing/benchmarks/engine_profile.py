"""Where the built-in engine's time goes."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine_ways import Way, by_built_in, numba_in_words, ways
from lesions import case_named

from HabitatRadiomicsLib.features.builtin import engine

#: Parts of an extraction by the function that does all of it, in words.
_PARTS = {
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


def measured_profile(plan: ProfilePlan) -> dict[str, Any]:
    """As a JSON document."""
    columns = []
    for name in plan.cases:
        for way in (way for way in ways() if way.cores == 1):
            run = _profiled(name, way)
            title = f"{case_named(name).name}, {numba_in_words(way.kernels)}"
            shares = {title: _share(run, part) for part, title in _PARTS.items()}
            columns.append(
                {"title": title, "shares": {"filters": _filters(run), **shares}, "functions": _functions(run)}
            )
    return {"columns": columns}


def profile_section(document: Mapping[str, Any]) -> str:
    """Shares of the time by part, and the functions that take most of it, as Markdown."""
    columns = document["columns"]
    lines = [f"| Part | {' | '.join(column['title'] for column in columns)} |", "| --- |" + " ---: |" * len(columns)]
    for part in columns[0]["shares"]:
        lines.append(f"| {part} | {' | '.join(column['shares'][part] for column in columns)} |")
    functions = "\n".join(f"* {column['title']}: {column['functions']}" for column in columns)
    return f"""\
## Where the time goes

Shares of one extraction of the built-in engine on one core, by `cProfile`, which makes small functions look slower than
they are; a compiled kernel counts for the function that calls it.

In a whole field of view the recursive Gaussian of LoG is the limit: it sees 18 sigma around the lesion, so that of its
images, which have single precision, no more than the last bit of a few voxels in ten thousand differs.

{chr(10).join(lines)}

The functions that take most time themselves:

{functions}
"""


def _profiled(name: str, way: Way) -> pstats.Stats:
    case = case_named(name)
    by_built_in(case, way)  # compiles
    profile = cProfile.Profile()
    profile.runcall(by_built_in, case, way)
    return pstats.Stats(profile)


def _filters(run: pstats.Stats) -> str:
    """All that the engine's module calls in that of the filters."""
    total = sum(
        cumulative
        for (file, _, _), (_, _, _, _, callers) in run.stats.items()
        if Path(file) == _HERE / "filters.py"
        for (caller, _, _), (_, _, _, cumulative) in callers.items()
        if Path(caller) == _HERE / "engine.py"
    )
    return f"{total / run.total_tt:.0%}"


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
