"""All drawing and all documents that a person reads.

In: a study document or a score; out: HTML, figures, tables and checklists. Imports ``training``, ``scoring`` and the
rooms before them.
"""

from HabitatRadiomicsLib.reporting.figures.contributions_figure import contribution_at, contributions_figure
from HabitatRadiomicsLib.reporting.figures.map_figure import map_figure
from HabitatRadiomicsLib.reporting.figures.score_figure import score_figure
from HabitatRadiomicsLib.reporting.figures.writing import png_bytes
from HabitatRadiomicsLib.reporting.patient.map_files import write_maps
from HabitatRadiomicsLib.reporting.patient.score_report import write_score

__all__ = [
    "contribution_at",
    "contributions_figure",
    "map_figure",
    "png_bytes",
    "score_figure",
    "write_maps",
    "write_score",
]
