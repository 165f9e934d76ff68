"""JSON documents with a digest of their own: written readable and diffable, read back only when whole and unedited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.system.provenance import document_digest


def sealed_text(content: dict[str, Any]) -> str:
    """A document as JSON, its SHA-256 last."""
    return json_text({**content, "sha256": document_digest(content)})


def read_sealed(
    path: Path, *, kind: str, oldest: int = 1, newest: int, edited: str, error: type[HabitatRadiomicsError]
) -> dict[str, Any]:
    """The content of a file that :func:`sealed_text` wrote, without its digest.

    Args:
        kind: what the file is, within a sentence: ``model``.
        oldest, newest: the format versions that are known.
        edited: what to do about a file that was edited, a sentence.
        error: the class of what is raised.

    Raises:
        HabitatRadiomicsError: the file is truncated, edited, of another format, or something else.
    """
    where = str(path)

    def refuse(name: str) -> float:
        raise ValueError(f"{name} is not a number that a {kind} may hold")

    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError, RecursionError) as problem:
        raise error(
            f"The file cannot be read as JSON ({problem}); it may be truncated.",
            where=where,
            remedy="Copy it again from its source.",
        ) from problem
    if not isinstance(document, dict):
        raise error(f"This is not a {kind} file.", where=where)
    version = document.get("format_version")
    if not isinstance(version, int):
        raise error(f"This is not a {kind} file: it has no format_version.", where=where)
    if version < oldest:
        raise error(
            f"The {kind} has format {version}; this version reads from {oldest} on.", where=where, remedy=edited
        )
    if version > newest:
        raise error(
            f"The {kind} has format {version}; this version reads up to {newest}.",
            where=where,
            remedy="Update Habitat Radiomics.",
        )
    stated = document.pop("sha256", None)
    if not stated or stated != _digest(document):
        raise error(
            "The file was edited or damaged after it was written: its SHA-256 does not fit its content.",
            where=where,
            remedy=edited,
        )
    return document


def first_problem(error: Exception) -> str:
    """The first thing that is wrong with a document, within a sentence."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        location = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        return f"{location}: {message}" if location else message
    return str(error).rstrip(".")


def _digest(document: dict[str, Any]) -> str:
    """Of the file's content; empty where it holds what no document does, as 1e999 (infinite) or half a character."""
    try:
        return document_digest(document)
    except ValueError:
        return ""
