"""Perturbed copies of a patient: the lesion as another scan and another reader might show it.

Zwanenburg et al., Assessing robustness of radiomic features by image perturbation, 2019, doi
10.1038/s41598-018-36938-4: chains of several perturbations identified unreliable features best. Here every copy is such
a chain: noise, then translation and rotation (one resampling for both), then the contour. An amplitude of 0 leaves a
step out.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.cases.geometry import bounding_box, canonical_grid, image_like
from HabitatRadiomicsLib.cases.mask import to_grid
from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.imaging.resample import INTERPOLATORS
from HabitatRadiomicsLib.protocol import RobustnessSettings
from HabitatRadiomicsLib.protocol.base import timepoint_of

#: The steps that draw random numbers; each has a stream of its own, so that leaving one out changes no other.
_GEOMETRY, _CONTOUR, _NOISE = range(3)
#: Margins around the lesion's box for the estimate of the noise: enough for small lesions.
_NOISE_MARGINS = (0, 10, 10)
#: The median of the absolute value of a normal variable with SD 1.
_MEDIAN_OF_NORMAL = 0.6744897501960817
#: Number of random waves whose sum is the displacement of a contour: enough for it to be nearly normal.
_WAVES = 64
#: The displacement is clipped at this many SD: no reader would err by more.
_LARGEST_SD = 3.0
#: Fractions of the displacement, tried in this order until the change of volume is within its bounds.
_FRACTIONS = np.linspace(1, 0, 21)


def perturbation_names(settings: RobustnessSettings) -> tuple[str, ...]:
    """Names of the copies: ``copy-01`` and so on."""
    return tuple(f"copy-{number:02d}" for number in range(1, settings.copies + 1))


def perturbed_case(case: Case, settings: RobustnessSettings, number: int, *, seed: int) -> tuple[str, Case]:
    """The name of a copy and the copy, by its number from 1.

    All sequences of a time point are shifted by the same fractions of a voxel and rotated by the same angle, each on
    its own grid; their contours share one displacement field, and each has noise of its own. Time points are moved and
    segmented independently. A case alone and in a cohort gives the same copies, bit for bit, also when there are
    fewer sequences or more copies.

    Args:
        case: as it was read, before preprocessing.
        settings: number of copies, and amplitudes.
        number: of the copy.
        seed: the protocol's.

    Raises:
        MaskError: a lesion reaches beyond the image's edge in the copy, or nothing of it is left.
    """
    copies = {}
    for key, sequence in case.sequences.items():
        patient_then = f"{case.case_id} {timepoint_of(key)}".strip()
        copies[key] = _perturbed(sequence, settings, _number_of(f"{seed} {patient_then}"), number)
    return perturbation_names(settings)[number - 1], Case(case.case_id, copies)


def _number_of(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def moved_grid(
    sequence: SequenceImage,
    *,
    translation: tuple[float, float, float],
    rotation_degrees: float,
    interpolator: str = "bspline",
) -> SequenceImage:
    """The same patient, sampled on a grid that is translated and rotated about the lesion's centre.

    The grid moves and the patient stays, so that image and mask keep their position in the patient and still overlay
    a sequence that was not moved. The effect on features is that of moving the patient the other way.
    The image is Float64; beyond its old edges it continues with the values there. The lesion is where the linearly
    interpolated mask is at least 0.5. Interpolation smooths: with a protocol that does not resample, fine texture of
    the copies differs from the original's for that reason alone.

    Args:
        sequence: image and mask.
        translation: of the grid along i, j, k, in voxels.
        rotation_degrees: about the slice axis (the third of the image, k).
        interpolator: of the image, ``bspline`` (cubic) or ``linear``.

    Raises:
        MaskError: a voxel of the lesion falls outside the moved grid, or nothing of the lesion is left.
    """
    image, mask = sequence.image, sequence.mask
    if not any(translation) and rotation_degrees == 0:
        return sequence
    grid = _moved(image, mask, translation, rotation_degrees)
    _check_inside(mask, grid, sequence.title)
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(grid)
    resampler.SetUseNearestNeighborExtrapolator(True)
    resampler.SetInterpolator(INTERPOLATORS[interpolator])
    moved_image = resampler.Execute(sitk.Cast(image, sitk.sitkFloat64))
    others = None if sequence.others is None else to_grid(sequence.others, grid)
    resampler.SetInterpolator(sitk.sitkLinear)
    # Slightly below one half: where the shift is half a voxel, rounding would otherwise decide.
    moved_mask = resampler.Execute(sitk.Cast(mask, sitk.sitkFloat64)) > 0.5 - 1e-9
    if not sitk.GetArrayViewFromImage(moved_mask).any():
        raise MaskError(
            "Nothing is left of the lesion after the grid was moved: the lesion is too thin.",
            where=sequence.title,
            remedy="Use smaller translations in the protocol's robustness settings, or leave the case out.",
        )
    return SequenceImage(sequence.name, moved_image, moved_mask, sequence.warnings, others)


def _perturbed(sequence: SequenceImage, settings: RobustnessSettings, seed: int, number: int) -> SequenceImage:
    if settings.noise:
        # Sequences of one grid must not have the same noise.
        generator = np.random.default_rng([seed, number, _NOISE, _number_of(sequence.name)])
        level = settings.noise * noise_level(sequence.image, sequence.mask)
        sequence = replace(sequence, image=with_noise(sequence.image, level, generator))
    geometry = np.random.default_rng([seed, number, _GEOMETRY])
    i, j, k, turn = geometry.uniform(-1, 1, 4)
    sequence = moved_grid(
        sequence,
        translation=(settings.translation * i, settings.translation * j, settings.translation * k),
        rotation_degrees=settings.rotation_degrees * turn,
        interpolator=settings.interpolator,
    )
    if not settings.contour_mm:
        return sequence
    mask = randomised_contour(
        sequence.mask,
        np.random.default_rng([seed, number, _CONTOUR]),
        amplitude_mm=settings.contour_mm,
        grain_mm=settings.contour_grain_mm,
        maximum_volume_change=settings.maximum_volume_change,
    )
    return replace(sequence, mask=mask)


def _moved(
    image: sitk.Image, mask: sitk.Image, translation: tuple[float, float, float], rotation_degrees: float
) -> sitk.Image:
    """An empty image on the moved grid."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    turn = sitk.VersorRigid3DTransform()
    turn.SetRotation(direction[:, 2].tolist(), float(np.deg2rad(rotation_degrees)))
    turn.SetCenter(_centre(mask))
    shift = direction @ (np.array(translation) * image.GetSpacing())
    grid = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    grid.SetSpacing(image.GetSpacing())
    grid.SetOrigin((np.array(turn.TransformPoint(image.GetOrigin())) + shift).tolist())
    grid.SetDirection((np.array(turn.GetMatrix()).reshape(3, 3) @ direction).ravel().tolist())
    return canonical_grid(grid)


