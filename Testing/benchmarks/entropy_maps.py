"""The local entropy map (9 x 9, 32 levels, within the lesion) against scikit-image and pyradiomics."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import SimpleITK as sitk
from engine_ways import numba_in_words
from paired_runs import Comparison, check_equal, met_or_missed, paired_seconds, table
from skimage.filters import rank

from HabitatRadiomicsLib.habitats import entropy
from HabitatRadiomicsLib.habitats.entropy import local_entropy
from HabitatRadiomicsLib.protocol import EntropySettings
from HabitatRadiomicsLib.system.compiled import compiled_module

_SETTINGS = EntropySettings()
_KERNEL = "HabitatRadiomicsLib.habitats.entropy_kernel"
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
    slow_pairs: int


def measured_entropy(plan: EntropyPlan) -> dict[str, Any]:
    """As a JSON document.

    Raises:
        WrongValuesError: ours and a peer give different values.
    """
    times, worst = _times(plan)
    return {"times": times, "worst": worst, "memory": [asdict(row) for row in _memory(plan)]}


def entropy_section(document: Mapping[str, Any]) -> str:
    """Time and memory, as Markdown."""
    return f"""\
## Entropy map

Each side gets a volume and a mask and gives the local entropy of every lesion voxel: window 9 x 9 in the slice, 32
equal bins over the lesion, only voxels of the lesion counted. The lesions are ellipsoids of noise. Both sides use one
core. The peers:

* {_WHOLE}: `skimage.filters.rank.entropy` on each slice of the volume, levels as `uint8`,
  `mask` = lesion: what one writes who reads its documentation.
* {_BOX}: the same, cut to the lesion's box, as ours does by itself.
* {_BOX_16}: its faster way; the histogram then has as many bins as there are levels,
  and not 256.
* pyradiomics' voxel-based first-order Entropy (`kernelRadius` 4, `force2D`, masked kernel, `binCount` 32), in the box,
  on small lesions only, because it is slow.

The values agree: the largest difference found is {document["worst"]:.1e} bits ({_TOLERANCE:.0e} is allowed).

{table([Comparison.read(row["comparison"]) for row in document["times"]])}

So many times faster than scikit-image with `uint8`, medians; the aims are {_AIMS[True]} with numba and {_AIMS[False]}
without.

{_summary(document["times"])}

Peak of the memory allocated for it (tracemalloc; volume and mask are there before): it grows with the lesion's box, and
stays the same for one lesion in a growing volume.

{table([Comparison.read(row) for row in document["memory"]])}
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


def _ours_without_kernels(image: np.ndarray, roi: np.ndarray) -> np.ndarray:
    with patch.object(entropy, "compiled_module", return_value=None):
        return _ours(image, roi)


def _by_scikit_image(kind: type, image: np.ndarray, roi: np.ndarray) -> np.ndarray:
    lesion = image[roi].astype(np.float64)
    scaled = (image.astype(np.float64) - lesion.min()) * (_SETTINGS.levels / (lesion.max() - lesion.min()))
    levels = np.clip(scaled, 0, _SETTINGS.levels - 1).astype(kind)
    window = np.ones((_SETTINGS.window, _SETTINGS.window), dtype=np.uint8)
    slices = [rank.entropy(image_slice, window, mask=mask) for image_slice, mask in zip(levels, roi)]
    return np.stack(slices)[roi]


def _by_scikit_image_in_box(kind: type, image: np.ndarray, roi: np.ndarray) -> np.ndarray:
    box = _box(roi)
    return _by_scikit_image(kind, image[box], roi[box])


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


_WHOLE, _BOX = "scikit-image, uint8, whole slices", "scikit-image, uint8, lesion's box"
_BOX_16 = "scikit-image, uint16, lesion's box"
_PYRADIOMICS = "pyradiomics"
_PEERS: dict[str, _Map] = {
    _WHOLE: partial(_by_scikit_image, np.uint8),
    _BOX: partial(_by_scikit_image_in_box, np.uint8),
    _BOX_16: partial(_by_scikit_image_in_box, np.uint16),
    _PYRADIOMICS: _pyradiomics,
}
#: Times faster than scikit-image with uint8, with numba and without.
_AIMS = {True: 20, False: 3}


def _kinds() -> dict[bool, _Map]:
    """Ours with numba, where it is installed, and without."""
    without: dict[bool, _Map] = {False: _ours_without_kernels}
    return without if compiled_module(_KERNEL) is None else {True: _ours, **without}


def _times(plan: EntropyPlan) -> tuple[list[dict[str, Any]], float]:
    """All timings, and the largest difference in bits."""
    found: list[dict[str, Any]] = []
    worst = 0.0
    for voxels, shape in plan.lesions:
        image, roi = noise_lesion(voxels, shape)
        case = f"{np.count_nonzero(roi):,} voxels in {_size(shape)}"
        for name, peer in _PEERS.items():
            if name == _PYRADIOMICS and (voxels, shape) not in plan.voxelwise:
                continue
            reference = peer(image, roi)
            for kernels, ours in _kinds().items():
                title = f"{case}, {numba_in_words(kernels)}"
                values = ours(image, roi)
                worst = max(worst, check_equal(values, reference, f"{title}, {name}", absolute=_TOLERANCE))
                pairs = plan.slow_pairs if name in (_WHOLE, _PYRADIOMICS) else plan.pairs
                both = partial(ours, image, roi), partial(peer, image, roi)
                row = asdict(paired_seconds(title, name, *both, pairs))
                found.append({"case": case, "kernels": kernels, "comparison": row})
    return found, worst


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    times = {
        (row["case"], row["kernels"], row["comparison"]["peer"]): Comparison.read(row["comparison"]).times_faster
        for row in rows
    }
    columns = [(kernels, peer) for kernels in (True, False) for peer in (_WHOLE, _BOX)]
    columns = [column for column in columns if any(key[1] == column[0] for key in times)]
    heads = [f"{peer.rpartition(', ')[2]}, {numba_in_words(kernels)}" for kernels, peer in columns]
    lines = [f"| Case | {' | '.join(heads)} |", "| --- |" + " ---: |" * len(heads)]
    for case in dict.fromkeys(row["case"] for row in rows):
        cells = [met_or_missed(times[case, kernels, peer], _AIMS[kernels]) for kernels, peer in columns]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _memory(plan: EntropyPlan) -> list[Comparison]:
    largest, volume = plan.lesions[-1][0], plan.volumes[-1]
    cases = [(voxels, volume) for voxels, _ in plan.lesions[:-1]] + [(largest, shape) for shape in plan.volumes]
    return [_memory_of(voxels, shape) for voxels, shape in cases]


def _memory_of(voxels: int, shape: tuple[int, int, int]) -> Comparison:
    image, roi = noise_lesion(voxels, shape)
    box = [part.stop - part.start for part in _box(roi)]
    case = f"{np.count_nonzero(roi):,} voxels, box {_size(box)}, in {_size(shape)}"
    peaks = [_peak_mib(partial(run, image, roi)) for run in (_ours, _PEERS[_BOX_16])]
    return Comparison(case, _BOX_16, "MiB", (peaks[0],), (peaks[1],))


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
