"""The frozen model: one JSON file with everything that a score needs.

In: all that was fitted; out: one JSON file, and back. Knows nothing of learning; imports ``features`` and the rooms
before it.
"""

from HabitatRadiomicsLib.model.document import Endpoint, Model
from HabitatRadiomicsLib.model.storage import bundled_models, load_model, model_digest, model_text

__all__ = ["Endpoint", "Model", "bundled_models", "load_model", "model_digest", "model_text"]
