"""A synthetic lung nodule on CT before and during treatment: the outcome determines how its texture changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.cases import Case, SequenceImage, write_case
from HabitatRadiomicsLib.cases.synthetic.blob import Blob
from HabitatRadiomicsLib.cases.synthetic.grid import axial_grid, on_grid, places
from HabitatRadiomicsLib.cases.synthetic.table_files import write_tables
from HabitatRadiomicsLib.cases.synthetic.texture import texture

#: As a protocol names them unless it says otherwise.
TIMEPOINTS = ("baseline", "follow-up")

_SIZE, _SPACING = (64, 64, 16), (0.7, 0.7, 3.0)
#: HU of lung, of a part-solid nodule, and of the chest wall behind it.
_LUNG, _NODULE, _WALL = -830.0, -120.0, 40.0
#: HU, the SD of the nodule's texture at baseline.
_CONTRAST = 90.0
#: mm; a Laplacian of Gaussian of 3 mm answers to it.
_GRAIN = 6.0


def write_lung_timepoints(folder: Path, patients: int, *, seed: int, effect: float) -> tuple[Path, Path]:
    """A cohort on disk: CT at two time points; returns ``images.csv`` and ``clinical.csv``.

    The nodule's coarse texture grows in contrast until the follow-up with the outcome, and fades without. Its size and
    mean change at random.

    Args:
        effect: distance between the mean changes of the two outcomes, in SD; 0: the images carry no information.
    """
    images: list[list[object]] = [["case_id", "timepoint", "sequence", "image", "mask", "label"]]
    clinical: list[list[object]] = [["case_id", "outcome"]]
    for number in range(patients):
        case_id, outcome = f"lung-{number:03d}", number % 2
        generator = np.random.default_rng([seed, number, 4])
        for moment, ct in zip(TIMEPOINTS, _patient(generator, outcome, effect)):
            written = write_case(folder / "images" / moment, Case(case_id, {"CT": ct}))
            relative = [path.relative_to(folder).as_posix() for path in written["CT"]]
            images.append([case_id, moment, "CT", *relative, 1])
        clinical.append([case_id, outcome])
    return write_tables(folder, images, clinical)


def _patient(generator: np.random.Generator, outcome: int, effect: float) -> list[SequenceImage]:
    change = generator.normal(effect / 2 if outcome else -effect / 2, 1)
    nodule = Blob.random(generator, (0.0, 0.0, 0.0), 7.6, 9.2)
    contrast = _CONTRAST * np.exp(generator.normal(0, 0.1))
    coarse = texture(generator, _SIZE[::-1], _SPACING[::-1], _GRAIN)
    growth = float(np.exp(generator.normal(0, 0.03)))
    later = Blob(nodule.centre, nodule.semi_axes * growth, nodule.waves, nodule.phases)
    return [
        _scan(nodule, contrast * coarse, generator),
        _scan(later, contrast * np.exp(0.25 * change) * coarse + generator.normal(0, 10), generator),
    ]


def _scan(nodule: Blob, coarse: np.ndarray, generator: np.random.Generator) -> SequenceImage:
    """The nodule lies at the same voxels each time, and the patient elsewhere in the scanner."""
    points = places(axial_grid(_SIZE, _SPACING))
    grid = axial_grid(_SIZE, _SPACING, centre=np.round(generator.uniform(-40, 40, 3), 1).tolist())
    inside = nodule.radius(points) < 1
    signal = _LUNG + 40 * texture(generator, inside.shape, _SPACING[::-1], 3.0)
    signal[points[..., 1] > 19] = _WALL
    signal[inside] = _NODULE + coarse[inside]
    signal += generator.normal(0, 15, inside.shape)
    voxels = np.clip(np.rint(signal), -1024, 3071).astype(np.int16)
    return SequenceImage("CT", on_grid(voxels, grid), on_grid(inside.astype(np.uint8), grid))
