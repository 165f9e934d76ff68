"""Writes a case to files that read back to the same case."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.cases.case import Case
from HabitatRadiomicsLib.outputs import write_image


def write_case(folder: Path, case: Case, *, compressed: bool = True) -> dict[str, tuple[Path, Path]]:
    """A case's images and masks as NRRD in ``folder/<case_id>``; returns the two paths by sequence.

    Compression takes seconds for a large series, so temporary files are written without it.
    """
    place = folder / case.case_id
    place.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, sequence in case.sequences.items():
        paths = place / f"{name}.nrrd", place / f"{name}-mask.nrrd"
        for image, path in zip((sequence.image, sequence.mask), paths):
            write_image(image, path, compressed=compressed)
        written[name] = paths
    return written
