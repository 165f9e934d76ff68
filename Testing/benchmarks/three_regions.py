"""All features of a lesion and its two habitats: our engine against three plain runs of pyradiomics."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from paired_runs import Comparison, WrongValuesError, check_equal, paired_seconds, table

from HabitatRadiomicsLib.case import Case, SequenceImage, read_sequence
from HabitatRadiomicsLib.features import choose_engine, regions_of
from HabitatRadiomicsLib.mapping import make_maps
from HabitatRadiomicsLib.protocol import (
    FeatureSettings,
    HabitatSettings,
    ImageFilters,
    Normalisation,
    Preprocessing,
    Protocol,
)
from HabitatRadiomicsLib.synthetic import synthetic_patient

_SEQUENCE = "T1W"
_PROTOCOL = Protocol(
    name="benchmark",
    title="Whole lesion and two habitats of the patient's own",
    regions=("whole", "S1", "S2"),
    preprocessing=Preprocessing(normalisation=Normalisation()),
    habitats=HabitatSettings(k_min=2, k_max=2),
)
_RELATIVE = 1e-9
_WIDE = 256


@dataclass(frozen=True)
class RegionCase:
    """A prepared image and the regions to measure in it."""

    name: str
    image: sitk.Image
    regions: Mapping[str, sitk.Image]
    settings: FeatureSettings = _PROTOCOL.features

    @property
    def title(self) -> str:
        """Name, image size and the region's voxels, in words."""
        size = " x ".join(map(str, self.image.GetSize()))
        voxels = [int(np.count_nonzero(sitk.GetArrayViewFromImage(mask))) for mask in self.regions.values()]
        return f"{self.name}, {size}, regions of {', '.join(f'{count:,}' for count in voxels)} voxels"


@dataclass(frozen=True)
class RegionPlan:
    """Which cases are measured, by the names of :func:`case_named`."""

    cases: tuple[str, ...]
    pairs: int


def region_section(plan: RegionPlan) -> str:
    """Times of whole extractions, as Markdown."""
    return f"""\
## Features of three regions

Each side gets a prepared image (z-scored, times 100) and the masks of the whole lesion and of its habitats S1 and S2,
and gives 1,967 features of each: 14 of shape, and 93 on each of 21 images (original, 8 wavelet bands, square, square
root, logarithm, exponential, gradient, LBP-2D, 6 LoG). The peer calls `RadiomicsFeatureExtractor.execute` three times
with the same settings. Ours computes each of the 21 images once for all regions; the features themselves are computed
by pyradiomics' own code on both sides, so that ours gains where the field of view is large for the lesion.

Before anything was timed, all values were found equal (relative tolerance {_RELATIVE:.0e}, NaN equal to NaN).

{table([_compared(case_named(name), plan.pairs) for name in plan.cases])}
"""


def case_named(name: str) -> RegionCase:
    """``synthetic``; ``wide``: the same lesion in a larger field of view; ``tiny``: on the original image only;
    or a public case of the data beside the checkout, e.g. ``STS_042``.
    """
    if name in ("synthetic", "wide", "tiny"):
        case = _prepared("synthetic lesion", synthetic_patient(1, seed=7).case.sequences[_SEQUENCE])
        return {"synthetic": case, "wide": _widened(case), "tiny": _on_original_image(case)}[name]
    folder = _public_images() / name
    image, mask = folder / f"{_SEQUENCE}_image.nii.gz", folder / f"{_SEQUENCE}_mask.nii.gz"
    return _prepared(f"{name}, {_SEQUENCE}", read_sequence(_SEQUENCE, image, mask))


def present(names: Sequence[str]) -> tuple[str, ...]:
    """Those public cases whose images are there."""
    return tuple(name for name in names if (_public_images() / name).is_dir())


def by_engine(case: RegionCase) -> dict[str, dict[str, float]]:
    """Ours."""
    engine = choose_engine(case.settings)
    return engine.extract(case.image, case.regions, case.settings, case.settings.discretisation)


def by_plain_runs(case: RegionCase) -> dict[str, dict[str, Any]]:
    """The peer: a whole run of pyradiomics for each region."""
    import radiomics
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    radiomics.logger.setLevel(logging.CRITICAL)  # as our engine does
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
        return {name: extractor.execute(case.image, mask) for name, mask in case.regions.items()}


def check_case(case: RegionCase) -> None:
    """Both sides once.

    Raises:
        WrongValuesError: they differ in a name or a value.
    """
    ours, theirs = by_engine(case), by_plain_runs(case)
    for region, values in ours.items():
        if set(values) != set(theirs[region]):
            raise WrongValuesError(f"{case.name} {region}: the features have other names.")
        ours_here = np.array(list(values.values()))
        theirs_here = np.array([_real(theirs[region][name]) for name in values])
        check_equal(ours_here, theirs_here, f"{case.name} {region}", relative=_RELATIVE)


def _compared(case: RegionCase, pairs: int) -> Comparison:
    check_case(case)
    return paired_seconds(case.title, "3 plain runs", partial(by_engine, case), partial(by_plain_runs, case), pairs)


def _prepared(name: str, sequence: SequenceImage) -> RegionCase:
    prepared, maps = make_maps(Case("benchmark", {_SEQUENCE: sequence}), _PROTOCOL)
    regions = regions_of(prepared[_SEQUENCE], maps[_SEQUENCE], _PROTOCOL.regions, _PROTOCOL.ring_mm)
    return RegionCase(name, prepared[_SEQUENCE].image, regions)


def _widened(case: RegionCase) -> RegionCase:
    """The image mirrored at its borders until the slices have 256 x 256 pixels; the same regions in the middle."""
    missing = [_WIDE - size for size in case.image.GetSize()[:2]]
    before = [*(size // 2 for size in missing), 0]
    after = [*(size - size // 2 for size in missing), 0]
    regions = {name: sitk.ConstantPad(mask, before, after, 0) for name, mask in case.regions.items()}
    return RegionCase(f"{case.name}, wide field of view", sitk.MirrorPad(case.image, before, after), regions)


def _on_original_image(case: RegionCase) -> RegionCase:
    images = ImageFilters(
        wavelet=None, square=False, square_root=False, logarithm=False, exponential=False, gradient=False,
        lbp_2d=False, log_sigmas=(),
    )  # fmt: skip
    return RegionCase(case.name, case.image, case.regions, FeatureSettings(images=images))


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


def _public_images() -> Path:
    beside = Path(__file__).resolve().parents[3] / "shared"
    return Path(os.environ.get("HABITAT_RADIOMICS_SHARED", beside)) / "data" / "sts" / "images"
