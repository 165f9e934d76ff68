"""Why a score is what it is."""

from HabitatRadiomicsLib.explanation.contributions import Contribution, explain
from HabitatRadiomicsLib.explanation.shapley import exact_shapley

__all__ = ["Contribution", "exact_shapley", "explain"]
