"""From a diffusion series to maps of the apparent diffusion coefficient and of fractional anisotropy."""

from HabitatRadiomicsLib.imaging.diffusion.fitting import DiffusionMaps, fit_diffusion
from HabitatRadiomicsLib.imaging.diffusion.gradients import GradientTable, read_gradients

__all__ = ["DiffusionMaps", "GradientTable", "fit_diffusion", "read_gradients"]
