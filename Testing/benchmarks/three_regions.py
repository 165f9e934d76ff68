"""All features of a lesion and its two habitats: the built-in engine against three plain runs of pyradiomics."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from agreement import Difference, Values, agreement_table, differences, worst_of_each_class
from engine_ways import Way, by_built_in, ways
from lesions import RegionCase, case_named
from paired_runs import Comparison, met_or_missed, table, timed

from HabitatRadiomicsLib.protocol import ImageFilters

_CROPPED_TOLERANCE = 1e-9
#: In a larger field of view the built-in engine's LoG, a recursive filter, does not see all of it.
_WIDE_TOLERANCE = 1e-6
#: Times faster than three plain runs, on two cores: whole field of view or not, with numba or without.
_AIMS = {(False, True): 5, (False, False): 3, (True, True): 15, (True, False): 8}


@dataclass(frozen=True)
class RegionPlan:
    """Which cases are measured, by the names of :func:`case_named`.

    Attributes:
        pairs: of each case that is compared with plain runs.
        alone: measured without a peer, to tell how the time grows.
    """

    pairs: Mapping[str, int]
    alone: tuple[str, ...] = ()


def measured_case(name: str, plan: RegionPlan) -> dict[str, Any]:
    """One case, as a JSON document.

    Raises:
        WrongValuesError: the engines give different values.
    """
    by_built_in(case_named("tiny"), ways()[0])  # compiles
    case = case_named(name)
    ours: dict[Way, list[float]] = {way: [] for way in ways()}
    theirs: list[float] = []
    found: list[Difference] = []
    for _ in range(1 if name in plan.alone else plan.pairs[name]):
        values: dict[Way, Values] = {}
        for way, seconds in ours.items():
            taken, values[way] = timed(partial(by_built_in, case, way))
            seconds.append(taken)
        if name not in plan.alone:
            taken, reference = timed(partial(by_plain_runs, case))
            theirs.append(taken)
            tolerance = _WIDE_TOLERANCE if _is_wide(case.name) else _CROPPED_TOLERANCE
            found = [row for way in values for row in differences(case.name, values[way], reference, tolerance)]
    rows = [
        {
            "way": asdict(way),
            "comparison": asdict(
                Comparison(f"{case.title}, {way.title}", "3 plain runs", "s", tuple(seconds), tuple(theirs))
            ),
        }
        for way, seconds in ours.items()
    ]
    if theirs:
        print(table([Comparison.read(row["comparison"]) for row in rows]), file=sys.stderr)  # a full run takes long
    return {
        "name": case.name,
        "title": case.title,
        "voxels": case.voxels,
        "rows": rows,
        "agreement": [asdict(worst) for worst in worst_of_each_class(found)],
    }


def region_section(documents: Sequence[Mapping[str, Any]]) -> str:
    """Times of whole extractions, as Markdown, from documents of :func:`measured_case`."""
    compared = [document for document in documents if document["agreement"]]
    comparisons = [Comparison.read(row["comparison"]) for document in compared for row in document["rows"]]
    return f"""\
## Features of three regions

Each side gets a prepared image (as if z-scored, times 100) and the masks of the whole lesion and of its habitats S1 and
S2, and gives 1,967 features of each: 14 of shape, and 93 on each of 21 images (original, 8 wavelet bands, square,
square root, logarithm, exponential, gradient, LBP-2D, 6 LoG). The peer calls `RadiomicsFeatureExtractor.execute` three
times with the same settings. **The peer uses one core, in every row: pyradiomics has no threads. Ours on two cores
(`jobs=2`) is compared with the same plain runs.** Ours is the built-in engine, with numba's kernels compiled before
and, in the same run, without them. The lesions are ellipsoids in correlated noise, 0.9 x 0.9 x 3 mm, with some 30 grey
levels, made by `lesions.py`; "cropped" leaves five voxels around the lesion.

{table(comparisons)}

The same as "so many times faster than three plain runs", medians. The aims hold for two cores: with
numba {_AIMS[False, True]} on a cropped image and {_AIMS[True, True]} in a whole field of view, without numba
{_AIMS[False, False]} and {_AIMS[True, False]}.

{_summary(compared)}

### Time against voxels of the lesion

Seconds of ours on cropped images, and the slope of a line through them on logarithmic axes (1: twice the voxels, twice
the time). Small lesions are below 1, because some of the work, such as the formulas of 21 x 5 matrices, does not depend
on the voxels.

{_growth(documents)}

### Agreement

The values of the runs that were timed, built-in engine against pyradiomics: the worst value of each class, relative to
the larger of the two. More than {_CROPPED_TOLERANCE:.0e} (in a whole field of view, {_WIDE_TOLERANCE:.0e}), or a value
that only one of them defines, would have ended the run.

{agreement_table(Difference(**row) for document in compared for row in document["agreement"])}
"""


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


def _is_wide(name: str) -> bool:
    return "whole field" in name


def _ways_of(documents: Sequence[Mapping[str, Any]]) -> list[Way]:
    return list(dict.fromkeys(Way(**row["way"]) for document in documents for row in document["rows"]))


def _summary(documents: Sequence[Mapping[str, Any]]) -> str:
    columns = _ways_of(documents)
    lines = [f"| Case | {' | '.join(way.title for way in columns)} |", "| --- |" + " ---: |" * len(columns)]
    for document in documents:
        cells = []
        for row in document["rows"]:
            way, times = Way(**row["way"]), Comparison.read(row["comparison"]).times_faster
            aim = _AIMS[_is_wide(document["name"]), way.kernels]
            cells.append(f"{times:.3g}" if way.cores == 1 else met_or_missed(times, aim))
        lines.append(f"| {document['title']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _growth(documents: Sequence[Mapping[str, Any]]) -> str:
    columns = _ways_of(documents)
    points = {
        document["voxels"]: [float(np.median(row["comparison"]["ours"])) for row in document["rows"]]
        for document in documents
        if not _is_wide(document["name"])
    }
    lines = [f"| Voxels | {' | '.join(way.title for way in columns)} |", "| ---: |" + " ---: |" * len(columns)]
    lines += [
        f"| {voxels:,} | {' | '.join(f'{second:.3g} s' for second in points[voxels])} |" for voxels in sorted(points)
    ]
    if len(points) > 1:
        for title, used in (("slope", sorted(points)), ("slope, two largest", sorted(points)[-2:])):
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
