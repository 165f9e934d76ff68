"""All drawing and all documents that a person reads."""

from HabitatRadiomicsLib.reporting.contributions_figure import contribution_at, contributions_figure
from HabitatRadiomicsLib.reporting.figures import png_bytes
from HabitatRadiomicsLib.reporting.map_figure import map_figure
from HabitatRadiomicsLib.reporting.map_files import write_maps
from HabitatRadiomicsLib.reporting.score_figure import score_figure
from HabitatRadiomicsLib.reporting.score_report import write_score

__all__ = [
    "contribution_at",
    "contributions_figure",
    "map_figure",
    "png_bytes",
    "score_figure",
    "write_maps",
    "write_score",
]
