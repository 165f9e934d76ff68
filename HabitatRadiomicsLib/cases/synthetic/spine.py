"""Synthetic spinal metastases whose core's texture depends on the outcome: two sequences, two sites, clinical
variables and repeated segmentations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER, Case, SequenceImage
from HabitatRadiomicsLib.cases.synthetic.parts import (
    Blob,
    axial_grid,
    on_grid,
    positions,
    texture,
    write_images,
    write_tables,
)
from HabitatRadiomicsLib.outputs import write_csv, write_image

SITES = ("Alpha", "Beta")
SECOND_READER = "second-reader.csv"
REPEAT_READING = "repeat-reading.csv"
#: The tables of repeated segmentations, and the kind of reading in each.
READINGS = {SECOND_READER: INTER_OBSERVER, REPEAT_READING: INTRA_OBSERVER}
#: SD of the displacement of a repeated contour in mm; two readers differ more than one reader's two contours.
_DISPLACEMENT = {SECOND_READER: 0.7, REPEAT_READING: 0.4}
#: Correlation length of this displacement along the contour, in mm.
_GRAIN = 6.0


@dataclass(frozen=True)
class _Acquisition:
    """How a sequence shows the spine: grid and mean signal of each tissue, arbitrary units."""

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    tilt_degrees: float
    muscle: float
    marrow: float
    cord: float
    fluid: float
    margin: float
    core: float


_ACQUISITIONS = {
    "T1W": _Acquisition((72, 80, 18), (0.9, 0.9, 3.5), 0.0, 300, 520, 350, 160, 220, 370),
    "T2FS": _Acquisition((64, 72, 16), (1.0, 1.0, 4.0), 8.0, 180, 120, 330, 700, 380, 640),
}


@dataclass(frozen=True)
class SyntheticPatient:
    """One patient. With ``outcome`` 1, the core of the lesion has on average a coarser texture of higher contrast."""

    case: Case
    outcome: int
    site: str


def synthetic_patient(number: int, *, seed: int, effect: float = 1.0) -> SyntheticPatient:
    """Patient ``number`` of a seed's cohort; the same arguments give the same voxels.

    Args:
        effect: distance between the mean severities of the two outcomes, in units of 2.4 SD; 0: the images carry no
            information.
    """
    generator = np.random.default_rng([seed, number])
    outcome = number % 2
    site = SITES[(number // 2) % 2]
    # The severities overlap: the core predicts the outcome well, but not perfectly.
    severity = float(generator.normal(0.9 * effect if outcome else -0.9 * effect, 0.75))
    lesion = _Lesion.random(generator, severity)
    sequences = {name: _scan(name, acquisition, lesion, site, generator) for name, acquisition in _ACQUISITIONS.items()}
    return SyntheticPatient(Case(f"synthetic-{number:03d}", sequences), outcome, site)


def write_synthetic_cohort(folder: Path, count: int, *, seed: int, effect: float = 1.0) -> tuple[Path, Path]:
    """A cohort on disk: images and masks as NRRD, ``images.csv`` and ``clinical.csv``; returns the two tables."""
    images, clinical = [], []
    for number in range(count):
        patient = synthetic_patient(number, seed=seed, effect=effect)
        images += write_images(folder, patient.case)
        clinical.append({"case_id": patient.case.case_id, "outcome": patient.outcome, "site": patient.site})
    return write_tables(folder, images, clinical)


def write_spine_clinical(
    folder: Path, patients: int, *, seed: int, effect: float, read_twice: int = 0
) -> tuple[Path, Path]:
    """A cohort on disk with age, visceral metastases and sex; returns ``images.csv`` and ``clinical.csv``.

    Patients with the outcome are on average 8 years older (SD 10), and the odds ratio of visceral metastases is 4. Sex
    is not associated with the outcome.

    Args:
        effect: of the images (see :func:`write_synthetic_cohort`); the difference in age and the logarithm of the
            odds ratio are multiplied by it. 0: nothing is associated with the outcome.
        read_twice: number of patients whose lesions are segmented again, by a second reader (``second-reader.csv``)
            and by the first one (``repeat-reading.csv``).
    """
    import pandas as pd

    tables = write_synthetic_cohort(folder, patients, seed=seed, effect=effect)
    clinical = pd.read_csv(tables[1])
    clinical[["age", "visceral", "sex"]] = [
        _clinical(seed, number, outcome, effect) for number, outcome in enumerate(clinical["outcome"])
    ]
    write_csv(clinical, tables[1])
    if read_twice:
        for table in READINGS:
            _write_reading(folder, tables[0], table, read_twice, seed)
    return tables


@dataclass(frozen=True)
class _Lesion:
    """A metastasis in a vertebral body: its shape, in mm around the origin (LPS), and its core."""

    shape: Blob
    core_centre: np.ndarray
    core_size: float
    severity: float

    @classmethod
    def random(cls, generator: np.random.Generator, severity: float) -> _Lesion:
        semi_axes = generator.uniform((11, 10, 15), (15, 13, 20))
        core_centre, core_size = generator.normal(0, 0.7, 3), float(generator.uniform(0.60, 0.72))
        waves, phases = generator.normal(0, 0.12, (6, 3)), generator.uniform(0, 2 * np.pi, 6)
        return cls(Blob(np.zeros(3), semi_axes, waves, phases), core_centre, core_size, severity)

    def inside(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether points, shape (..., 3), lie in the lesion, and in its core."""
        lesion = self.shape.radius(points) < 1
        core_axes = self.shape.semi_axes * self.core_size
        core = np.linalg.norm((points - self.core_centre) / core_axes, axis=-1) < self.shape.bumps(points)
        return lesion, core & lesion


