"""Every setting of every step, validated and immutable."""

from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK, HabitatCount, HabitatModel
from HabitatRadiomicsLib.protocol.reading import bundled_protocols, load_protocol, protocol_from, protocol_text
from HabitatRadiomicsLib.protocol.settings import (
    BiasCorrection,
    CombatSettings,
    Discretisation,
    EntropySettings,
    FeatureSettings,
    HabitatSettings,
    IccForm,
    ImageFilters,
    IntensityWindow,
    LearningSettings,
    Normalisation,
    Preprocessing,
    Protocol,
    Resampling,
    RobustnessSettings,
    TextureSettings,
)

__all__ = [
    "BiasCorrection",
    "ChoiceOfK",
    "CombatSettings",
    "Discretisation",
    "EntropySettings",
    "FeatureSettings",
    "HabitatCount",
    "HabitatModel",
    "HabitatSettings",
    "IccForm",
    "ImageFilters",
    "IntensityWindow",
    "LearningSettings",
    "Normalisation",
    "Preprocessing",
    "Protocol",
    "Resampling",
    "RobustnessSettings",
    "TextureSettings",
    "bundled_protocols",
    "load_protocol",
    "protocol_from",
    "protocol_text",
]
