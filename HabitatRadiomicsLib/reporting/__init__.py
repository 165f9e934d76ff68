"""All drawing and all documents that a person reads."""

from HabitatRadiomicsLib.reporting.contributions_figure import contributions_figure
from HabitatRadiomicsLib.reporting.map_figure import map_figure
from HabitatRadiomicsLib.reporting.map_files import write_maps
from HabitatRadiomicsLib.reporting.score_figure import score_figure
from HabitatRadiomicsLib.reporting.score_report import write_score

__all__ = ["contributions_figure", "map_figure", "score_figure", "write_maps", "write_score"]
