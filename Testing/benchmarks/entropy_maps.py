"""The local entropy map (9 x 9, 32 levels, within the lesion) against scikit-image and pyradiomics."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import SimpleITK as sitk
from paired_runs import Comparison, check_equal, paired_seconds, table
from skimage.filters import rank

from HabitatRadiomicsLib.habitats.entropy import local_entropy
from HabitatRadiomicsLib.protocol import EntropySettings

_SETTINGS = EntropySettings()
#: Bits; the logarithm of a few dozen counts is rounded differently by each implementation.
_TOLERANCE = 1e-12
_FLATNESS = 0.43
_MIB = 2**20

_Map = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class EntropyPlan:
    """What is measured: sizes in voxels, volumes as (k, j, i); the last lesion and volume are the largest."""

    lesions: tuple[tuple[int, tuple[int, int, int]], ...]
    voxelwise: tuple[tuple[int, tuple[int, int, int]], ...]
    volumes: tuple[tuple[int, int, int], ...]
    pairs: int
    voxelwise_pairs: int


def entropy_section(plan: EntropyPlan) -> str:
    """Time and memory, as Markdown."""
    times, worst = _times(plan)
    return f"""\
## Entropy map

Each side gets a volume and a mask and gives the local entropy of every lesion voxel: window 9 x 9 in the slice, 32
equal bins over the lesion, only voxels of the lesion counted. The lesions are ellipsoids of noise. The peers work on
the lesion's box, as ours does:

* `skimage.filters.rank.entropy`, slice by slice, `mask` = lesion, levels as `uint8`; and as `uint16`, which is its
  faster way: its histogram then has as many bins as there are levels, and not 256.
* pyradiomics' voxel-based first-order Entropy (`kernelRadius` 4, `force2D`, masked kernel, `binCount` 32), on small
  lesions only, because it is slow.

The values agree: the largest difference found is {worst:.1e} bits ({_TOLERANCE:.0e} is allowed).
The aim for the largest lesion, in a volume of 512 x 512 x 100, is less than 2 s of ours on one core.

{table(times)}

Peak of the memory allocated for it (tracemalloc; volume and mask are there before): it grows with the lesion's box, and
stays the same for one lesion in a growing volume.

{table(_memory(plan))}
"""


def noise_lesion(voxels: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Noise (float32) and, in its middle, a flat ellipsoid of about so many voxels."""
    radius = (3 * voxels / (4 * np.pi * _FLATNESS)) ** (1 / 3)
    semi_axes = (radius * _FLATNESS, radius, radius)
    half = [int(axis) for axis in semi_axes]
    k, j, i = (np.arange(-reach, reach + 1) / axis for reach, axis in zip(half, semi_axes))
    ellipsoid = k[:, None, None] ** 2 + j[:, None] ** 2 + i**2 <= 1
    roi = np.zeros(shape, dtype=bool)
    roi[tuple(slice(size // 2 - reach, size // 2 + reach + 1) for size, reach in zip(shape, half))] = ellipsoid
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32), roi


def _ours(image: np.ndarray, roi: np.ndarray) -> np.ndarray:
    return local_entropy(image, roi, _SETTINGS)


def _scikit_image(kind: type, image: np.ndarray, roi: np.ndarray) -> np.ndarray:
    box = _box(roi)
    voxels, inside = image[box].astype(np.float64), roi[box]
    lesion = voxels[inside]
    scaled = (voxels - lesion.min()) * (_SETTINGS.levels / (lesion.max() - lesion.min()))
    levels = np.clip(scaled, 0, _SETTINGS.levels - 1).astype(kind)
    window = np.ones((_SETTINGS.window, _SETTINGS.window), dtype=np.uint8)
    slices = [rank.entropy(image_slice, window, mask=mask) for image_slice, mask in zip(levels, inside)]
    return np.stack(slices)[inside]


def _pyradiomics(image: np.ndarray, roi: np.ndarray) -> np.ndarray:
    from radiomics.firstorder import RadiomicsFirstOrder

    box = _box(roi)
    inside = roi[box]
    features = RadiomicsFirstOrder(
        sitk.GetImageFromArray(image[box].astype(np.float64)),
        sitk.GetImageFromArray(inside.astype(np.uint8)),
        voxelBased=True,
        kernelRadius=_SETTINGS.window // 2,
        force2D=True,
        force2Ddimension=0,
        maskedKernel=True,
        binCount=_SETTINGS.levels,
        label=1,
    )
    features.enableFeatureByName("Entropy")
    return sitk.GetArrayFromImage(features.execute()["Entropy"])[inside]


_SCIKIT_IMAGE: dict[str, _Map] = {
    "scikit-image, uint8": partial(_scikit_image, np.uint8),
    "scikit-image, uint16": partial(_scikit_image, np.uint16),
}
_PYRADIOMICS: dict[str, _Map] = {"pyradiomics": _pyradiomics}


def _times(plan: EntropyPlan) -> tuple[list[Comparison], float]:
    """All timings, and the largest difference in bits."""
    comparisons: list[Comparison] = []
    worst = 0.0
    for lesions, peers, pairs in (
        (plan.lesions, _SCIKIT_IMAGE, plan.pairs),
        (plan.voxelwise, _PYRADIOMICS, plan.voxelwise_pairs),
    ):
        for voxels, shape in lesions:
            image, roi = noise_lesion(voxels, shape)
            case = f"{np.count_nonzero(roi):,} voxels in {_size(shape)}"
            for name, peer in peers.items():
                what = f"entropy, {case}, {name}"
                worst = max(worst, check_equal(_ours(image, roi), peer(image, roi), what, absolute=_TOLERANCE))
                ours, theirs = partial(_ours, image, roi), partial(peer, image, roi)
                comparisons.append(paired_seconds(case, name, ours, theirs, pairs))
    return comparisons, worst


def _memory(plan: EntropyPlan) -> list[Comparison]:
    largest, volume = plan.lesions[-1][0], plan.volumes[-1]
    cases = [(voxels, volume) for voxels, _ in plan.lesions[:-1]] + [(largest, shape) for shape in plan.volumes]
    return [_memory_of(voxels, shape) for voxels, shape in cases]


def _memory_of(voxels: int, shape: tuple[int, int, int]) -> Comparison:
    image, roi = noise_lesion(voxels, shape)
    box = [part.stop - part.start for part in _box(roi)]
    case = f"{np.count_nonzero(roi):,} voxels, box {_size(box)}, in {_size(shape)}"
    name = "scikit-image, uint16"
    peaks = [_peak_mib(partial(run, image, roi)) for run in (_ours, _SCIKIT_IMAGE[name])]
    return Comparison(case, name, "MiB", (peaks[0],), (peaks[1],))


def _peak_mib(run: Callable[[], object]) -> float:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / _MIB
    finally:
        tracemalloc.stop()


def _box(roi: np.ndarray) -> tuple[slice, ...]:
    hits = [np.flatnonzero(roi.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    return tuple(slice(int(hit[0]), int(hit[-1]) + 1) for hit in hits)


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape[::-1]))
