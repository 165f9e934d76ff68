"""Every setting of every step, validated and immutable."""

from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK, HabitatCount, HabitatModel
from HabitatRadiomicsLib.protocol.reading import bundled_protocols, load_protocol, protocol_from, protocol_text
from HabitatRadiomicsLib.protocol.settings import (
    BiasCorrection,
    Discretisation,
    EntropySettings,
    FeatureSettings,
    HabitatSettings,
    ImageFilters,
    IntensityWindow,
    LearningSettings,
    Normalisation,
    Preprocessing,
    Protocol,
    Resampling,
    TextureSettings,
)

__all__ = [
    "BiasCorrection",
    "ChoiceOfK",
    "Discretisation",
    "EntropySettings",
    "FeatureSettings",
    "HabitatCount",
    "HabitatModel",
    "HabitatSettings",
    "ImageFilters",
    "IntensityWindow",
    "LearningSettings",
    "Normalisation",
    "Preprocessing",
    "Protocol",
    "Resampling",
    "TextureSettings",
    "bundled_protocols",
    "load_protocol",
    "protocol_from",
    "protocol_text",
]
