"""Local Shannon entropy of the grey levels around each voxel of a lesion."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.cases.geometry import bounding_box
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.protocol import EntropySettings
from HabitatRadiomicsLib.system.compiled import compiled_module

_Box = tuple[slice, ...]


def local_entropy(
    image: np.ndarray,
    roi: np.ndarray,
    settings: EntropySettings,
    *,
    limits: tuple[float, float] | None = None,
    where: str = "",
) -> np.ndarray:
    """Entropy in bits, ``-sum p log2 p``, of the grey levels in a window around each voxel of the ROI.

    The window is ``w x w`` in the i-j plane of the array (or ``w x w x w``), stride 1, whatever the spacing. With scope
    ``roi`` only voxels of the ROI count, in the window and for the range of the levels; with scope ``image`` all voxels
    of the image count. :class:`EntropySettings` describes the variant ``matlab``.

    Memory grows with the ROI's bounding box, not with the volume; time with box times levels.

    Args:
        image: intensities, shape (k, j, i).
        roi: boolean, same shape.
        settings: window, levels, scope.
        limits: lowest and highest intensity of the levels, from another image: intensities beyond belong to the
            outermost level. None: this image's :func:`grey_limits`.
        where: named in errors.

    Returns:
        Float64, one value per ROI voxel in C order (as ``image[roi]`` gives them).

    Raises:
        RegionError: the ROI has fewer voxels than the window.
    """
    dimensions, radius = settings.dimensions, settings.window // 2
    box = bounding_box(roi)
    voxels = int(np.count_nonzero(roi[box]))
    needed = settings.window**dimensions
    if voxels < needed:
        raise RegionError(
            f"The lesion has {voxels} voxels; an entropy window of {' x '.join([str(settings.window)] * dimensions)} "
            f"needs at least {needed}.",
            where=where,
            remedy="Choose a smaller window or a finer spacing in the protocol.",
        )
    margins = tuple(radius if axis >= 3 - dimensions else 0 for axis in range(3))
    levels, counted = _levels_in_box(image, roi, box, margins, settings, limits or grey_limits(image, roi, settings))
    table = _c_log2_c(needed)
    kernel = compiled_module("HabitatRadiomicsLib.habitats.entropy_kernel")
    sums = _sums_by_level if kernel is None else kernel.window_sums
    in_window, total = sums(levels, counted, roi[box], margins, settings.levels, table)
    # H = log2 n - (sum over levels of c log2 c) / n: all logarithms are looked up by count.
    entropy = np.log2(np.maximum(np.arange(needed + 1.0), 1))[in_window] - total / in_window
    # A single level has no entropy; rounding would leave 1e-16.
    entropy[np.abs(entropy) < 1e-12] = 0.0
    return entropy


def grey_limits(image: np.ndarray, roi: np.ndarray, settings: EntropySettings) -> tuple[float, float]:
    """Lowest and highest intensity of the scope, the limits of the grey levels; the ROI must not be empty."""
    voxels = image
    if settings.scope == "roi":
        box = bounding_box(roi)
        voxels = image[box][roi[box]]
    return float(voxels.min()), float(voxels.max())


def _sums_by_level(
    levels: np.ndarray,
    counted: np.ndarray,
    wanted: np.ndarray,
    margins: tuple[int, ...],
    level_count: int,
    table: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The sums of the kernel in ``entropy_kernel``, computed level by level."""
    inside = np.flatnonzero(wanted)
    # A window of 15 x 15 is the largest whose counts fit a byte.
    counter = np.uint8 if table.size - 1 <= np.iinfo(np.uint8).max else np.uint16
    total = np.zeros(inside.size)
    for level in range(level_count):
        of_level = ((levels == level) & counted).astype(counter)
        if of_level.any():
            total += table[_window_sums(of_level, margins).ravel()[inside]]
    return _window_sums(counted.astype(counter), margins).ravel()[inside], total


def _levels_in_box(
    image: np.ndarray,
    roi: np.ndarray,
    box: _Box,
    margins: tuple[int, ...],
    settings: EntropySettings,
    limits: tuple[float, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels and which voxels count, in the box widened by the window's reach."""
    if settings.scope == "roi":
        padding = [(margin, margin) for margin in margins]
        return np.pad(_equal_bins(image[box], *limits, settings.levels), padding), np.pad(roi[box], padding)
    wide, padding = _widened(box, margins, image.shape)
    if settings.definition == "matlab":
        levels = np.pad(_scaled_to_byte(image[wide], *limits), padding, mode="symmetric")
        return levels, np.ones(levels.shape, dtype=bool)
    levels = _equal_bins(image[wide], *limits, settings.levels)
    return np.pad(levels, padding), np.pad(np.ones(levels.shape, dtype=bool), padding)


def _equal_bins(voxels: np.ndarray, low: float, high: float, count: int) -> np.ndarray:
    """Bin numbers 0 to ``count - 1`` of equal bins from ``low`` to ``high``.

    Values beyond are in the outermost bin, ``high`` is in the last one; a single intensity is in the first one.
    """
    # Multiplied first, so that whole-number intensities on an edge fall into the bin above it, exactly.
    scaled = (voxels.astype(np.float64) - low) * count / (high - low or 1.0)
    return np.clip(scaled, 0, count - 1).astype(np.uint8)


def _scaled_to_byte(voxels: np.ndarray, low: float, high: float) -> np.ndarray:
    """MATLAB's ``im2uint8(mat2gray(image, [low high]))``: 0 to 255, halves rounded up, cut at the limits."""
    scaled = np.clip((voxels.astype(np.float64) - low) / (high - low or 1.0), 0, 1)
    return np.floor(scaled * 255 + 0.5).astype(np.uint8)


def _widened(box: _Box, margins: tuple[int, ...], shape: tuple[int, ...]) -> tuple[_Box, list[tuple[int, int]]]:
    """The box widened as far as the image reaches, and the voxels missing beyond its borders."""
    wide, padding = [], []
    for part, margin, size in zip(box, margins, shape):
        start, stop = max(0, part.start - margin), min(size, part.stop + margin)
        wide.append(slice(start, stop))
        padding.append((margin - (part.start - start), margin - (stop - part.stop)))
    return tuple(wide), padding


def _window_sums(counts: np.ndarray, margins: tuple[int, ...]) -> np.ndarray:
    """Sums over the window; each axis shrinks by twice its margin. Exact in the given integer type."""
    for axis, margin in enumerate(margins):
        if margin == 0:
            continue
        # Runs of 2, 4, 8, ... voxels are sums of two shorter ones; the width is put together from them.
        width, size = 2 * margin + 1, counts.shape[axis] - 2 * margin
        run, length, start = counts, 1, 0
        total = np.zeros_like(_part(counts, axis, 0, size))
        for bit in (bit for bit in range(width.bit_length()) if width >> bit & 1):
            while length < 1 << bit:
                run = _part(run, axis, 0, -length) + _part(run, axis, length, None)
                length *= 2
            piece = _part(run, axis, start, start + size)
            total += piece
            start += length
        counts = total
    return counts


def _part(array: np.ndarray, axis: int, start: int, stop: int | None) -> np.ndarray:
    index = [slice(None)] * array.ndim
    index[axis] = slice(start, stop)
    return array[tuple(index)]


def _c_log2_c(largest: int) -> np.ndarray:
    counts = np.arange(largest + 1, dtype=np.float64)
    counts[0] = 1.0  # 0 log2 0 is 0, and so is 1 log2 1
    return np.arange(largest + 1) * np.log2(counts)
