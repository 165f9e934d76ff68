"""Radiomic features: names, definitions, engines, and the regions that they describe."""

from HabitatRadiomicsLib.features.catalogue import FeatureName, feature_names, parse
from HabitatRadiomicsLib.features.deep import feature_names_of
from HabitatRadiomicsLib.features.definitions import FeatureDefinition, definition_of
from HabitatRadiomicsLib.features.engine import FeatureEngine, choose_engine
from HabitatRadiomicsLib.features.measure import measure_regions, regions_of

__all__ = [
    "FeatureDefinition",
    "FeatureEngine",
    "FeatureName",
    "choose_engine",
    "definition_of",
    "feature_names",
    "feature_names_of",
    "measure_regions",
    "parse",
    "regions_of",
]
