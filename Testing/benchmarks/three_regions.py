"""All features of a lesion and its two habitats: the built-in engine against three plain runs of pyradiomics."""

from __future__ import annotations

import logging
import statistics
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from agreement import Difference, Values, agreement_table, differences
from lesions import RegionCase, case_named
from paired_runs import Comparison, table, timed

from HabitatRadiomicsLib.features.builtin import engine as builtin_engine
from HabitatRadiomicsLib.features.builtin.acceleration import compiled_kernels
from HabitatRadiomicsLib.protocol import ImageFilters

_BUILT_IN = builtin_engine.__name__.rpartition(".")[0]
_CROPPED_TOLERANCE = 1e-9
#: In a larger field of view the built-in engine's LoG, a recursive filter, does not see all of it.
_WIDE_TOLERANCE = 1e-6
WITH, WITHOUT = "with numba", "without numba"


@dataclass(frozen=True)
class RegionPlan:
    """Which cases are measured, by the names of :func:`case_named`.

    Attributes:
        cases: compared with plain runs.
        pairs: of each case but the slow ones.
        slow: cases with ``slow_pairs``.
        alone: measured once more, without a peer, to tell how the time grows.
    """

    cases: tuple[str, ...]
    pairs: int
    slow: tuple[str, ...] = ()
    slow_pairs: int = 1
    alone: tuple[str, ...] = ()

    def pairs_of(self, case: str) -> int:
        """How often both sides are run."""
        return self.slow_pairs if case in self.slow else self.pairs


@dataclass(frozen=True)
class _Measured:
    """A case's comparison by way of the built-in engine, and how its values differ from the peer's."""

    case: RegionCase
    comparisons: dict[str, Comparison]
    values: list[Difference]


def region_section(plan: RegionPlan) -> str:
    """Times of whole extractions, as Markdown."""
    measured = [_measured(case_named(name), plan.pairs_of(name)) for name in plan.cases]
    return f"""\
## Features of three regions

Each side gets a prepared image (as if z-scored, times 100) and the masks of the whole lesion and of its habitats S1 and
S2, and gives 1,967 features of each: 14 of shape, and 93 on each of 21 images (original, 8 wavelet bands, square,
square root, logarithm, exponential, gradient, LBP-2D, 6 LoG). The peer calls `RadiomicsFeatureExtractor.execute` three
times with the same settings. Ours is the built-in engine, with numba's kernels compiled before and, in the same run,
without them. The lesions are ellipsoids in correlated noise, 0.9 x 0.9 x 3 mm, with some 30 grey levels, made by
`lesions.py`; "cropped" leaves five voxels around the lesion.

{table([comparison for one in measured for comparison in one.comparisons.values()])}

The same as "so many times faster than three plain runs", medians:

{_summary(measured)}

### Time against voxels of the lesion

Seconds of ours on cropped images, and the slope of a line through them on logarithmic axes (1: twice the voxels, twice
the time). Small lesions are below 1, because some of the work, such as the formulas of 21 x 5 matrices, does not depend
on the voxels.

{_growth(measured, plan.alone)}

### Agreement

The values of the runs that were timed, built-in engine against pyradiomics: the worst value of each class, relative to
the larger of the two. More than {_CROPPED_TOLERANCE:.0e} (in a whole field of view, {_WIDE_TOLERANCE:.0e}), or a value
that only one of them defines, would have ended the run.

{agreement_table(difference for one in measured for difference in one.values)}
"""


