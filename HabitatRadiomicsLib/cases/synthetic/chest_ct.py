"""Synthetic contrast-enhanced chest CT: a tumour at the chest wall whose texture and rim depend on two endpoints.

Nothing here comes from a patient. The body lies in air and on a table, so that limits of a ring have something to keep
out; the outcome is tied to the texture of the tumour, which a network can learn to see, and the second endpoint to the
tissue around it. With ``effect`` 0 no image tells anything of either.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage, write_case
from HabitatRadiomicsLib.cases.geometry import canonical_grid
from HabitatRadiomicsLib.cases.synthetic.table_files import write_tables
from HabitatRadiomicsLib.outputs import write_image

SEQUENCE = "CT"
#: Labels of the mask's file.
TUMOUR, NODE = 1, 2
_SIZE, _SPACING = (72, 64, 16), (1.6, 1.6, 4.0)
#: Hounsfield units.
_AIR, _LUNG, _FAT, _MUSCLE, _TUMOUR_HU, _NODE_HU, _TABLE = -1000.0, -820.0, -90.0, 45.0, 115.0, 60.0, 200.0


@dataclass(frozen=True)
class SyntheticCTPatient:
    """One patient: a case with one CT, and the patient's outcomes.

    Attributes:
        outcome: 0 or 1; 1 has, on average, a coarser, darker tumour.
        endpoint_b: 0 or 1; 1 has, on average, a denser rim around it.
        age: years; independent of everything else.
    """

    case: Case
    outcome: int
    endpoint_b: int
    age: int


def synthetic_ct_patient(number: int, *, seed: int, effect: float = 1.0) -> SyntheticCTPatient:
    """Patient ``number`` of the cohort of a seed; the same arguments give the same voxels.

    Args:
        effect: how far the severities of the two outcomes lie apart, in multiples of the usual; 0: not at all.
    """
    generator = np.random.default_rng([seed, number, 1])
    outcome, endpoint_b = number % 2, (number // 2) % 2
    # Overlapping severities: either endpoint can be told well from the image, but not perfectly.
    texture, rim = (float(generator.normal(effect * (0.8 if value else -0.8), 0.8)) for value in (outcome, endpoint_b))
    case = Case(f"synthetic-ct-{number:03d}", {SEQUENCE: _scan(generator, texture, rim)})
    return SyntheticCTPatient(case, outcome, endpoint_b, int(generator.integers(41, 85)))


def write_synthetic_ct_cohort(folder: Path, count: int, *, seed: int, effect: float = 1.0) -> tuple[Path, Path]:
    """A cohort on disk: ``images.csv`` and ``clinical.csv`` (``outcome``, ``endpoint_b``, ``age``); returns the two.

    Masks are label images, with the tumour as label 1 and a lymph node beside it as label 2.
    """
    images: list[list[object]] = [["case_id", "timepoint", "sequence", "image", "mask", "label"]]
    clinical: list[list[object]] = [["case_id", "outcome", "endpoint_b", "age"]]
    for number in range(count):
        patient = synthetic_ct_patient(number, seed=seed, effect=effect)
        case_id, sequence = patient.case.case_id, patient.case.sequences[SEQUENCE]
        image, mask = write_case(folder / "images", patient.case)[SEQUENCE]
        write_image(labels_of(sequence), mask)
        relative = [path.relative_to(folder).as_posix() for path in (image, mask)]
        images.append([case_id, "baseline", SEQUENCE, *relative, TUMOUR])
        clinical.append([case_id, patient.outcome, patient.endpoint_b, patient.age])
    return write_tables(folder, images, clinical)


def labels_of(sequence: SequenceImage) -> sitk.Image:
    """Tumour and node as one label image."""
    assert sequence.others is not None
    return sequence.mask * TUMOUR + sequence.others * NODE


def _scan(generator: np.random.Generator, texture: float, rim: float) -> SequenceImage:
    reference = sitk.Image(list(_SIZE), sitk.sitkUInt8)
    reference.SetSpacing(_SPACING)
    reference.SetOrigin([-(count - 1) * step / 2 for count, step in zip(_SIZE, _SPACING)])
    reference = canonical_grid(reference)
    k, j, i = np.meshgrid(*(np.arange(count) for count in _SIZE[::-1]), indexing="ij")
    x, y, z = ((index - (count - 1) / 2) * step for index, count, step in zip((i, j, k), _SIZE, _SPACING))  # mm, LPS
    signal = _chest(x, y)
    tumour, around, node = _lesion(generator, x, y, z)
    around &= np.hypot(x / 54, y / 42) < 1
    # Denser than lung and than what ring limits call air, whatever the severity; the chest wall stays as it is.
    signal[around & (signal < _FAT)] = -340 + 300 * _between(rim)
    grain = _texture(generator, x.shape, 2.2 * np.exp(0.35 * texture))
    inside = _TUMOUR_HU - 25 * texture + 30 * np.exp(0.35 * texture) * grain
    signal[tumour] = inside[tumour]
    signal[node] = _NODE_HU
    signal += generator.normal(0, 12, signal.shape)
    image = sitk.GetImageFromArray(np.clip(np.rint(signal), -1024, 3071).astype(np.int16))
    masks = [sitk.GetImageFromArray(part.astype(np.uint8)) for part in (tumour, node)]
    for part in (image, *masks):
        part.CopyInformation(reference)
    return replace(SequenceImage(SEQUENCE, image, masks[0]), others=masks[1])


def _chest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Air, table, fat, chest wall and two lungs; HU."""
    signal = np.full(x.shape, _AIR)
    signal[(y > 46) & (y < 48.5) & (np.abs(x) < 48)] = _TABLE
    signal[np.hypot(x / 54, y / 42) < 1] = _FAT
    signal[np.hypot(x / 50, y / 38) < 1] = _MUSCLE
    for side in (-1, 1):
        signal[np.hypot((x - 24 * side) / 19, y / 30) < 1] = _LUNG
    return signal


def _lesion(
    generator: np.random.Generator, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tumour of the left lung that touches the chest wall, the tissue up to 5 mm around it, and a node beside it."""
    centre = np.array([36.0, 0.0, 0.0]) + generator.normal(0, (1.0, 4.0, 2.0))
    axes = generator.uniform((8.5, 8.5, 10.0), (12.0, 12.0, 14.0))
    points = np.stack([x, y, z], axis=-1) - centre
    waves, phases = generator.normal(0, 0.15, (5, 3)), generator.uniform(0, 2 * np.pi, 5)
    bumps = 1 + 0.08 * np.sin(points @ waves.T + phases).sum(axis=-1) / np.sqrt(5)
    distance = np.linalg.norm(points / axes, axis=-1) / bumps
    tumour = distance < 1
    around = (np.linalg.norm(points / (axes + 5), axis=-1) / bumps < 1) & ~tumour
    node = np.linalg.norm(points - [-axes[0] - 2.0, 6.0, 0.0], axis=-1) < 5.0
    return tumour, around & ~node, node & ~tumour


def _between(severity: float) -> float:
    """0 to 1, growing."""
    return float(1 / (1 + np.exp(-1.2 * severity)))


def _texture(generator: np.random.Generator, shape: tuple[int, ...], grain_mm: float) -> np.ndarray:
    """Gaussian noise with a grain of the given size in mm, mean 0, sd 1."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(generator.normal(size=shape), [grain_mm / step for step in _SPACING[::-1]], mode="wrap")
    return (smooth - smooth.mean()) / smooth.std()
