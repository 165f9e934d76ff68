"""Entropy map and habitats of one lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.cases.geometry import bounding_box, image_like
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.habitats.population import assign_habitats, fit_habitats
from HabitatRadiomicsLib.habitats.superpixels import LesionScale, Superpixels, describe_lesion
from HabitatRadiomicsLib.imaging import PreparedSequence, to_grid_of
from HabitatRadiomicsLib.protocol import HabitatModel, HabitatSettings
from HabitatRadiomicsLib.protocol.base import sequence_of

#: Margin around the lesion's box on the prepared grid; voxels beyond it take the value at the rim of the box.
_MARGINS = (4, 4, 4)


@dataclass(frozen=True)
class HabitatStatistics:
    """One habitat in numbers; volume and intensity on the input's grid, entropy where it was measured."""

    name: str
    voxels: int
    volume_ml: float
    fraction: float
    intensity_mean: float
    intensity_sd: float
    entropy_mean_bits: float
    entropy_sd_bits: float


@dataclass(frozen=True)
class HabitatMap:
    """The maps of one lesion, on the input's grid, zero outside the lesion.

    Attributes:
        sequence: the image's name: a sequence, or a case's key.
        entropy: local entropy in bits, Float32.
        labels: 1..K for S1..SK, UInt8.
        regions: the habitats that have voxels, on the grid of the prepared image, UInt8 0 or 1, by name.
        model: the centroids that were applied.
        scale: of the z-scores of intensity and entropy: this lesion's, or that of an earlier scan.
        superpixels: number in the lesion; ``superpixels_asked`` is the protocol's number.
    """

    sequence: str
    entropy: sitk.Image
    labels: sitk.Image
    regions: dict[str, sitk.Image]
    model: HabitatModel
    scale: LesionScale
    superpixels: int
    superpixels_asked: int
    statistics: tuple[HabitatStatistics, ...]
    warnings: tuple[str, ...]

    @property
    def title(self) -> str:
        """The image's name for use in a sentence: ``follow-up CT``."""
        return title_of(self.sequence)


def map_habitats(
    prepared: PreparedSequence,
    settings: HabitatSettings,
    model: HabitatModel | None,
    *,
    seed: int,
    scale: LesionScale | None = None,
) -> HabitatMap:
    """Split a lesion into habitats.

    Args:
        prepared: the lesion.
        settings: entropy, superpixels, range of K.
        model: a population's frozen habitats; None clusters the patient's own superpixels.
        seed: of the superpixels.
        scale: of an earlier scan of the same lesion, so that habitats keep their meaning; None: the lesion's own.

    Raises:
        RegionError: the lesion is too small for the entropy window, or too uniform for habitats.
    """
    entropy, superpixels, scale = describe_lesion(prepared, settings, seed=seed, scale=scale)
    if model is not None and model.sequence != sequence_of(prepared.name):
        raise RegionError(
            f"The habitats of {model.sequence} cannot be applied to an image of {prepared.title}.",
            where=prepared.title,
        )
    applied = model or fit_habitats(sequence_of(prepared.name), [superpixels], settings, seed=seed)
    habitat_of_voxel = assign_habitats(superpixels.means, applied.centroids)[superpixels.labels] + 1
    roi = sitk.GetArrayViewFromImage(prepared.mask) == 1
    labels = _scattered(habitat_of_voxel, roi, prepared.mask, np.uint8)
    on_input = _on_input_grid(labels, prepared, labels=True)
    warnings = habitat_warnings(superpixels, applied, prepared.title)
    if model is None:
        no_population = (
            f"{prepared.title}: no population habitats were given, so the patient's own superpixels were clustered; "
            "S1, S2, ... mean nothing in another patient, and their number is not reproducible."
        )
        warnings = (no_population, *warnings)
    return HabitatMap(
        sequence=prepared.name,
        entropy=_on_input_grid(_scattered(entropy, roi, prepared.mask, np.float32), prepared, labels=False),
        labels=on_input,
        regions=_regions(labels, applied),
        model=applied,
        scale=scale,
        superpixels=len(superpixels.sizes),
        superpixels_asked=superpixels.asked,
        statistics=_statistics(on_input, prepared, habitat_of_voxel, entropy, applied),
        warnings=warnings,
    )


