"""Local entropy, superpixels, and the habitats of a population or of one patient.

In: prepared images and a region; out: entropy maps, habitat labels and frozen habitats. Imports ``imaging`` and the
rooms before it.
"""

from HabitatRadiomicsLib.habitats.maps import HabitatMap, habitat_warnings, map_habitats, voxels_on_input_grid
from HabitatRadiomicsLib.habitats.population import assign_habitats, fit_habitats
from HabitatRadiomicsLib.habitats.superpixels import LesionScale, Superpixels, describe_lesion, lesion_scale

__all__ = [
    "HabitatMap",
    "LesionScale",
    "Superpixels",
    "assign_habitats",
    "describe_lesion",
    "fit_habitats",
    "habitat_warnings",
    "lesion_scale",
    "map_habitats",
    "voxels_on_input_grid",
]
