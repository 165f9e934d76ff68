"""The filtered images, each computed on request, cut to the box that holds all regions.

Definitions, constants and names are pyradiomics' (van Griethuysen 2017, doi 10.1158/0008-5472.CAN-17-0339). A filter
sees only the box with its context (:mod:`cropping`); its values are the same as on the whole image to the last bit,
except for LoG: its filter is recursive, and where the context is smaller than the image, the last bit of a few voxels
in ten thousand may differ, and features by some 1e-9.

Square, square root, logarithm and exponential are scaled by the largest absolute intensity of the whole field of view:
a bright voxel far from the lesion changes the lesion's features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from threading import Lock

import numpy as np
import pywt
import SimpleITK as sitk

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features.builtin.cropping import LOG_MINIMUM_VOXELS, Box, log_context, wavelet_context
from HabitatRadiomicsLib.features.builtin.local_binary_pattern import local_binary_patterns
from HabitatRadiomicsLib.features.catalogue import image_names, log_sigmas
from HabitatRadiomicsLib.protocol import ImageFilters


def filtered_images(
    image: sitk.Image,
    box: Box,
    filters: ImageFilters,
    *,
    force_2d: bool = False,
    wanted: Collection[str] | None = None,
) -> dict[str, Callable[[], np.ndarray]]:
    """For each image, a function that computes its voxels within ``box``, (k, j, i); in the order of the catalogue.

    Only a branch of the wavelet transform is kept. The functions may be called in any order and by several threads.

    Args:
        image: the whole prepared image.
        box: the part of each filtered image that is returned.
        force_2d: the wavelet transform is within the slice.
        wanted: names of images; None: all that the filters ask for.

    Raises:
        FeatureError: the image is too small for a Laplacian of Gaussian.
    """
    names = [name for name in image_names(filters, force_2d=force_2d) if wanted is None or name in wanted]
    sigmas = log_sigmas(filters)
    source = _Source(image, sitk.GetArrayViewFromImage(image), box)
    _check_log(image, {name: sigmas[name] for name in names if name in sigmas})
    bands = _WaveletBands(source, filters.wavelet, force_2d) if filters.wavelet is not None else None
    simple = {
        "original": lambda source: source.voxels[source.box.slices],
        "gradient": _gradient,
        "lbp-2D": _lbp,
    }
    images: dict[str, Callable[[], np.ndarray]] = {}
    for name in names:
        if name in simple:
            images[name] = partial(simple[name], source)
        elif name in _POINTWISE:
            images[name] = partial(_pointwise, source, name)
        elif name in sigmas:
            images[name] = partial(_laplacian_of_gaussian, source, sigmas[name])
        else:
            assert bands is not None
            images[name] = partial(bands.band, name)
    return images


@dataclass(frozen=True)
class _Source:
    """An image, its voxels (k, j, i), and the box that is wanted."""

    image: sitk.Image
    voxels: np.ndarray
    box: Box

    def part(self, box: Box) -> sitk.Image:
        """The image within a box, with its spacing and direction."""
        k, j, i = box.slices
        return self.image[i, j, k]


#: Filters of single voxels x, scaled so that m, the largest absolute intensity of the whole image, stays m.
_POINTWISE: dict[str, Callable[[np.ndarray, np.float64], np.ndarray]] = {
    "square": lambda x, m: ((1 / np.sqrt(m)) * x) ** 2,
    "squareroot": lambda x, m: np.copysign(np.sqrt(np.abs(x) * m), x),
    "logarithm": lambda x, m: np.copysign(np.log(np.abs(x) + 1), x) * (m / np.log(m + 1)),
    "exponential": lambda x, m: np.exp((np.log(m) / m) * x),
}


def _pointwise(source: _Source, name: str) -> np.ndarray:
    """Some are NaN for an image of zeros."""
    largest = np.maximum(abs(np.float64(source.voxels.min())), abs(np.float64(source.voxels.max())))
    with np.errstate(all="ignore"):
        return _POINTWISE[name](source.voxels[source.box.slices].astype(np.float64), largest)


def _gradient(source: _Source) -> np.ndarray:
    """Magnitude of the gradient per mm, by central differences (SimpleITK's filter)."""
    seen = source.box.widened((2, 2, 2), source.voxels.shape)
    gradient = sitk.GradientMagnitudeImageFilter()
    gradient.SetNumberOfThreads(1)  # the engine's jobs use the cores
    gradient.SetUseImageSpacing(True)
    filtered = sitk.GetArrayFromImage(gradient.Execute(source.part(seen)))
    return filtered[source.box.slices_within(seen)]


def _lbp(source: _Source) -> np.ndarray:
    """Uniform local binary patterns of eight neighbours at one voxel, slice by slice; of the image's pixel type."""
    seen = source.box.widened((0, 2, 2), source.voxels.shape)
    patterns = local_binary_patterns(source.voxels[seen.slices], seen.start[1:])
    return patterns.astype(source.voxels.dtype)[source.box.slices_within(seen)]


def _laplacian_of_gaussian(source: _Source, sigma: float) -> np.ndarray:
    """Laplacian of a Gaussian of ``sigma`` mm, times sigma squared; float32.

    The steps of SimpleITK's ``LaplacianRecursiveGaussian``, to the last bit: the second derivative along each axis is
    smoothed along the other two, in turn. A step treats each line of voxels alone, so that the image is cut to the box
    along an axis right after the step along it, and most steps are small.
    """
    spacing = source.image.GetSpacing()
    seen = log_context(source.box, source.voxels.shape, (spacing[2], spacing[1], spacing[0]), sigma)
    part = source.part(seen)
    inner = source.box.slices_within(seen)[::-1]
    step = sitk.RecursiveGaussianImageFilter()
    step.SetNumberOfThreads(1)
    step.SetNormalizeAcrossScale(True)
    step.SetSigma(sigma)
    laplacian: np.ndarray | None = None
    for axis in range(3):
        derivative = part
        for direction in (axis, *(other for other in range(3) if other != axis)):
            step.SetDirection(direction)
            step.SetOrder(step.SecondOrder if direction == axis else step.ZeroOrder)
            cut = tuple(inner[direction] if other == direction else slice(None) for other in range(3))
            derivative = step.Execute(derivative)[cut]
        # ITK's derivative is per voxel; sums are taken in double precision and stored in single.
        change = sitk.GetArrayViewFromImage(derivative).astype(np.float64) * (1 / spacing[axis] ** 2)
        laplacian = (change if laplacian is None else laplacian + change).astype(np.float32)
    assert laplacian is not None
    return laplacian


class _WaveletBands:
    """The bands of one level of the stationary wavelet transform; the first letter is that of the columns (i).

    ``pywt.swtn`` gives all bands at once. Axis by axis, the values are the same, and each axis is cut to the box right
    after it has been filtered. Only the branch of the latest band is kept: bands requested in their order need each
    step once, and six images in memory at most rather than fourteen.
    """

    def __init__(self, source: _Source, wavelet: str, force_2d: bool) -> None:
        self._source = source
        self._wavelet = pywt.Wavelet(wavelet)
        self._seen = wavelet_context(source.box, source.voxels.shape, self._wavelet.dec_len)
        self._inner = source.box.slices_within(self._seen)
        self._axes = (2, 1) if force_2d else (2, 1, 0)
        self._kept: dict[str, np.ndarray] = {}
        self._one_at_a_time = Lock()

    def band(self, name: str) -> np.ndarray:
        """The band ``wavelet-HLL``, for instance: high-pass along i, low-pass along j and k."""
        with self._one_at_a_time:
            return self._filtered(name.removeprefix("wavelet-"))

    def _filtered(self, letters: str) -> np.ndarray:
        """The voxels, filtered along one axis for each letter: L low-pass, H high-pass."""
        if not letters:
            return self._voxels()
        if letters not in self._kept:
            before = self._filtered(letters[:-1])
            axis = self._axes[len(letters) - 1]
            cut = tuple(self._inner[axis] if other == axis else slice(None) for other in range(3))
            [(low, high)] = pywt.swt(before, self._wavelet, level=1, axis=axis)
            self._kept = {key: kept for key, kept in self._kept.items() if len(key) < len(letters)}
            self._kept |= {letters[:-1] + "L": low[cut], letters[:-1] + "H": high[cut]}
        return self._kept[letters]

    def _voxels(self) -> np.ndarray:
        """The context, padded to even sizes, which the transform needs.

        pyradiomics repeats the first voxel after the last on every axis. Whether a cut box was padded changes nothing
        within the reach of the filter.
        """
        voxels = self._source.voxels[self._seen.slices]
        voxels = np.pad(voxels, [(0, size % 2) for size in voxels.shape], mode="wrap")
        return voxels if 0 in self._axes else voxels[self._inner[0]]


def _check_log(image: sitk.Image, sigmas: dict[str, float]) -> None:
    size, spacing = image.GetSize(), image.GetSpacing()
    impossible = sorted(
        name
        for name, sigma in sigmas.items()
        if min(size) < LOG_MINIMUM_VOXELS
        or any(voxels < math.ceil(sigma / step) + 1 for voxels, step in zip(size, spacing))
    )
    if impossible:
        raise FeatureError(
            f"The image ({' x '.join(map(str, size))} voxels) is too small for: {', '.join(impossible)}.",
            remedy="LoG needs at least four slices, and more than sigma in each direction: leave it out of the "
            "protocol, or use a larger field of view.",
        )
