"""Perturbed copies of a patient, as another scan and another reader might have shown the lesion (Zwanenburg 2019).

Zwanenburg et al., Assessing robustness of radiomic features by image perturbation, doi 10.1038/s41598-018-36938-4.
There, chains of several perturbations identified unreliable features best. Here every copy is such a chain: noise,
then translation and rotation (one resampling for both), then the contour. An amplitude of 0 leaves a step out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.cases.geometry import canonical_grid
from HabitatRadiomicsLib.cases.mask import to_grid
from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.imaging.contour import randomised_contour
from HabitatRadiomicsLib.imaging.noise import noise_level, with_noise
from HabitatRadiomicsLib.protocol import RobustnessSettings
from HabitatRadiomicsLib.protocol.base import timepoint_of

_INTERPOLATORS = {"bspline": sitk.sitkBSpline, "linear": sitk.sitkLinear}

#: The steps that draw random numbers; each has a stream of its own, so that leaving one out changes no other.
_GEOMETRY, _CONTOUR, _NOISE = range(3)


def perturbation_names(settings: RobustnessSettings) -> tuple[str, ...]:
    """Names of the copies, ``copy-01`` and so on."""
    return tuple(f"copy-{number:02d}" for number in range(1, settings.copies + 1))


def perturbed_cases(case: Case, settings: RobustnessSettings, *, seed: int) -> Iterator[tuple[str, Case]]:
    """The copies of a case by name, one at a time.

    All sequences of a copy are shifted by the same fractions of a voxel and rotated by the same angle, each on its
    own grid; their contours share one displacement field, and each has noise of its own. Time points are moved and
    segmented independently. A case alone and in a cohort gives the same copies, bit for bit, also when there are
    fewer sequences or more copies.

    Args:
        case: as it was read, before preprocessing.
        settings: how many copies, and amplitudes.
        seed: the protocol's.

    Raises:
        MaskError: a lesion reaches beyond the image's edge in a copy, or nothing of it is left.
    """
    for number in range(1, settings.copies + 1):
        yield perturbed_case(case, settings, number, seed=seed)


def perturbed_case(case: Case, settings: RobustnessSettings, number: int, *, seed: int) -> tuple[str, Case]:
    """One copy by its number, starting at 1: for work that is distributed by copies."""
    name = perturbation_names(settings)[number - 1]
    copies = {}
    for key, sequence in case.sequences.items():
        # Positioning and segmentation differ between time points and are the same in all sequences of one.
        own = case_seed(seed, f"{case.case_id} {timepoint_of(key)}".strip())
        copies[key] = _perturbed(sequence, settings, own, number)
    return name, Case(case.case_id, copies)


def perturbations(
    sequence: SequenceImage, settings: RobustnessSettings, seed: int
) -> Iterator[tuple[str, SequenceImage]]:
    """The copies of one sequence by name; ``seed`` is the case's, of :func:`case_seed`.

    Raises:
        MaskError: the lesion reaches beyond the image's edge in a copy, or nothing of it is left.
    """
    for number, name in enumerate(perturbation_names(settings), start=1):
        yield name, _perturbed(sequence, settings, seed, number)


def case_seed(seed: int, case_id: str) -> int:
    """The seed of a case, which does not depend on the other cases of the cohort."""
    return int.from_bytes(hashlib.sha256(f"{seed} {case_id}".encode()).digest()[:8], "big")


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
    The image is Float64; beyond its old edges it continues with the values there. The mask, interpolated linearly, is
    the lesion where it is at least 0.5. Interpolation smooths: under a protocol that does not resample, fine texture
    of the copies differs from the original's for that reason alone.

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
    resampler.SetInterpolator(_INTERPOLATORS[interpolator])
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
        own = int.from_bytes(hashlib.sha256(sequence.name.encode()).digest()[:8], "big")
        generator = np.random.default_rng([seed, number, _NOISE, own])
        level = settings.noise * noise_level(sequence.image, sequence.mask)
        noisy = with_noise(sequence.image, level, generator)
        sequence = replace(sequence, image=noisy)
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
    """The moved grid, as an empty image."""
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
    placed = [_affine(mask), _affine(grid)]
    points = np.einsum("pi,ji->pj", indices, placed[0][:3, :3]) + placed[0][:3, 3]
    found = np.einsum("pi,ji->pj", points - placed[1][:3, 3], np.linalg.inv(placed[1][:3, :3]))
    outside = ((found < -0.5 - 1e-6) | (found > np.array(grid.GetSize()) - 0.5 + 1e-6)).any(axis=1)
    if outside.any():
        raise MaskError(
            f"The lesion lies at the edge of the image: {int(outside.sum())} of its {len(indices)} voxels fall outside "
            "when the grid is moved.",
            where=where,
            remedy="Crop the image less closely, or use smaller translations and rotations in the protocol's "
            "robustness.",
        )


def _affine(image: sitk.Image) -> np.ndarray:
    """The affine matrix from index i, j, k to mm, shape (4, 4)."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return matrix
