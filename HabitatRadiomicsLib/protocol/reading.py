"""Reads protocols from YAML files and bundled presets, and writes them as YAML."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.protocol.settings import FORMAT_VERSION, Protocol
from HabitatRadiomicsLib.system.resources import resource_files


def bundled_protocols() -> dict[str, Path]:
    """The presets that travel with the library, by name."""
    return resource_files("Protocols", ".yaml")


def load_protocol(name_or_file: Protocol | str | Path) -> Protocol:
    """A preset by name, or a YAML file; a protocol object is returned unchanged.

    Raises:
        ProtocolError: there is no such preset or file, it is not YAML, or settings are wrong (names all of them).

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> hr.load_protocol("t790m-spine-mri").sequences
        ('T1W', 'T2FS')
    """
    if isinstance(name_or_file, Protocol):
        return name_or_file
    presets = bundled_protocols()
    path = presets.get(str(name_or_file), Path(name_or_file))
    if not os.path.isfile(path):  # Path.is_file raises an error for a name that no file can have
        raise ProtocolError(
            "There is no protocol of this name, and no such file.",
            where=str(name_or_file),
            remedy=f"Bundled protocols: {', '.join(presets)}.",
        )
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise ProtocolError(f"The file cannot be read as YAML: {problem}.", where=str(path)) from error
    return protocol_from(document, where=str(path))


def protocol_from(document: Any, *, where: str) -> Protocol:
    """A protocol from plain data; ``where`` names its origin in errors.

    Raises:
        ProtocolError: settings are missing, unknown or invalid; names all of them.
    """
    if not isinstance(document, dict):
        raise ProtocolError("A protocol is a YAML mapping of settings; this is not one.", where=where)
    version = document.get("format_version", FORMAT_VERSION)
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise ProtocolError(
            f"The protocol has format {version}; this version reads up to {FORMAT_VERSION}.",
            where=where,
            remedy="Update Habitat Radiomics.",
        )
    try:
        return Protocol.model_validate(document)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, item['loc'])) or 'protocol'}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        ]
        raise ProtocolError(f"Settings are wrong: {'; '.join(problems)}.", where=where) from error


def protocol_text(protocol: Protocol) -> str:
    """A protocol as YAML; :func:`load_protocol` reads an equal one back from it."""
    return yaml.safe_dump(protocol.document(), sort_keys=False, allow_unicode=True, width=110)
