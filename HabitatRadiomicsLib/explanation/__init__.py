"""Why a score is what it is."""

from HabitatRadiomicsLib.explanation.contributions import Contribution, explain

__all__ = ["Contribution", "explain"]
