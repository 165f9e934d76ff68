"""Reads the images and masks of a patient and the tables of a cohort, and makes synthetic patients.

In: image files, DICOM series and tables; out: a ``Case`` or a ``Cohort``. Imports ``protocol`` and the rooms before it.
"""

from HabitatRadiomicsLib.cases.case import INTER_OBSERVER, INTRA_OBSERVER, Case, SequenceImage, title_of, write_case
from HabitatRadiomicsLib.cases.geometry import TOLERANCE_VOXELS, check_proper_grid, grid_difference
from HabitatRadiomicsLib.cases.image_files import read_image, read_volumes
from HabitatRadiomicsLib.cases.mask import binary_mask, volume_ml
from HabitatRadiomicsLib.cases.reading import checked_sequence, read_case, read_sequence

__all__ = [
    "INTER_OBSERVER",
    "INTRA_OBSERVER",
    "TOLERANCE_VOXELS",
    "Case",
    "SequenceImage",
    "binary_mask",
    "check_proper_grid",
    "checked_sequence",
    "grid_difference",
    "read_case",
    "read_image",
    "read_sequence",
    "read_volumes",
    "title_of",
    "volume_ml",
    "write_case",
]
