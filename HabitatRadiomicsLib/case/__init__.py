"""One patient's images and masks, read and checked."""

from HabitatRadiomicsLib.case.case import Case, SequenceImage
from HabitatRadiomicsLib.case.geometry import check_same_grid, grid_difference
from HabitatRadiomicsLib.case.mask import binary_mask, mask_on_image_grid
from HabitatRadiomicsLib.case.reading import read_image, read_sequence

__all__ = [
    "Case",
    "SequenceImage",
    "binary_mask",
    "check_same_grid",
    "grid_difference",
    "mask_on_image_grid",
    "read_image",
    "read_sequence",
]
