"""Model files: readable and diffable JSON, refused when incomplete or edited."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from HabitatRadiomicsLib.errors import HabitatRadiomicsError, ModelError
from HabitatRadiomicsLib.model.document import FORMAT_VERSION, Model
from HabitatRadiomicsLib.system.provenance import document_digest
from HabitatRadiomicsLib.system.resources import resource_files
from HabitatRadiomicsLib.system.sealed import first_problem, read_sealed, sealed_text


def bundled_models() -> dict[str, Path]:
    """The models that travel with the library, by name."""
    return resource_files("Models", ".json")


def model_digest(model: Model) -> str:
    """SHA-256 of the model's whole content."""
    return document_digest(model.model_dump(mode="json"))


def model_text(model: Model) -> str:
    """The model as JSON, its SHA-256 last."""
    return sealed_text(model.model_dump(mode="json"))


def load_model(name_or_file: Model | str | Path) -> Model:
    """A bundled model by name, or a model file; a model that is loaded already comes back as it is.

    Raises:
        ModelError: there is no such model, or the file is truncated, edited, of a newer format, or invalid.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> hr.load_model("t790m-spine-demo").sequences
        ('T1W', 'T2FS')
    """
    if isinstance(name_or_file, Model):
        return name_or_file
    bundled = bundled_models()
    path = bundled.get(str(name_or_file), Path(name_or_file))
    where = str(path)
    if not os.path.isfile(path):  # unlike Path.is_file, this is False also for a name that cannot be one
        raise ModelError(
            "There is no model of this name, and no such file.",
            where=where,
            remedy=f"Bundled models: {', '.join(bundled) or 'none'}.",
        )
    document = read_sealed(
        path,
        kind="model",
        newest=FORMAT_VERSION,
        edited="Use the original file; a changed model is another model and has to be trained anew.",
        error=ModelError,
    )
    try:
        return _as_it_was_made(Model.model_validate(document))
    except (ValidationError, HabitatRadiomicsError) as error:
        raise ModelError(f"The file is not a valid model: {first_problem(error)}.", where=where) from error


def _as_it_was_made(model: Model) -> Model:
    """Keep the scale of a model made before habitats at follow-up could use the baseline's scale."""
    protocol = model.protocol
    moments = protocol.timepoints
    if moments is None or "habitat_scale" in moments.model_fields_set:
        return model
    if not any(name.region.startswith("S") and name.timepoint != moments.baseline for name in model.measured_features):
        return model
    unchanged = protocol.model_copy(update={"timepoints": moments.model_copy(update={"habitat_scale": "own"})})
    return model.model_copy(update={"protocol": unchanged})
