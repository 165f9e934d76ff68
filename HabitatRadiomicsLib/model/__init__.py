"""The frozen model: one JSON file with everything that a score needs."""

from HabitatRadiomicsLib.model.classifier_file import classifier_text, load_classifier
from HabitatRadiomicsLib.model.document import (
    Calibration,
    CutOff,
    Endpoint,
    Evidence,
    EvidenceKind,
    Model,
    ModelFeature,
    OperatingPoint,
    Performance,
)
from HabitatRadiomicsLib.model.storage import bundled_models, load_model, model_digest, model_text

__all__ = [
    "Calibration",
    "CutOff",
    "Endpoint",
    "Evidence",
    "EvidenceKind",
    "Model",
    "ModelFeature",
    "OperatingPoint",
    "Performance",
    "bundled_models",
    "classifier_text",
    "load_classifier",
    "load_model",
    "model_digest",
    "model_text",
]
