"""From an image as it was acquired to one that can be compared with others."""

from HabitatRadiomicsLib.imaging.prepare import PreparedSequence, prepare
from HabitatRadiomicsLib.imaging.resample import to_grid_of
from HabitatRadiomicsLib.imaging.ring import peritumoral_ring

__all__ = ["PreparedSequence", "peritumoral_ring", "prepare", "to_grid_of"]
