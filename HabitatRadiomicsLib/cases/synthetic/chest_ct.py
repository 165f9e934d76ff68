"""Synthetic contrast-enhanced chest CT: a tumour at the chest wall whose texture and rim depend on two endpoints.

The body lies on a table and is surrounded by air, which a ring with limits must not enter. The outcome determines the
texture of the tumour, which a network can learn; the second endpoint determines the tissue around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.cases.synthetic.parts import (
    Blob,
    axial_grid,
    on_grid,
    positions,
    texture,
    write_images,
    write_tables,
)
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
        outcome: 0 or 1; with 1, the tumour is on average coarser and darker.
        endpoint_b: 0 or 1; with 1, the tissue around the tumour is on average denser.
        age: in years; independent of everything else.
    """

    case: Case
    outcome: int
    endpoint_b: int
    age: int


def synthetic_ct_patient(number: int, *, seed: int, effect: float = 1.0) -> SyntheticCTPatient:
    """Patient ``number`` of a seed's cohort; the same arguments give the same voxels.

    Args:
        effect: distance between the mean severities of the two outcomes, in units of 2 SD; 0: the images carry no
            information on either endpoint.
    """
    generator = np.random.default_rng([seed, number, 1])
    outcome, endpoint_b = number % 2, (number // 2) % 2
    # The severities overlap: the image predicts either endpoint well, but not perfectly.
    inner, rim = (float(generator.normal(effect * (0.8 if value else -0.8), 0.8)) for value in (outcome, endpoint_b))
    case = Case(f"synthetic-ct-{number:03d}", {SEQUENCE: _scan(generator, inner, rim)})
    return SyntheticCTPatient(case, outcome, endpoint_b, int(generator.integers(41, 85)))


def write_synthetic_ct_cohort(folder: Path, count: int, *, seed: int, effect: float = 1.0) -> tuple[Path, Path]:
    """A cohort on disk: ``images.csv`` and ``clinical.csv`` (``outcome``, ``endpoint_b``, ``age``); returns the two.

    Masks are label images, with the tumour as label 1 and a lymph node beside it as label 2.
    """
    images, clinical = [], []
    for number in range(count):
        patient = synthetic_ct_patient(number, seed=seed, effect=effect)
        case = patient.case
        images += write_images(folder, case)
        write_image(labels_of(case.sequences[SEQUENCE]), folder / str(images[-1]["mask"]))
        known = {"outcome": patient.outcome, "endpoint_b": patient.endpoint_b, "age": patient.age}
        clinical.append({"case_id": case.case_id, **known})
    return write_tables(folder, images, clinical)


def labels_of(sequence: SequenceImage) -> sitk.Image:
    """Tumour and node as one label image."""
    assert sequence.others is not None
    return sequence.mask * TUMOUR + sequence.others * NODE


def _scan(generator: np.random.Generator, inner: float, rim: float) -> SequenceImage:
    """A chest with a tumour of these severities of texture and rim."""
    grid = axial_grid(_SIZE, _SPACING)
    points = positions(grid)
    x, y = points[..., 0], points[..., 1]
    signal = _chest(x, y)
    tumour, around, node = _lesion(generator, points)
    around &= np.hypot(x / 54, y / 42) < 1
    # The rim is always denser than lung and than the threshold of air; the chest wall stays as it is.
    signal[around & (signal < _FAT)] = -340 + 300 * (1 / (1 + np.exp(-1.2 * rim)))
    grain = texture(generator, x.shape, _SPACING[::-1], 4.4 * np.exp(0.35 * inner))
    inside = _TUMOUR_HU - 25 * inner + 30 * np.exp(0.35 * inner) * grain
    signal[tumour] = inside[tumour]
    signal[node] = _NODE_HU
    signal += generator.normal(0, 12, signal.shape)
    image = on_grid(np.clip(np.rint(signal), -1024, 3071).astype(np.int16), grid)
    mask, others = (on_grid(part.astype(np.uint8), grid) for part in (tumour, node))
    return SequenceImage(SEQUENCE, image, mask, others=others)


def _chest(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Air, table, fat, chest wall and two lungs; HU."""
    signal = np.full(x.shape, _AIR)
    signal[(y > 46) & (y < 48.5) & (np.abs(x) < 48)] = _TABLE
    signal[np.hypot(x / 54, y / 42) < 1] = _FAT
    signal[np.hypot(x / 50, y / 38) < 1] = _MUSCLE
    for side in (-1, 1):
        signal[np.hypot((x - 24 * side) / 19, y / 30) < 1] = _LUNG
    return signal


def _lesion(generator: np.random.Generator, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A tumour of the left lung that touches the chest wall, the tissue up to 5 mm around it, and a node beside it."""
    centre = np.array([36.0, 0.0, 0.0]) + generator.normal(0, (1.0, 4.0, 2.0))
    axes = generator.uniform((8.5, 8.5, 10.0), (12.0, 12.0, 14.0))
    blob = Blob(centre, axes, generator.normal(0, 0.15, (5, 3)), generator.uniform(0, 2 * np.pi, 5), height=0.08)
    tumour = blob.radius(points) < 1
    around = (replace(blob, semi_axes=axes + 5).radius(points) < 1) & ~tumour
    node = np.linalg.norm(points - centre - [-axes[0] - 2.0, 6.0, 0.0], axis=-1) < 5.0
    return tumour, around & ~node, node & ~tumour
