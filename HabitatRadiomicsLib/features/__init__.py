"""Radiomic features: names, definitions, engines, harmonisation and reliability.

In: a prepared image and masks; out: values by feature name. Imports ``imaging`` and the rooms before it.
"""

from HabitatRadiomicsLib.features.catalogue import FeatureName, feature_names, parse
from HabitatRadiomicsLib.features.deep.measure import feature_names_of
from HabitatRadiomicsLib.features.engine import FeatureEngine, choose_engine

__all__ = [
    "FeatureEngine",
    "FeatureName",
    "choose_engine",
    "feature_names",
    "feature_names_of",
    "parse",
]