def _scan(name: str, scan: _Acquisition, lesion: _Lesion, site: str, generator: np.random.Generator) -> SequenceImage:
    grid = axial_grid(scan.size, scan.spacing, tilt_degrees=scan.tilt_degrees)
    points = positions(grid)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    shape = x.shape
    spacing = scan.spacing[::-1]
    signal = np.full(shape, scan.muscle, dtype=float)
    # Vertebral bodies between discs; behind them the canal with cord and fluid.
    body = (np.abs(x) / 20) ** 4 + (np.abs(y) / 15) ** 4 < 1
    disc = body & (np.abs((z + 17) % 34 - 17) > 14.5)
    signal[body] = scan.marrow
    signal[disc] = 0.6 * scan.marrow
    canal = np.hypot(x / 1.2, y - 24) < 8
    signal[canal] = scan.fluid
    signal[np.hypot(x, y - 24) < 4.5] = scan.cord
    signal *= 1 + 0.05 * texture(generator, shape, spacing, 4.0)
    inside, core = lesion.inside(points)
    signal[inside] = scan.margin * (1 + 0.02 * texture(generator, shape, spacing, 5.0)[inside])
    # Each sequence shows the severity slightly differently, so that two sequences are more informative than one.
    visible = lesion.severity + generator.normal(0, 0.5)
    grain = texture(generator, shape, spacing, 1.9 * np.exp(0.22 * visible))
    signal[core] = scan.core * (1 + 0.10 * np.exp(0.25 * visible) * grain[core])
    signal *= 1 + 0.04 * np.tanh(x / 30)  # the coil's sensitivity
    # The second site has another gain and a noisier scanner.
    gain, noise = (1.0, 4.0) if site == SITES[0] else (1.35, 7.0)
    signal = gain * signal + generator.normal(0, noise, shape)
    voxels = np.clip(np.rint(signal), 0, 4095).astype(np.int16)
    return SequenceImage(name, on_grid(voxels, grid), on_grid(inside.astype(np.uint8), grid))


def _clinical(seed: int, number: int, outcome: int, effect: float) -> list[object]:
    generator = np.random.default_rng([seed, number, 2])
    side = 1 if outcome else -1
    age = int(np.clip(np.rint(generator.normal(62 + 4 * effect * side, 10)), 18, 95))
    odds = np.exp(effect * side * np.log(4) / 2)
    visceral = "yes" if generator.uniform() < odds / (1 + odds) else "no"
    return [age, visceral, "female" if generator.uniform() < 0.5 else "male"]


def _write_reading(folder: Path, images: Path, table: str, count: int, seed: int) -> None:
    """The same images with slightly different contours."""
    import pandas as pd

    rows = pd.read_csv(images)
    reading = rows[rows["case_id"].isin(rows["case_id"].unique()[:count])]
    masks = []
    for number, row in enumerate(reading.itertuples()):
        mask = sitk.ReadImage(str(folder / row.mask))
        path = Path(row.mask).with_name(f"{row.sequence}-{Path(table).stem}.nrrd")
        generator = np.random.default_rng([seed, number, 3 + list(READINGS).index(table)])
        write_image(_segmented_again(mask, _DISPLACEMENT[table], generator), folder / path)
        masks.append(path.as_posix())
    write_csv(reading.assign(mask=masks), folder / table)


def _segmented_again(mask: sitk.Image, displacement: float, generator: np.random.Generator) -> sitk.Image:
    inside = sitk.GetArrayFromImage(mask) == 1
    distance = sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(mask, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    )
    shift = displacement * texture(generator, inside.shape, mask.GetSpacing()[::-1], _GRAIN)
    return on_grid((distance + shift <= 0).astype(np.uint8), mask)
