"""A cohort as data; the images of a case are read when they are needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from HabitatRadiomicsLib.cases import Case, SequenceImage, read_sequence, title_of
from HabitatRadiomicsLib.errors import CohortError, HabitatRadiomicsError
from HabitatRadiomicsLib.system.provenance import document_digest, file_digest


@dataclass(frozen=True)
class CohortImage:
    """One row of ``images.csv``."""

    sequence: str
    """With two time points, the case's key: ``follow-up_CT``."""
    image: Path
    mask: Path
    label: int | None
    row: int
    """Its line in the table; the header is line 1."""
    table: str = "images.csv"


@dataclass(frozen=True)
class CohortCase:
    """One patient, or one of a patient's lesions, at one time point or at two, not yet read."""

    case_id: str
    timepoint: str
    """With two time points, both: ``baseline, follow-up``."""
    images: tuple[CohortImage, ...]
    readings: Mapping[str, tuple[CohortImage, ...]] = field(default_factory=dict)
    """Repeated segmentations by kind (see :class:`Case`); used for the reliability of features only."""

    def read(self, sequences: tuple[str, ...] | None = None, *, resample_mask: bool = False) -> Case:
        """Read and check the images.

        Args:
            sequences: those that are needed (with two time points, the keys); None: all.
            resample_mask: accept masks on another grid, with a warning.

        Raises:
            HabitatRadiomicsError: a sequence is missing, or an image or mask is refused; names the table's row.
        """
        readings = {kind: self._read(rows, sequences, resample_mask) for kind, rows in self.readings.items()}
        return Case(self.case_id, self._read(self.images, sequences, resample_mask), readings)

    def _read(
        self, images: tuple[CohortImage, ...], sequences: tuple[str, ...] | None, resample_mask: bool
    ) -> dict[str, SequenceImage]:
        rows = {image.sequence: image for image in images}
        missing = [name for name in sequences or () if name not in rows]
        if missing:
            raise CohortError(
                f"The case has no {' and no '.join(map(title_of, missing))} image.",
                where=f"case {self.case_id}",
                remedy=f"It has: {', '.join(map(title_of, rows))}.",
            )
        read = {}
        for name in sequences or tuple(rows):
            row = rows[name]
            try:
                read[name] = read_sequence(name, row.image, row.mask, label=row.label, resample_mask=resample_mask)
            except HabitatRadiomicsError as error:
                raise error.at(f"{row.table} row {row.row}") from error
        return read


@dataclass(frozen=True)
class Cohort:
    """Cases, sorted by identifier, with clinical data."""

    cases: tuple[CohortCase, ...]
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """0 or 1 by case; empty when there is no clinical table."""
    sites: Mapping[str, str] = field(default_factory=dict)
    patients: Mapping[str, str] = field(default_factory=dict)
    """The patient of each case, if the image table has a column ``lesion`` or the clinical one a column ``patient``;
    without an entry, the case itself is the patient."""
    covariates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """All other columns of the clinical table, by case and column, unchanged; see :mod:`clinical_columns`."""

    def patient_of(self, case_id: str) -> str:
        """The patient of a case; all cases of a patient lie on the same side of a split."""
        return self.patients.get(case_id, case_id)

    def only(self, case_ids: Collection[str]) -> Cohort:
        """The cohort restricted to some of its cases."""
        return replace(self, cases=tuple(case for case in self.cases if case.case_id in case_ids))


def cohort_digest(cohort: Cohort) -> str:
    """SHA-256 of a cohort's images, masks, further readings and outcomes; it does not depend on the names or the order
    of the cases."""

    def digests(images: Iterable[CohortImage]) -> list[list[str]]:
        return sorted([image.sequence, file_digest(image.image), file_digest(image.mask)] for image in images)

    rows = sorted(
        [
            cohort.outcomes.get(case.case_id, -1),
            digests(case.images),
            *([kind, *digests(images)] for kind, images in sorted(case.readings.items())),
        ]
        for case in cohort.cases
    )
    return document_digest(rows)
