"""SHA-256 of files and of cohorts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from HabitatRadiomicsLib.cases.cohort.cohort import Cohort, CohortImage
from HabitatRadiomicsLib.system.provenance import document_digest


def file_digest(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder (a DICOM series)."""
    digest = hashlib.sha256()
    for file in sorted(filter(Path.is_file, path.iterdir())) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            for block in iter(partial(stream.read, 1 << 20), b""):
                digest.update(block)
    return digest.hexdigest()


def cohort_digest(cohort: Cohort) -> str:
    """SHA-256 of a cohort's images, masks, further readings and outcomes; independent of the names and the order of
    the cases."""
    rows = sorted(
        [
            cohort.outcomes.get(case.case_id, -1),
            _digests(case.images),
            *([kind, *_digests(images)] for kind, images in sorted(case.readings.items())),
        ]
        for case in cohort.cases
    )
    return document_digest(rows)


def _digests(images: Iterable[CohortImage]) -> list[list[str]]:
    return sorted([image.sequence, file_digest(image.image), file_digest(image.mask)] for image in images)