def _centre(mask: sitk.Image) -> tuple[float, float, float]:
    """The centre of the lesion's voxels, mm."""
    indices = np.argwhere(sitk.GetArrayViewFromImage(mask))[:, ::-1]
    return mask.TransformContinuousIndexToPhysicalPoint(indices.mean(axis=0).tolist())


def _check_inside(mask: sitk.Image, grid: sitk.Image, where: str) -> None:
    """Refuse a grid that misses a voxel of the lesion."""
    indices = np.argwhere(sitk.GetArrayViewFromImage(mask))[:, ::-1]
    points = np.einsum("pi,ji->pj", indices, _axes(mask)) + mask.GetOrigin()
    on_grid = np.einsum("pi,ji->pj", points - grid.GetOrigin(), np.linalg.inv(_axes(grid)))
    outside = ((on_grid < -0.5 - 1e-6) | (on_grid > np.array(grid.GetSize()) - 0.5 + 1e-6)).any(axis=1)
    if outside.any():
        raise MaskError(
            f"The lesion lies at the edge of the image: {int(outside.sum())} of its {len(indices)} voxels fall outside "
            "when the grid is moved.",
            where=where,
            remedy="Crop the image less closely, or use smaller translations and rotations in the protocol's "
            "robustness.",
        )


def _axes(image: sitk.Image) -> np.ndarray:
    """From steps along i, j, k to mm, shape (3, 3)."""
    return np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())


