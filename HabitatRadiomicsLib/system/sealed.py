"""JSON documents that hold their own digest: readable and diffable, but refused if incomplete or edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.system.provenance import document_digest


def sealed_text(content: dict[str, Any]) -> str:
    """A document as JSON that ends with its SHA-256."""
    return json_text({**content, "sha256": document_digest(content)})


def read_sealed(
    path: Path, *, kind: str, oldest: int = 1, newest: int, edited: str, error: type[HabitatRadiomicsError]
) -> dict[str, Any]:
    """The content of a file written with :func:`sealed_text`, without its digest.

    Args:
        kind: the kind of file, as in a sentence: ``model``.
        oldest, newest: the known format versions.
        edited: the remedy for an edited file, a sentence.
        error: the class of the exception.

    Raises:
        HabitatRadiomicsError: the file is truncated, edited, of another format, or something else.
    """

    def refused(problem: str, remedy: str = "") -> HabitatRadiomicsError:
        return error(problem, where=str(path), remedy=remedy)

    def refuse_constant(name: str) -> float:
        raise ValueError(f"{name} is not a number that a {kind} may hold")

    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)
    except (OSError, ValueError, RecursionError) as problem:
        text = f"The file cannot be read as JSON ({problem}); it may be truncated."
        raise refused(text, "Copy it again from its source.") from problem
    if not isinstance(document, dict):
        raise refused(f"This is not a {kind} file.")
    version = document.get("format_version")
    if not isinstance(version, int):
        raise refused(f"This is not a {kind} file: it has no format_version.")
    if version < oldest:
        raise refused(f"The {kind} has format {version}; this version reads from {oldest} on.", edited)
    if version > newest:
        text = f"The {kind} has format {version}; this version reads up to {newest}."
        raise refused(text, "Update Habitat Radiomics.")
    stated = document.pop("sha256", None)
    if not stated or stated != _digest(document):
        text = "The file was edited or damaged after it was written: its SHA-256 does not match its content."
        raise refused(text, edited)
    return document


def first_problem(error: Exception) -> str:
    """The first problem of a document, as part of a sentence."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        return f"{location}: {message}" if location else message
    return str(error).rstrip(".")


def _digest(document: dict[str, Any]) -> str:
    """The digest of a content; empty if it holds what no document can, such as 1e999 (infinite) or half a character."""
    try:
        return document_digest(document)
    except ValueError:
        return ""
