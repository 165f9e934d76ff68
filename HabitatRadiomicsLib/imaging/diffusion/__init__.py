"""From diffusion-weighted series to maps of the apparent diffusion coefficient and of fractional anisotropy."""

from HabitatRadiomicsLib.imaging.diffusion.fitting import DiffusionMaps, fit_diffusion

__all__ = ["DiffusionMaps", "fit_diffusion"]