@contextmanager
def without_kernels() -> Iterator[None]:
    """The built-in engine as where numba is not installed."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith(_BUILT_IN) and hasattr(module, "compiled_kernels"):
                stack.enter_context(patch.object(module, "compiled_kernels", return_value=None))
        yield


def ways() -> tuple[str, ...]:
    """Of the built-in engine, as far as they are installed."""
    return (WITH, WITHOUT) if compiled_kernels() is not None else (WITHOUT,)


def by_built_in(case: RegionCase, way: str) -> dict[str, dict[str, float]]:
    """Ours."""
    with ExitStack() as stack:
        if way == WITHOUT:
            stack.enter_context(without_kernels())
        engine = builtin_engine.BuiltInEngine()
        return engine.extract(case.image, case.regions, case.settings, case.settings.discretisation)


def by_plain_runs(case: RegionCase) -> dict[str, dict[str, float]]:
    """The peer: a whole run of pyradiomics for each region."""
    import radiomics
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    radiomics.logger.setLevel(logging.CRITICAL)  # as our engine for it does
    extractor = RadiomicsFeatureExtractor(
        binWidth=case.settings.discretisation.bin_width, force2D=False, label=1, additionalInfo=False
    )
    extractor.disableAllFeatures()
    for feature_class in case.settings.classes:
        extractor.enableFeatureClassByName(feature_class)
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(**_image_types(case.settings.images))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = {region: extractor.execute(case.image, mask) for region, mask in case.regions.items()}
    return {region: {name: _real(value) for name, value in values.items()} for region, values in found.items()}


def _measured(case: RegionCase, pairs: int) -> _Measured:
    by_built_in(case_named("tiny"), ways()[0])  # compiles
    ours: dict[str, list[float]] = {way: [] for way in ways()}
    theirs: list[float] = []
    values: list[Difference] = []
    for _ in range(pairs):
        found: dict[str, Values] = {}
        for way, seconds in ours.items():
            taken, found[way] = timed(partial(by_built_in, case, way))
            seconds.append(taken)
        taken, reference = timed(partial(by_plain_runs, case))
        theirs.append(taken)
        tolerance = _WIDE_TOLERANCE if "whole field" in case.name else _CROPPED_TOLERANCE
        values = [
            difference for way in found for difference in differences(case.name, found[way], reference, tolerance)
        ]
    comparisons = {
        way: Comparison(f"{case.title}, {way}", "3 plain runs", "s", tuple(seconds), tuple(theirs))
        for way, seconds in ours.items()
    }
    print(table(list(comparisons.values())), file=sys.stderr)  # a full run takes long
    return _Measured(case, comparisons, values)


def _summary(measured: Sequence[_Measured]) -> str:
    lines = [f"| Case | {' | '.join(ways())} |", "| --- |" + " ---: |" * len(ways())]
    for one in measured:
        faster = [f"{statistics.median(1 / ratio for ratio in one.comparisons[way].ratios):.1f}" for way in ways()]
        lines.append(f"| {one.case.title} | {' | '.join(faster)} |")
    return "\n".join(lines)


def _growth(measured: Sequence[_Measured], alone: Sequence[str]) -> str:
    points = {
        one.case.voxels: [statistics.median(one.comparisons[way].ours) for way in ways()]
        for one in measured
        if "cropped" in one.case.name
    }
    for name in alone:
        case = case_named(name)
        points[case.voxels] = [timed(partial(by_built_in, case, way))[0] for way in ways()]
    lines = [f"| Voxels | {' | '.join(ways())} |", "| ---: |" + " ---: |" * len(ways())]
    lines += [f"| {voxels:,} | {' | '.join(f'{second:.3g} s' for second in row)} |" for voxels, row in points.items()]
    if len(points) > 1:
        for title, used in (("slope", list(points)), ("slope, two largest", sorted(points)[-2:])):
            slopes = np.polyfit(np.log(used), np.log([points[voxels] for voxels in used]), 1)[0]
            lines.append(f"| {title} | {' | '.join(f'{slope:.2f}' for slope in slopes)} |")
    return "\n".join(lines)


def _image_types(filters: ImageFilters) -> dict[str, dict[str, Any]]:
    wanted: dict[str, tuple[object, dict[str, Any]]] = {
        "Original": (filters.original, {}),
        "Wavelet": (filters.wavelet, {"wavelet": filters.wavelet}),
        "Square": (filters.square, {}),
        "SquareRoot": (filters.square_root, {}),
        "Logarithm": (filters.logarithm, {}),
        "Exponential": (filters.exponential, {}),
        "Gradient": (filters.gradient, {}),
        "LBP2D": (filters.lbp_2d, {}),
        "LoG": (filters.log_sigmas, {"sigma": list(filters.log_sigmas)}),
    }
    return {name: arguments for name, (on, arguments) in wanted.items() if on}


def _real(value: Any) -> float:
    """Infinite and complex values are NaN, as in our tables."""
    number = complex(np.asarray(value).item())
    return number.real if number.imag == 0 and np.isfinite(number.real) else float("nan")