def noise_level(image: sitk.Image, mask: sitk.Image) -> float:
    """SD of white noise in and around the lesion, in units of the image.

    The median absolute diagonal detail of a stationary wavelet transform of each slice (coif1, HH band), over 0.6745
    (Donoho and Johnstone 1994, doi 10.1093/biomet/81.3.425; for noisy images Chang 2000, doi 10.1109/83.862633).
    Only the lesion's box and a margin, in the slices of the lesion, are used: the air around a patient is less noisy
    than the patient (or, in MRI, empty). Fine texture is counted as noise; noise that a scanner has smoothed is
    underestimated.
    """
    import pywt
    from scipy.ndimage import convolve1d

    # The filter has unit length, so that white noise keeps its SD.
    high_pass = pywt.Wavelet("coif1").dec_hi
    box = bounding_box(sitk.GetArrayViewFromImage(mask) != 0, _NOISE_MARGINS)
    detail = sitk.GetArrayViewFromImage(image)[box].astype(np.float64)
    for axis in (1, 2):
        detail = convolve1d(detail, high_pass, axis=axis, mode="mirror")
        # Mirroring reduces the noise at the edges.
        edge = len(high_pass) // 2
        if detail.shape[axis] > 4 * edge:
            detail = np.take(detail, range(edge, detail.shape[axis] - edge), axis=axis)
    return float(np.median(np.abs(detail)) / _MEDIAN_OF_NORMAL)


def with_noise(image: sitk.Image, deviation: float, generator: np.random.Generator) -> sitk.Image:
    """The image with added white Gaussian noise of this SD, Float64."""
    array = sitk.GetArrayFromImage(image).astype(np.float64)
    array += deviation * generator.standard_normal(array.shape)
    return image_like(array, image)


def randomised_contour(
    mask: sitk.Image,
    generator: np.random.Generator,
    *,
    amplitude_mm: float,
    grain_mm: float,
    maximum_volume_change: float,
) -> sitk.Image:
    """A mask whose boundary is moved in and out by a smooth random displacement.

    Zwanenburg 2019 adds and drops supervoxels at the boundary; this method needs no image: a voxel is inside if its
    signed distance to the boundary is at most the displacement at its position. The displacement is a stationary
    Gaussian field in space, with mean 0, SD ``amplitude_mm`` and covariance ``exp(-d^2 / (2 grain^2))``, made of random
    waves (Rahimi and Recht 2007). Across thick slices, displacements below half a slice change nothing.

    Args:
        mask: UInt8, 0 or 1, not empty.
        generator: of the waves, which do not depend on the grid.
        amplitude_mm: SD of the displacement.
        grain_mm: the distance over which the displacement stays similar.
        maximum_volume_change: fraction of the lesion's voxels, below 1; the displacement is reduced until the volume
            changes by no more, so that the lesion never vanishes.
    """
    inside = sitk.GetArrayViewFromImage(mask) == 1
    distance = signed_distance(mask)
    waves = generator.normal(0, 1 / grain_mm, (_WAVES, 3))
    phases = generator.uniform(0, 2 * np.pi, _WAVES)
    near = np.abs(distance) < _LARGEST_SD * amplitude_mm
    displacement: np.ndarray = np.zeros(int(near.sum()))
    points = _points(mask, near)
    for wave, phase in zip(waves, phases):
        # Not a matrix product, whose last bit may depend on the number of threads.
        displacement += np.cos(np.einsum("pi,i->p", points, wave) + phase)
    displacement *= np.sqrt(2 / _WAVES)
    displacement = amplitude_mm * np.clip(displacement, -_LARGEST_SD, _LARGEST_SD)
    moved = inside.copy()
    for fraction in _FRACTIONS:
        moved[near] = distance[near] <= fraction * displacement
        if abs(int(moved.sum()) - int(inside.sum())) <= maximum_volume_change * inside.sum():
            break
    return image_like(moved.astype(np.uint8), mask)


def signed_distance(mask: sitk.Image) -> np.ndarray:
    """Distance of every voxel to the lesion's boundary in mm, negative inside, [k, j, i].

    The boundary lies halfway between the outermost voxels of the lesion and the innermost voxels around it: the mean of
    the distances to both, exact on anisotropic grids (Maurer 2003, doi 10.1109/TPAMI.2003.1177156).
    """
    return (_distance_map(mask) - _distance_map(mask == 0)) / 2


def _distance_map(mask: sitk.Image) -> np.ndarray:
    if sitk.GetArrayViewFromImage(mask).all():
        # The whole image is the lesion: there is no boundary.
        return np.full(mask.GetSize()[::-1], -np.inf)
    distance = sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return sitk.GetArrayFromImage(distance).astype(np.float64)


def _points(image: sitk.Image, chosen: np.ndarray) -> np.ndarray:
    """Positions of the chosen voxels in mm, shape (voxels, 3)."""
    indices = np.argwhere(chosen)[:, ::-1] * np.array(image.GetSpacing())
    direction = np.array(image.GetDirection()).reshape(3, 3)
    return np.einsum("pi,ji->pj", indices, direction) + np.array(image.GetOrigin())
