"""Fits the diffusion tensor, or the diffusion coefficient alone, voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import binary_mask, grid_difference, read_image, read_volumes
from HabitatRadiomicsLib.cases.geometry import image_like
from HabitatRadiomicsLib.errors import DependencyError, GeometryError, ImageError
from HabitatRadiomicsLib.imaging.diffusion.gradients import (
    B0_LIMIT,
    GradientTable,
    check_tensor_directions,
    read_gradients,
)
from HabitatRadiomicsLib.system.installation.dependencies import DIPY
from HabitatRadiomicsLib.system.tasks import one_thread

#: Factor from mm2/s to the unit of the maps.
_PER_MM2 = 1e6


@dataclass(frozen=True)
class DiffusionMaps:
    """Maps on the grid of the series, Float32; 0 where nothing was fitted.

    Attributes:
        adc: apparent diffusion coefficient (mean diffusivity) in 10^-6 mm2/s: free water at body temperature has 3000,
            brain tissue about 800.
        fa: fractional anisotropy, 0 to 1; None if only the ADC was fitted.
        method: in words.
        volumes: number of volumes that were used.
        voxels: number of voxels that were fitted.
        warnings: sentences.
    """

    adc: sitk.Image
    fa: sitk.Image | None
    method: str
    volumes: int
    voxels: int
    warnings: tuple[str, ...] = ()


def fit_diffusion(
    dwi: Path,
    bval: Path,
    bvec: Path | None = None,
    *,
    mask: Path | None = None,
    largest_b: float | None = None,
) -> DiffusionMaps:
    """ADC and FA of a diffusion series.

    With directions, the tensor is fitted to the signals' logarithms by weighted least squares, the weights being the
    squared signals of an unweighted fit (Chung 2006, doi 10.1016/j.neuroimage.2006.07.001), with DIPY (Garyfallidis
    2014, doi 10.3389/fninf.2014.00008). ADC is the mean of its eigenvalues, FA their normalised spread (Basser 1996,
    doi 10.1006/jmrb.1996.0086); negative eigenvalues, which noise makes, count as 0. Neither depends on the
    orientation of the axes: directions in the image's axes, in the scanner's, or mirrored give the same maps.

    Without directions, ADC is the slope of the signals' logarithms over b (ordinary least squares), which is right for
    images that are averages over directions (trace).

    A signal of zero or below, which comes from filters and interpolation, is replaced by the smallest positive one of
    its voxel. A voxel without a positive b=0 signal is background.

    Args:
        dwi: a 4D NIfTI file, corrected for motion and eddy currents if need be.
        bval: FSL's text file of b-values in s/mm2.
        bvec: FSL's text file of directions; None: ADC alone.
        mask: where to fit, any label, on the series' grid; None: everywhere except the background.
        largest_b: volumes with larger b-values, s/mm2, are left out: above about 1500 the signal no longer falls
            exponentially.

    Raises:
        DependencyError: directions are given, and DIPY is not installed.
        ImageError, GeometryError, MaskError: a file that is refused, or a series that cannot be fitted.
    """
    if bvec is not None:
        _check_dipy()
    series = read_volumes(dwi, where=f"diffusion series {dwi}")
    table = read_gradients(bval, bvec, series.GetSize()[3])
    kept = np.ones(len(table.b), dtype=bool) if largest_b is None else table.b <= largest_b
    table = table.only(kept)
    if table.unweighted.all():
        raise ImageError(
            f"No diffusion-weighted volume has a b-value up to {largest_b:g} s/mm².",
            where=f"b-values {bval}",
            remedy="Raise the largest b-value.",
        )
    if bvec is not None:
        check_tensor_directions(table, where=f"directions {bvec}")
    grid = series[..., 0]
    voxels = sitk.GetArrayViewFromImage(series)[kept]
    wanted = _wanted(voxels, table, grid, mask, where=f"diffusion series {dwi}")
    signals, raised = _positive(voxels[:, wanted].T.astype(float))
    warnings: tuple[str, ...] = ()
    if raised:
        warnings = (
            f"{raised} of the {len(signals)} fitted voxels have a signal of zero or below in some volume; it was "
            "replaced by the smallest positive one of the voxel.",
        )
    if table.directions is None:
        adc, fa, method = _exponential(signals, table), None, "mono-exponential, ordinary least squares of logarithms"
    else:
        adc, fa = _tensor(signals, table)
        method = "tensor, weighted least squares of logarithms (DIPY)"
    return DiffusionMaps(
        adc=_map(adc * _PER_MM2, wanted, grid),
        fa=None if fa is None else _map(fa, wanted, grid),
        method=method,
        volumes=len(table.b),
        voxels=len(signals),
        warnings=warnings,
    )


def _check_dipy() -> None:
    try:
        import dipy.reconst.dti  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            "The diffusion tensor is fitted with DIPY, which is not installed.",
            where="--bvec",
            remedy=f'Install it: pip install "habitat-radiomics[diffusion]", or pip install "{DIPY.specifier}" (in 3D '
            f'Slicer\'s Python console: slicer.util.pip_install("{DIPY.specifier}")). Without --bvec, ADC alone is '
            "computed, and needs nothing.",
        ) from error


def _wanted(voxels: np.ndarray, table: GradientTable, grid: sitk.Image, mask: Path | None, *, where: str) -> np.ndarray:
    """Mask of the voxels to fit, shape (k, j, i)."""
    wanted: np.ndarray = voxels[table.unweighted].mean(axis=0) > 0
    if mask is not None:
        wanted &= _inside(mask, grid)
    # A voxel without any positive weighted signal cannot be fitted.
    wanted &= (voxels[~table.unweighted] > 0).any(axis=0)
    if not wanted.any():
        of_mask, mask_fits = ("of the mask ", ", and that the mask belongs to the series") if mask else ("", "")
        raise ImageError(
            f"No voxel {of_mask}has a signal that can be fitted.",
            where=where,
            remedy=f"Check that the b-values are in the order of the volumes{mask_fits}.",
        )
    return wanted


def _inside(path: Path, grid: sitk.Image) -> np.ndarray:
    where = f"mask {path}"
    labels = read_image(path, where=where)
    difference = grid_difference(grid, labels)
    if difference:
        raise GeometryError(
            f"The mask does not lie on the diffusion series' grid: {difference}.",
            where=where,
            remedy="Draw it on the series' b=0 volume, or leave it out.",
        )
    inside: np.ndarray = sitk.GetArrayFromImage(binary_mask(labels != 0, None, where=where)) == 1
    return inside


def _positive(signals: np.ndarray) -> tuple[np.ndarray, int]:
    """Signals, shape (voxels, volumes), with those of zero or below replaced, and how many voxels had any."""
    bad = signals <= 0
    smallest = np.where(bad, np.inf, signals).min(axis=1, keepdims=True)
    return np.where(bad, smallest, signals), int(bad.any(axis=1).sum())


def _tensor(signals: np.ndarray, table: GradientTable) -> tuple[np.ndarray, np.ndarray]:
    """Mean diffusivity in mm2/s and fractional anisotropy, shape (voxels,) each."""
    from dipy.core.gradients import gradient_table
    from dipy.reconst.dti import TensorModel

    gradients = gradient_table(table.b, bvecs=table.directions, b0_threshold=B0_LIMIT)
    # DIPY's own minimum signal does not suit scales such as those of normalised images.
    model = TensorModel(gradients, fit_method="WLS", min_signal=float(signals.min()))
    with one_thread():
        fitted = model.fit(signals)
    return np.asarray(fitted.md), np.asarray(fitted.fa)


def _exponential(signals: np.ndarray, table: GradientTable) -> np.ndarray:
    """Diffusion coefficient in mm2/s, shape (voxels,); 0 if noise makes it negative."""
    b = np.where(table.unweighted, 0.0, table.b)
    weights = (b - b.mean()) / ((b - b.mean()) ** 2).sum()
    # einsum sums in one order on every machine, unlike a product of matrices.
    return np.maximum(-np.einsum("ij,j->i", np.log(signals), weights), 0.0)


def _map(values: np.ndarray, wanted: np.ndarray, grid: sitk.Image) -> sitk.Image:
    array = np.zeros(wanted.shape, dtype=np.float32)
    array[wanted] = values
    return image_like(array, grid)
