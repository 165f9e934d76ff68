"""A cohort's tables on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from HabitatRadiomicsLib.outputs import write_csv

#: Rows of a table, the header first.
Rows = Sequence[Sequence[object]]


def write_tables(folder: Path, images: Rows, clinical: Rows) -> tuple[Path, Path]:
    """``images.csv`` and ``clinical.csv`` in a folder."""
    import pandas as pd

    tables = folder / "images.csv", folder / "clinical.csv"
    for path, (header, *rows) in zip(tables, (images, clinical)):
        write_csv(pd.DataFrame(rows, columns=header), path)
    return tables
