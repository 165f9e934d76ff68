"""Finds ``Resources/``, which is part of a checkout, a wheel and an extension."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.errors import HabitatRadiomicsError


def resources_folder() -> Path:
    """The folder that holds ``Models``, ``Protocols`` and ``Features``.

    In a wheel and an installed extension it lies inside the library, in a checkout beside it.

    Raises:
        HabitatRadiomicsError: the folder is missing.
    """
    library = Path(__file__).resolve().parents[1]
    for folder in (library / "Resources", library.parent / "Resources"):
        if (folder / "Protocols").is_dir():
            return folder
    raise HabitatRadiomicsError(
        "The folder Resources with protocols and models is missing from this installation.",
        where=str(library),
        remedy="Install the package again.",
    )


def resource_files(kind: str, suffix: str) -> dict[str, Path]:
    """The bundled files of one kind (``Models``, ``Protocols``) by name without suffix, sorted."""
    return {path.stem: path for path in sorted((resources_folder() / kind).glob(f"*{suffix}"))}


def bundled_models_to_choose() -> dict[str, Path]:
    """The bundled models in the order of a list to choose from. The demonstration, for the synthetic patient of the
    tutorial, is first, so that any other model is a deliberate choice."""
    files = resource_files("Models", ".json")
    return dict(sorted(files.items(), key=lambda item: (not item[0].endswith("-demo"), item[0])))
