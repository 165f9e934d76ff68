"""One patient's images and masks, read and checked."""

from HabitatRadiomicsLib.case.case import INTER_OBSERVER, INTRA_OBSERVER, Case, SequenceImage, title_of
from HabitatRadiomicsLib.case.geometry import TOLERANCE_VOXELS, check_proper_grid, check_same_grid, grid_difference
from HabitatRadiomicsLib.case.mask import binary_mask, mask_on_image_grid, volume_ml
from HabitatRadiomicsLib.case.reading import checked_sequence, read_image, read_sequence, read_volumes
from HabitatRadiomicsLib.case.writing import write_case

__all__ = [
    "INTER_OBSERVER",
    "INTRA_OBSERVER",
    "TOLERANCE_VOXELS",
    "Case",
    "SequenceImage",
    "binary_mask",
    "check_proper_grid",
    "check_same_grid",
    "checked_sequence",
    "grid_difference",
    "mask_on_image_grid",
    "read_image",
    "read_sequence",
    "read_volumes",
    "title_of",
    "volume_ml",
    "write_case",
]
