"""Feature tables: a ``pandas.DataFrame`` with a row per case (index ``case_id``) and a column per feature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from HabitatRadiomicsLib.features.catalogue import definition_of, parse
from HabitatRadiomicsLib.outputs import json_text, write_csv, write_text
from HabitatRadiomicsLib.protocol import Protocol, protocol_text
from HabitatRadiomicsLib.system.provenance import versions

if TYPE_CHECKING:
    import pandas as pd


def write_feature_table(
    folder: Path,
    table: pd.DataFrame,
    protocol: Protocol,
    *,
    engine: str,
    outcomes: Mapping[str, int],
    sites: Mapping[str, str],
) -> None:
    """``features.csv`` with outcome and site before the features where they are known, ``features.json`` (what each
    column is), and ``protocol.yaml``.

    Args:
        table: index ``case_id``; NaN where a feature is not defined.
        protocol: of the measurement, with the population's habitats.
        engine: name and version.
        outcomes, sites: by case; empty where there are none.
    """
    leading: dict[str, Sequence[object]] = {}
    if outcomes:
        leading["outcome"] = [outcomes[case_id] for case_id in table.index]
    if sites:
        leading["site"] = [sites.get(case_id, "") for case_id in table.index]
    write_values(table, folder / "features.csv", leading)
    write_text(folder / "features.json", json_text(catalogue(table, protocol, engine)))
    write_text(folder / "protocol.yaml", protocol_text(protocol))


def catalogue(table: pd.DataFrame, protocol: Protocol, engine: str) -> dict[str, Any]:
    """``features.json``: what each column of a table is, and how it was measured."""
    return {
        "cases": len(table),
        "provenance": {
            "protocol": protocol.name,
            "protocol_sha256": protocol.sha256,
            "engine": engine,
            "versions": versions(),
        },
        **column_definitions(table.columns, protocol),
    }


def write_values(table: pd.DataFrame, path: Path, leading: Mapping[str, Sequence[object]] | None = None) -> None:
    """A table as CSV, its index as the first column; an undefined value is an empty cell.

    Args:
        leading: columns to put between the index and the features, a cell per case.
    """
    import pandas as pd

    before = pd.DataFrame(dict(leading or {}), index=table.index)
    write_csv(pd.concat([before, table], axis=1).reset_index(), path)


def column_definitions(columns: Iterable[str], protocol: Protocol) -> dict[str, Any]:
    """What each column is: its parts, the definition of its feature, and the settings of its sequence."""
    names = {column: parse(column) for column in columns}
    used = dict.fromkeys((name.feature_class, name.feature) for name in names.values())
    sequences = dict.fromkeys(name.sequence for name in names.values())
    deep = {} if protocol.deep is None else {"deep": protocol.deep.model_dump(mode="json")}
    described = ("title", "unit", "ibsi", "definition")
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
        "definitions": {
            f"{kind}_{feature}": {part: getattr(definition_of(kind, feature), part) for part in described}
            for kind, feature in used
        },
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
