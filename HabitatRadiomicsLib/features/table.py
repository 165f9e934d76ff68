"""Feature tables: one row per case."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from HabitatRadiomicsLib.features.catalogue import parse
from HabitatRadiomicsLib.features.definitions import definition_of
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.protocol import Protocol


@dataclass(frozen=True)
class FeatureTable:
    """Values by case and column; NaN where a feature is not defined for a case. Shape (cases, columns)."""

    case_ids: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray

    @classmethod
    def of_rows(cls, rows: Mapping[str, Mapping[str, float]]) -> FeatureTable:
        """A table from one mapping per case; columns in the order in which they first appear."""
        columns = tuple(dict.fromkeys(name for row in rows.values() for name in row))
        values = np.array([[row.get(name, np.nan) for name in columns] for row in rows.values()], dtype=float)
        return cls(tuple(rows), columns, values.reshape(len(rows), len(columns)))

    def with_columns(self, columns: Sequence[str]) -> FeatureTable:
        """The same cases with these columns only, in this order."""
        place = {name: index for index, name in enumerate(self.columns)}
        return FeatureTable(self.case_ids, tuple(columns), self.values[:, [place[name] for name in columns]])


def write_table(table: FeatureTable, path: Path, leading: Mapping[str, Sequence[str]] | None = None) -> None:
    """CSV with every digit that matters; an undefined value is an empty cell.

    Args:
        leading: columns to put between ``case_id`` and the features, a cell per case.
    """
    leading = leading or {}
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["case_id", *leading, *table.columns])
    for index, (case_id, row) in enumerate(zip(table.case_ids, table.values)):
        cells = ["" if np.isnan(value) else repr(float(value)) for value in row]
        writer.writerow([case_id, *(column[index] for column in leading.values()), *cells])
    write_text(path, stream.getvalue())


def column_definitions(columns: Sequence[str], protocol: Protocol) -> dict[str, Any]:
    """What each column is: its parts, the definition of its feature, and the settings of its sequence."""
    names = {column: parse(column) for column in columns}
    used = dict.fromkeys((name.feature_class, name.feature) for name in names.values())
    sequences = dict.fromkeys(name.sequence for name in names.values())
    deep = {} if protocol.deep is None else {"deep": protocol.deep.model_dump(mode="json")}
    definitions = {}
    for kind, feature in used:
        found = definition_of(kind, feature)
        definitions[f"{kind}_{feature}"] = {
            "title": found.title,
            "unit": found.unit,
            "ibsi": found.ibsi,
            "definition": found.definition,
        }
    return {
        "note": "Definitions are pyradiomics'. With a fixed bin width its bins lie on multiples of the width, and the "
        "lowest one in the region is level 1; the IBSI's start at the lowest intensity.",
        "columns": {
            column: {
                **({} if name.timepoint is None else {"timepoint": name.timepoint}),
                "sequence": name.sequence,
                "region": name.region,
                "image": name.image,
                "definition": f"{name.feature_class}_{name.feature}",
            }
            for column, name in names.items()
        },
        "definitions": definitions,
        "settings": {
            sequence: {
                "preprocessing": protocol.preprocessing_of(sequence).model_dump(mode="json"),
                "discretisation": protocol.features.discretisation_of(sequence).model_dump(mode="json"),
                "images": protocol.features.images.model_dump(mode="json"),
                "force_2d": protocol.features.force_2d,
                "texture": protocol.features.texture.model_dump(mode="json"),
                **deep,
            }
            for sequence in sequences
        },
    }
