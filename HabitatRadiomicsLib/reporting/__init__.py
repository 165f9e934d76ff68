"""All drawing and all documents that a person reads.

In: a study document or a score; out: HTML, figures, tables and checklists. Imports ``training``, ``scoring`` and the
rooms before them.
"""

from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes
from HabitatRadiomicsLib.reporting.figures.patient_figures import contribution_at, contributions_figure, score_figure
from HabitatRadiomicsLib.reporting.figures.slice_figures import map_figure
from HabitatRadiomicsLib.reporting.patient import write_maps, write_score

__all__ = [
    "contribution_at",
    "contributions_figure",
    "map_figure",
    "png_bytes",
    "score_figure",
    "write_maps",
    "write_score",
]
