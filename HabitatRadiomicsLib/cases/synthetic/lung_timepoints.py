"""A synthetic lung nodule on CT before and during treatment: the outcome determines how its texture changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

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

#: The default names in a protocol.
TIMEPOINTS = ("baseline", "follow-up")

_SIZE, _SPACING = (64, 64, 16), (0.7, 0.7, 3.0)
#: HU of lung, of a part-solid nodule, and of the chest wall behind it.
_LUNG, _NODULE, _WALL = -830.0, -120.0, 40.0
#: SD of the nodule's texture at baseline, HU.
_CONTRAST = 90.0
#: Grain of this texture in mm; a Laplacian of Gaussian of 3 mm responds to it.
_GRAIN = 6.0


def write_lung_timepoints(folder: Path, patients: int, *, seed: int, effect: float) -> tuple[Path, Path]:
    """A cohort on disk: CT at two time points; returns ``images.csv`` and ``clinical.csv``.

    In patients with the outcome, the contrast of the nodule's coarse texture increases until the follow-up; in the
    others, it decreases. Size and mean of the nodule change at random.

    Args:
        effect: distance between the mean changes of the two outcomes, in SD; 0: the images carry no information.
    """
    images, clinical = [], []
    for number in range(patients):
        case_id, outcome = f"lung-{number:03d}", number % 2
        generator = np.random.default_rng([seed, number, 4])
        for moment, ct in zip(TIMEPOINTS, _patient(generator, outcome, effect)):
            images += write_images(folder, Case(case_id, {"CT": ct}), timepoint=moment, below=f"images/{moment}")
        clinical.append({"case_id": case_id, "outcome": outcome})
    return write_tables(folder, images, clinical)


def _patient(generator: np.random.Generator, outcome: int, effect: float) -> list[SequenceImage]:
    change = generator.normal(effect / 2 if outcome else -effect / 2, 1)
    nodule = Blob.random(generator, (0.0, 0.0, 0.0), 7.6, 9.2)
    contrast = _CONTRAST * np.exp(generator.normal(0, 0.1))
    coarse = texture(generator, _SIZE[::-1], _SPACING[::-1], _GRAIN)
    growth = float(np.exp(generator.normal(0, 0.03)))
    later = replace(nodule, semi_axes=nodule.semi_axes * growth)
    return [
        _scan(nodule, contrast * coarse, generator),
        _scan(later, contrast * np.exp(0.25 * change) * coarse + generator.normal(0, 10), generator),
    ]


def _scan(nodule: Blob, coarse: np.ndarray, generator: np.random.Generator) -> SequenceImage:
    """The nodule has the same voxels at both time points, but the patient lies elsewhere in the scanner."""
    points = positions(axial_grid(_SIZE, _SPACING))
    grid = axial_grid(_SIZE, _SPACING, centre=np.round(generator.uniform(-40, 40, 3), 1).tolist())
    inside = nodule.radius(points) < 1
    signal = _LUNG + 40 * texture(generator, inside.shape, _SPACING[::-1], 3.0)
    signal[points[..., 1] > 19] = _WALL
    signal[inside] = _NODULE + coarse[inside]
    signal += generator.normal(0, 15, inside.shape)
    voxels = np.clip(np.rint(signal), -1024, 3071).astype(np.int16)
    return SequenceImage("CT", on_grid(voxels, grid), on_grid(inside.astype(np.uint8), grid))
