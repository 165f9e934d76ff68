"""All reading: images and masks of one patient, cohort tables, and synthetic patients.

In: image files, DICOM series and tables; out: a ``Case`` or a ``Cohort``. Imports ``protocol`` and the rooms before
it.
"""

from HabitatRadiomicsLib.cases.case import INTER_OBSERVER, INTRA_OBSERVER, Case, SequenceImage, title_of
from HabitatRadiomicsLib.cases.geometry import TOLERANCE_VOXELS, check_proper_grid, check_same_grid, grid_difference
from HabitatRadiomicsLib.cases.mask import binary_mask, mask_on_image_grid, volume_ml
from HabitatRadiomicsLib.cases.reading import checked_sequence, read_case, read_image, read_sequence, read_volumes
from HabitatRadiomicsLib.cases.writing import write_case

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
    "read_case",
    "read_image",
    "read_sequence",
    "read_volumes",
    "title_of",
    "volume_ml",
    "write_case",
]
