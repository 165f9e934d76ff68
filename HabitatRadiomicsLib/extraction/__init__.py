"""The one way from images to a feature table.

In: a case or a cohort, and a protocol; out: maps and feature tables (``pandas.DataFrame``), each case read, prepared
and split once and kept on disk. Imports ``features``, ``habitats`` and the rooms before them.
"""

from HabitatRadiomicsLib.extraction.cohort import Extraction, FoldFeatures, extract_features, measure_folds
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, write_problems
from HabitatRadiomicsLib.extraction.maps import make_maps, needs_habitats, prepare_case
from HabitatRadiomicsLib.extraction.prepared_cases import ORIGINAL, PERTURBED

__all__ = [
    "ORIGINAL",
    "PERTURBED",
    "CaseProblem",
    "Extraction",
    "FoldFeatures",
    "extract_features",
    "make_maps",
    "measure_folds",
    "needs_habitats",
    "prepare_case",
    "write_problems",
]
