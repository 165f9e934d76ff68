"""The frozen model: one JSON file with everything that a score needs.

In: all that was fitted; out: one JSON file, and back. Knows nothing of learning; imports ``features`` and the rooms
before it.
"""

from HabitatRadiomicsLib.model.document import (
    Calibration,
    ClassifierInput,
    CutOff,
    Endpoint,
    Evidence,
    EvidenceKind,
    FrozenClassifier,
    Model,
    ModelFeature,
    OperatingPoint,
    Performance,
    ReferenceCohort,
)
from HabitatRadiomicsLib.model.storage import bundled_models, load_model, model_digest, model_text

__all__ = [
    "Calibration",
    "ClassifierInput",
    "CutOff",
    "Endpoint",
    "Evidence",
    "EvidenceKind",
    "FrozenClassifier",
    "Model",
    "ModelFeature",
    "OperatingPoint",
    "Performance",
    "ReferenceCohort",
    "bundled_models",
    "load_model",
    "model_digest",
    "model_text",
]