def voxels_on_input_grid(prepared: PreparedSequence, superpixels: Superpixels) -> tuple[np.ndarray, float]:
    """Voxels of the input's grid in each superpixel, shape (superpixels,), and the volume of one voxel in ml.

    The sum over a habitat's superpixels is its number of voxels in :class:`HabitatStatistics`.
    """
    roi = sitk.GetArrayViewFromImage(prepared.mask) == 1
    numbers = _on_input_grid(_scattered(superpixels.labels + 1, roi, prepared.mask, np.int32), prepared, labels=True)
    counts = np.bincount(sitk.GetArrayViewFromImage(numbers).ravel(), minlength=len(superpixels.sizes) + 1)[1:]
    return counts, _voxel_ml(numbers)


def _voxel_ml(image: sitk.Image) -> float:
    return float(np.prod(image.GetSpacing())) / 1000


def _scattered(values: np.ndarray, roi: np.ndarray, reference: sitk.Image, kind: type) -> sitk.Image:
    array: np.ndarray = np.zeros(roi.shape, dtype=kind)
    array[roi] = values
    return image_like(array, reference)


def _on_input_grid(image: sitk.Image, prepared: PreparedSequence, *, labels: bool) -> sitk.Image:
    """A map resampled to the input's grid; where the two masks disagree at the rim, the input's mask decides."""
    source = prepared.source.mask
    if image.GetSize() == source.GetSize() and image.GetSpacing() == source.GetSpacing():
        return image
    back = sitk.GetArrayFromImage(to_grid_of(_grown(image, prepared.mask), source, labels=labels))
    back[sitk.GetArrayViewFromImage(source) == 0] = 0
    return image_like(back, source)


def _grown(image: sitk.Image, mask: sitk.Image) -> sitk.Image:
    """Values extrapolated from the nearest lesion voxel, within the lesion's box and a margin."""
    from scipy.ndimage import distance_transform_edt

    outside = sitk.GetArrayViewFromImage(mask) == 0
    box = bounding_box(~outside, _MARGINS)
    nearest = distance_transform_edt(
        outside[box], sampling=mask.GetSpacing()[::-1], return_distances=False, return_indices=True
    )
    return image_like(sitk.GetArrayViewFromImage(image)[box][tuple(nearest)], image[box[::-1]])


def _regions(labels: sitk.Image, model: HabitatModel) -> dict[str, sitk.Image]:
    array = sitk.GetArrayViewFromImage(labels)
    inside = {name: array == value for value, name in enumerate(model.names, start=1)}
    return {name: image_like(voxels.astype(np.uint8), labels) for name, voxels in inside.items() if voxels.any()}


def _statistics(
    labels: sitk.Image,
    prepared: PreparedSequence,
    habitat_of_voxel: np.ndarray,
    entropy: np.ndarray,
    model: HabitatModel,
) -> tuple[HabitatStatistics, ...]:
    label_array = sitk.GetArrayViewFromImage(labels)
    image_array = sitk.GetArrayViewFromImage(prepared.source.image)
    voxel_ml = _voxel_ml(labels)
    lesion = int(np.count_nonzero(label_array))
    rows = []
    for value, name in enumerate(model.names, start=1):
        voxels = image_array[label_array == value].astype(np.float64)
        bits = entropy[habitat_of_voxel == value]
        if voxels.size == 0 or bits.size == 0:
            continue
        rows.append(
            HabitatStatistics(
                name=name,
                voxels=int(voxels.size),
                volume_ml=voxels.size * voxel_ml,
                fraction=voxels.size / lesion,
                intensity_mean=float(voxels.mean()),
                intensity_sd=float(voxels.std()),
                entropy_mean_bits=float(bits.mean()),
                entropy_sd_bits=float(bits.std()),
            )
        )
    return tuple(rows)


def habitat_warnings(superpixels: Superpixels, applied: HabitatModel, title: str) -> tuple[str, ...]:
    """Sentences if a lesion is small or has no voxel of a habitat; ``title`` is the image's."""
    warnings = []
    count = len(superpixels.sizes)
    if count < superpixels.asked:
        warnings.append(
            f"{title}: the lesion is small and was split into {count} superpixels, not {superpixels.asked}."
        )
    present = set(assign_habitats(superpixels.means, applied.centroids))
    empty = [name for index, name in enumerate(applied.names) if index not in present]
    if empty:
        warnings.append(f"{title}: no voxel of this lesion belongs to {' or '.join(empty)}.")
    return tuple(warnings)
