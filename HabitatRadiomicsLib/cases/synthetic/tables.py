"""A cohort's tables on disk."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from HabitatRadiomicsLib.outputs import write_text

#: Rows of a table, the header first.
Rows = Sequence[Sequence[object]]


def write_tables(folder: Path, images: Rows, clinical: Rows) -> tuple[Path, Path]:
    """``images.csv`` and ``clinical.csv`` in a folder."""
    tables = folder / "images.csv", folder / "clinical.csv"
    for path, rows in zip(tables, (images, clinical)):
        write_table(path, rows)
    return tables


def write_table(path: Path, rows: Rows) -> None:
    """A table as CSV."""
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    write_text(path, stream.getvalue())
