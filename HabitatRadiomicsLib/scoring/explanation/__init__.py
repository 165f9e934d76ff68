"""Explains a score by the contributions of its features."""

from HabitatRadiomicsLib.scoring.explanation.contributions import Contribution, explain
from HabitatRadiomicsLib.scoring.explanation.shapley import exact_shapley

__all__ = ["Contribution", "exact_shapley", "explain"]
