"""Synthetic brain metastases: one to four lesions per patient, diffusion maps and a contrast-enhanced T1."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.synthetic.parts import Blob, axial_grid, on_grid, positions, texture, write_tables
from HabitatRadiomicsLib.outputs import write_image

#: Centres of the four places for a lesion, mm.
_QUADRANTS = ((-22.0, -22.0, -2.0), (22.0, -22.0, 3.0), (-22.0, 22.0, 1.0), (22.0, 22.0, -3.0))
_MOST = len(_QUADRANTS)


@dataclass(frozen=True)
class _Map:
    """How a sequence shows the brain: grid, value and spread of the tissue, margin and core of the lesion.

    Attributes:
        shift: change of the core's value for each SD of severity.
        decimals: to which voxels are rounded.
    """

    spacing: tuple[float, float, float]
    tilt_degrees: float
    tissue: float
    spread: float
    margin: float
    core: float
    shift: float
    noise: float
    decimals: int


#: ADC in 10^-6 mm2/s, FA from 0 to 1, T1C in arbitrary units. ADC and FA come from one series, on one grid.
_MAPS = {
    "ADC": _Map((1.8, 1.8, 3.5), 0.0, 780, 60, 1150, 950, -80, 25, 0),
    "FA": _Map((1.8, 1.8, 3.5), 0.0, 0.32, 0.08, 0.10, 0.16, 0.025, 0.02, 4),
    "T1C": _Map((1.5, 1.5, 3.0), 12.0, 320, 20, 620, 480, -30, 12, 0),
}
_SIZE = (64, 64, 16)


def write_brain_metastases(folder: Path, patients: int, *, seed: int, effect: float) -> tuple[Path, Path]:
    """A cohort on disk: ADC, FA and T1C, a label for each lesion; returns ``images.csv`` and ``clinical.csv``.

    Every second patient has the outcome. In these patients, the cores of all lesions have a lower diffusivity, a
    higher anisotropy, less enhancement and a coarser texture.

    Args:
        patients: their number; each lesion is a case (column ``lesion``), the outcome is the patient's.
        effect: distance between the mean severities of the two outcomes, in SD; 0: the images carry no information.
    """
    images, clinical = [], []
    for number in range(patients):
        patient, outcome = f"brain-{number:03d}", number % 2
        generator = np.random.default_rng([seed, number, 1])
        lesions = _lesions(generator, outcome, effect)
        (folder / "images" / patient).mkdir(parents=True, exist_ok=True)
        files = {name: (f"images/{patient}/{name}.nrrd", f"images/{patient}/{name}-mask.nrrd") for name in _MAPS}
        for name, kind in _MAPS.items():
            for image, file in zip(_scan(kind, lesions, generator), files[name]):
                write_image(image, folder / file)
        images += [
            {"case_id": patient, "lesion": label, "sequence": name, "image": image, "mask": mask, "label": label}
            for label in range(1, len(lesions) + 1)
            for name, (image, mask) in files.items()
        ]
        clinical.append({"case_id": patient, "outcome": outcome})
    return write_tables(folder, images, clinical)


def _lesions(generator: np.random.Generator, outcome: int, effect: float) -> list[tuple[Blob, float]]:
    """Shape and severity of each lesion; the severities within a patient are correlated."""
    severity = generator.normal(effect / 2 if outcome else -effect / 2, 0.9)
    count = int(generator.integers(1, _MOST + 1))
    quadrants = generator.permutation(_MOST)[:count]
    spread = 0.19**0.5  # so that a lesion's severity has an SD of 1
    return [
        (Blob.random(generator, _QUADRANTS[quadrant], 10.5, 13.5), float(severity + spread * generator.normal()))
        for quadrant in quadrants
    ]


def _scan(
    kind: _Map, lesions: list[tuple[Blob, float]], generator: np.random.Generator
) -> tuple[sitk.Image, sitk.Image]:
    """The image, and a mask in which the lesions have the labels 1, 2, ..."""
    grid = axial_grid(_SIZE, kind.spacing, tilt_degrees=kind.tilt_degrees)
    points = positions(grid)
    shape, spacing = points.shape[:3], kind.spacing[::-1]
    signal = kind.tissue + kind.spread * texture(generator, shape, spacing, 6.0)
    labels = np.zeros(shape, dtype=np.uint8)
    for label, (blob, severity) in enumerate(lesions, start=1):
        radius = blob.radius(points)
        grain = texture(generator, shape, spacing, 2.5 * np.exp(0.15 * severity))
        core = kind.core + kind.shift * (severity + 0.4 * generator.normal())
        inside = radius < 1
        value = np.where(radius < 0.72, core, kind.margin) + 1.5 * kind.spread * np.exp(0.15 * severity) * grain
        signal[inside], labels[inside] = value[inside], label
    signal += generator.normal(0, kind.noise, shape)
    voxels = np.round(np.maximum(signal, 0.0), kind.decimals)
    return on_grid(voxels.astype(np.float32 if kind.decimals else np.int16), grid), on_grid(labels, grid)
