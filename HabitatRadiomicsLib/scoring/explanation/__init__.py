"""Why a score is what it is."""

from HabitatRadiomicsLib.scoring.explanation.contributions import Contribution, explain
from HabitatRadiomicsLib.scoring.explanation.shapley import exact_shapley

__all__ = ["Contribution", "exact_shapley", "explain"]
