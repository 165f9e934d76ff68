"""Explains a score by the contributions of its features."""

from HabitatRadiomicsLib.scoring.explanation.contributions import Contribution, explain

__all__ = ["Contribution", "explain"]
