"""Local entropy, superpixels, and the habitats of a population or of one patient.

In: prepared images and a region; out: entropy maps, habitat labels and frozen habitats. Imports ``imaging`` and the
rooms before it.
"""

from HabitatRadiomicsLib.habitats.entropy import local_entropy
from HabitatRadiomicsLib.habitats.maps import (
    HabitatMap,
    HabitatStatistics,
    describe_lesion,
    habitat_warnings,
    map_habitats,
    voxels_on_input_grid,
)
from HabitatRadiomicsLib.habitats.population import assign_habitats, fit_habitats
from HabitatRadiomicsLib.habitats.scale import LesionScale, lesion_scale
from HabitatRadiomicsLib.habitats.superpixels import Superpixels, cluster_superpixels

__all__ = [
    "HabitatMap",
    "HabitatStatistics",
    "LesionScale",
    "Superpixels",
    "assign_habitats",
    "cluster_superpixels",
    "describe_lesion",
    "fit_habitats",
    "habitat_warnings",
    "lesion_scale",
    "local_entropy",
    "map_habitats",
    "voxels_on_input_grid",
]
