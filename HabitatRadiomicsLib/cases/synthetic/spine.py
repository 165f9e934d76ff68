"""Synthetic spinal metastases: two sequences, two sites, an outcome that depends on the texture of the core.

Nothing here comes from a real patient. The cohort serves to show and test every step, from images to an explained
score, anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage, write_case
from HabitatRadiomicsLib.cases.synthetic.grid import axial_grid, places
from HabitatRadiomicsLib.cases.synthetic.table_files import write_tables
from HabitatRadiomicsLib.cases.synthetic.texture import texture

SITES = ("Alpha", "Beta")


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
    """One patient; ``outcome`` 1 has, on average, a coarser and more contrasted core."""

    case: Case
    outcome: int
    site: str


def synthetic_patient(number: int, *, seed: int, effect: float = 1.0) -> SyntheticPatient:
    """Patient ``number`` of the cohort of a seed; the same arguments give the same voxels.

    Args:
        effect: distance between the mean severities of the two outcomes, in units of 2.4 SD; 0: the images carry no
        information.
    """
    generator = np.random.default_rng([seed, number])
    outcome = number % 2
    site = SITES[(number // 2) % 2]
    # Overlapping severities: the outcome can be told well from the core, but not perfectly.
    severity = float(generator.normal(0.9 * effect if outcome else -0.9 * effect, 0.75))
    lesion = _Lesion.random(generator, severity)
    sequences = {name: _scan(name, acquisition, lesion, site, generator) for name, acquisition in _ACQUISITIONS.items()}
    return SyntheticPatient(Case(f"synthetic-{number:03d}", sequences), outcome, site)


def write_synthetic_cohort(folder: Path, count: int, *, seed: int, effect: float = 1.0) -> tuple[Path, Path]:
    """A cohort on disk: images and masks as NRRD, ``images.csv`` and ``clinical.csv``; returns the two tables."""
    images: list[list[object]] = [["case_id", "timepoint", "sequence", "image", "mask", "label"]]
    clinical: list[list[object]] = [["case_id", "outcome", "site"]]
    for number in range(count):
        patient = synthetic_patient(number, seed=seed, effect=effect)
        case_id = patient.case.case_id
        for name, (image, mask) in write_case(folder / "images", patient.case).items():
            relative = [path.relative_to(folder).as_posix() for path in (image, mask)]
            images.append([case_id, "baseline", name, *relative, 1])
        clinical.append([case_id, patient.outcome, patient.site])
    return write_tables(folder, images, clinical)


@dataclass(frozen=True)
class _Lesion:
    """A metastasis in a vertebral body, in mm around its centre at the origin (LPS)."""

    semi_axes: np.ndarray
    core_shift: np.ndarray
    core_size: float
    waves: np.ndarray
    phases: np.ndarray
    severity: float

    @classmethod
    def random(cls, generator: np.random.Generator, severity: float) -> _Lesion:
        return cls(
            semi_axes=generator.uniform((11, 10, 15), (15, 13, 20)),
            core_shift=generator.normal(0, 0.7, 3),
            core_size=float(generator.uniform(0.60, 0.72)),
            waves=generator.normal(0, 0.12, (6, 3)),
            phases=generator.uniform(0, 2 * np.pi, 6),
            severity=severity,
        )

    def inside(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether points, shape (..., 3), lie in the lesion, and in its core."""
        bumps = 1 + 0.07 * np.sin(points @ self.waves.T + self.phases).sum(axis=-1) / np.sqrt(6)
        lesion = np.linalg.norm(points / self.semi_axes, axis=-1) < bumps
        core = np.linalg.norm((points - self.core_shift) / (self.semi_axes * self.core_size), axis=-1) < bumps
        return lesion, core & lesion


def _scan(name: str, scan: _Acquisition, lesion: _Lesion, site: str, generator: np.random.Generator) -> SequenceImage:
    reference = axial_grid(scan.size, scan.spacing, tilt_degrees=scan.tilt_degrees)
    points = places(reference)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    shape = x.shape
    spacing = scan.spacing[::-1]
    signal = np.full(shape, scan.muscle, dtype=float)
    # Vertebral bodies between discs, the canal with cord and fluid behind them.
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
    seen = lesion.severity + generator.normal(0, 0.5)
    grain = texture(generator, shape, spacing, 1.9 * np.exp(0.22 * seen))
    signal[core] = scan.core * (1 + 0.10 * np.exp(0.25 * seen) * grain[core])
    signal *= 1 + 0.04 * np.tanh(x / 30)  # the coil's sensitivity
    # The second site: another gain, and a noisier scanner.
    gain, noise = (1.0, 4.0) if site == SITES[0] else (1.35, 7.0)
    signal = gain * signal + generator.normal(0, noise, shape)
    image = sitk.GetImageFromArray(np.clip(np.rint(signal), 0, 4095).astype(np.int16))
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    image.CopyInformation(reference)
    mask.CopyInformation(reference)
    return SequenceImage(name, image, mask)
