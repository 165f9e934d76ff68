"""From an acquired image to one that can be compared with others.

In: a ``Case``; out: prepared sequences, rings, perturbed copies and diffusion maps. Imports ``cases`` and the rooms
before it.
"""

from HabitatRadiomicsLib.imaging.prepare import PreparedImage, PreparedSequence, prepare
from HabitatRadiomicsLib.imaging.resample import to_grid_of
from HabitatRadiomicsLib.imaging.ring import ring_of

__all__ = ["PreparedImage", "PreparedSequence", "prepare", "ring_of", "to_grid_of"]
