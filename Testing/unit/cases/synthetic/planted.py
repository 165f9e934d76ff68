"""Simple statistics of synthetic cohorts, to see what was planted in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy.stats import ttest_ind

from HabitatRadiomicsLib.cases import Case


def lesion_voxels(case: Case, key: str) -> np.ndarray:
    """Intensities in the lesion."""
    sequence = case.sequences[key]
    return sitk.GetArrayFromImage(sequence.image)[sitk.GetArrayFromImage(sequence.mask) == 1].astype(float)


def coarse_contrast(case: Case, key: str, sigma_mm: float) -> float:
    """SD in the lesion of the Laplacian of Gaussian of the image, its surroundings set to the lesion's mean."""
    sequence = case.sequences[key]
    image = sitk.GetArrayFromImage(sequence.image).astype(float)
    inside = sitk.GetArrayFromImage(sequence.mask) == 1
    flat = sitk.GetImageFromArray(np.where(inside, image, image[inside].mean()))
    flat.CopyInformation(sequence.image)
    filtered = sitk.GetArrayFromImage(sitk.LaplacianRecursiveGaussian(flat, sigma_mm, True))
    return float(filtered[inside].std())


def p_value(values: np.ndarray, outcome: np.ndarray) -> float:
    """Of Welch's test."""
    return float(ttest_ind(values[outcome == 1], values[outcome == 0], equal_var=False).pvalue)


def standardised_difference(values: np.ndarray, outcome: np.ndarray) -> float:
    """Cohen's d, those with the outcome minus the others."""
    one, other = values[outcome == 1], values[outcome == 0]
    return float((one.mean() - other.mean()) / np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 2))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
