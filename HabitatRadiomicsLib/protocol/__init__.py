"""Every setting of every step, validated and immutable.

In: the name of a bundled protocol, or a YAML file; out: a ``Protocol``. Imports ``system`` and the root's loose files.
"""

from HabitatRadiomicsLib.protocol.base import NAME_PATTERN
from HabitatRadiomicsLib.protocol.feature_settings import (
    Discretisation,
    FeatureSettings,
    ImageFilters,
    TextureSettings,
)
from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK, HabitatCount, HabitatModel
from HabitatRadiomicsLib.protocol.learning_settings import (
    ClassifierName,
    FusionSettings,
    LearningSettings,
    NomogramSettings,
    ScoutSettings,
    SearchSettings,
    Selector,
)
from HabitatRadiomicsLib.protocol.reading import bundled_protocols, load_protocol, protocol_from, protocol_text
from HabitatRadiomicsLib.protocol.settings import (
    BiasCorrection,
    CombatSettings,
    DeepSettings,
    EntropySettings,
    HabitatSettings,
    IccForm,
    IntensityWindow,
    Normalisation,
    Preprocessing,
    Protocol,
    Resampling,
    RingLimits,
    RobustnessSettings,
    TimePoints,
)

__all__ = [
    "NAME_PATTERN",
    "BiasCorrection",
    "ChoiceOfK",
    "ClassifierName",
    "CombatSettings",
    "DeepSettings",
    "Discretisation",
    "EntropySettings",
    "FeatureSettings",
    "FusionSettings",
    "HabitatCount",
    "HabitatModel",
    "HabitatSettings",
    "IccForm",
    "ImageFilters",
    "IntensityWindow",
    "LearningSettings",
    "NomogramSettings",
    "Normalisation",
    "Preprocessing",
    "Protocol",
    "Resampling",
    "RingLimits",
    "RobustnessSettings",
    "ScoutSettings",
    "SearchSettings",
    "Selector",
    "TextureSettings",
    "TimePoints",
    "bundled_protocols",
    "load_protocol",
    "protocol_from",
    "protocol_text",
]
