"""Model files: readable and diffable JSON, refused when incomplete or edited."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from HabitatRadiomicsLib.errors import HabitatRadiomicsError, ModelError
from HabitatRadiomicsLib.model.document import FORMAT_VERSION, Model
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.system.provenance import document_digest
from HabitatRadiomicsLib.system.resources import resource_files


def bundled_models() -> dict[str, Path]:
    """The models that travel with the library, by name."""
    return resource_files("Models", ".json")


def model_digest(model: Model) -> str:
    """SHA-256 of the model's whole content."""
    return document_digest(_content(model))


def model_text(model: Model) -> str:
    """The model as JSON, its SHA-256 last."""
    return json_text({**_content(model), "sha256": model_digest(model)})


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
    document = _read_json(path)
    version = document.get("format_version")
    if not isinstance(version, int):
        raise ModelError("This is not a model file: it has no format_version.", where=where)
    if version > FORMAT_VERSION:
        raise ModelError(
            f"The model has format {version}; this version reads up to {FORMAT_VERSION}.",
            where=where,
            remedy="Update Habitat Radiomics.",
        )
    stated = document.pop("sha256", None)
    if not stated or stated != _digest(document):
        raise ModelError(
            "The file was edited or damaged after it was written: its SHA-256 does not fit its content.",
            where=where,
            remedy="Use the original file; a changed model is another model and has to be trained anew.",
        )
    try:
        return _as_it_was_made(Model.model_validate(document))
    except (ValidationError, HabitatRadiomicsError) as error:
        raise ModelError(f"The file is not a valid model: {_first_problem(error)}.", where=where) from error


def _as_it_was_made(model: Model) -> Model:
    """A model made before habitats at follow-up could use the baseline's scale keeps its own scale."""
    protocol = model.protocol
    moments = protocol.timepoints
    if moments is None or "habitat_scale" in moments.model_fields_set:
        return model
    if not any(name.region.startswith("S") and name.timepoint != moments.baseline for name in model.measured_features):
        return model
    own = protocol.model_copy(update={"timepoints": moments.model_copy(update={"habitat_scale": "own"})})
    return model.model_copy(update={"protocol": own})


def _digest(document: dict[str, Any]) -> str:
    """SHA-256 of the file's content; empty where it holds something impossible in a model, e.g. 1e999 (infinite) or
    an incomplete character."""
    try:
        return document_digest(document)
    except ValueError:
        return ""


def _content(model: Model) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(
            f"The file cannot be read as JSON ({error}); it may be truncated.",
            where=str(path),
            remedy="Copy it again from its source.",
        ) from error
    if not isinstance(document, dict):
        raise ModelError("This is not a model file.", where=str(path))
    return document


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number that a model may hold")


def _first_problem(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        return f"{place}: {message}" if place else message
    return str(error).rstrip(".")
