"""Tables of a study document: Table 1 and the choice of K, with every number in full."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.reporting.document.tables import write_features, write_held_out, write_tables
from HabitatRadiomicsLib.statistics.characteristics import NumericSummary, characteristics

from ... import two_time_points

_OUTCOME = np.array([0] * 16 + [1] * 16)
_AGES = [repr(float(value)) for value in np.random.default_rng(0).normal(60, 10, 32)]


def _study(**parts: Any) -> dict[str, Any]:
    return {"validation": {"candidates": []}, "model": {"features": []}, **parts}


def _table(columns: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=pd.Index(["A", "B"], name="case_id"))


def _training(table: pd.DataFrame, settings: Protocol) -> Any:
    """What the tables of features and of held-out scores look at."""
    cohort = SimpleNamespace(outcomes=dict.fromkeys(table.index, 1), sites={})
    features = SimpleNamespace(
        case_ids=tuple(table.index), table=lambda training_set: table, engine="e", problems=(), warnings={},
        region_problems=lambda training_set: [],
    )  # fmt: skip
    held_out = {
        name: SimpleNamespace(scores=np.array([[0.5, -0.5]]), cut_offs=np.zeros((1, 2)))
        for name in ("chosen score", "CT whole")
    }
    return SimpleNamespace(
        study=SimpleNamespace(cohort=cohort, features=features), model=SimpleNamespace(protocol=settings),
        table=SimpleNamespace(outcome=np.array([1, 0])), validation=SimpleNamespace(held_out=held_out),
        learned=SimpleNamespace(nomogram=object()),
    )  # fmt: skip


def test_features_of_two_time_points_are_written_with_their_changes(tmp_path: Path) -> None:
    name = "CT_whole_original_firstorder_Mean"
    table = _table({f"baseline_{name}": [1.0, 2.0], f"follow-up_{name}": [4.0, np.nan]})
    write_features(tmp_path, _training(table, two_time_points.protocol()))
    rows = _rows(tmp_path, "features")
    assert rows[0] == {
        "case_id": "A", "outcome": "1", f"baseline_{name}": "1.0", f"follow-up_{name}": "4.0", f"delta_{name}": "3.0"
    }  # fmt: skip
    assert rows[1][f"delta_{name}"] == ""
    definitions = json.loads((tmp_path / "features.json").read_text(encoding="utf-8"))["columns"]
    assert [definition["timepoint"] for definition in definitions.values()] == ["baseline", "follow-up", "delta"]


def test_held_out_scores_have_the_names_of_the_other_tables(tmp_path: Path) -> None:
    table = _table({})
    write_held_out(tmp_path, _training(table, two_time_points.protocol()))
    assert [(row["case_id"], row["model"], row["outcome"], row["score"]) for row in _rows(tmp_path, "held_out")] == [
        ("A", "nomogram", "1", "0.5"), ("B", "nomogram", "0", "-0.5"),
        ("A", "CT whole", "1", "0.5"), ("B", "CT whole", "0", "-0.5"),
    ]  # fmt: skip


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_table_1_has_a_line_per_level_and_group_and_numbers_in_full(tmp_path: Path) -> None:
    rows = characteristics({"age": _AGES, "sex": ["m", "f", "f", "NA"] * 8}, _OUTCOME)
    write_tables(tmp_path, _study(characteristics=[asdict(row) for row in rows]))
    table = _rows(tmp_path, "characteristics")
    assert len(table) == 3 + 2 * 3
    age = rows[0].groups["positive"]
    assert isinstance(age, NumericSummary)
    (found,) = (line for line in table if (line["characteristic"], line["group"]) == ("age", "positive"))
    assert found["kind"] == "numeric"
    for name in ("mean", "sd", "median", "lower_quartile", "upper_quartile"):
        assert float(found[name]) == getattr(age, name)
    assert (float(found["p"]), found["test"], found["count"], found["level"]) == (rows[0].p, rows[0].test, "", "")
    values = np.array(_AGES, dtype=float)[_OUTCOME == 1]
    assert float(found["mean"]) == pytest.approx(values.mean())
    (males,) = (line for line in table if (line["level"], line["group"]) == ("m", "all"))
    assert (males["cases"], males["count"], males["missing"], males["mean"]) == ("24", "8", "8", "")


def test_table_1_shows_no_identifier(tmp_path: Path) -> None:
    rows = characteristics({"name": [f"Patient {number}" for number in range(32)]}, _OUTCOME)
    write_tables(tmp_path, _study(characteristics=[asdict(row) for row in rows]))
    assert "Patient" not in (tmp_path / "characteristics.csv").read_text(encoding="utf-8")
    assert [line["cases"] for line in _rows(tmp_path, "characteristics")] == ["32", "16", "16"]


def test_the_choice_of_k_has_a_line_per_sequence_and_k(tmp_path: Path) -> None:
    tried = [
        {"k": 2, "calinski_harabasz": 512.25, "silhouette": 1 / 3, "rejected": None},
        {"k": 3, "calinski_harabasz": 700.5, "silhouette": 0.25, "rejected": "S3 is nearly empty, in 9 of 12 patients"},
    ]
    choice = {"chosen": 2, "rule": "the best", "candidates": tried}
    write_tables(tmp_path, _study(habitats={"T1W": choice, "PET": {**choice, "candidates": tried[:1]}}))
    table = _rows(tmp_path, "habitats")
    assert [(row["sequence"], row["k"], row["chosen"]) for row in table] == [
        ("T1W", "2", "yes"), ("T1W", "3", "no"), ("PET", "2", "yes"),
    ]  # fmt: skip
    assert [float(row["silhouette"]) for row in table] == [1 / 3, 0.25, 1 / 3]
    assert float(table[1]["calinski_harabasz"]) == 700.5
    assert [row["rejected"] for row in table] == ["", "S3 is nearly empty, in 9 of 12 patients", ""]


@pytest.mark.parametrize("parts", [{}, {"characteristics": [], "habitats": {}}], ids=["external", "empty"])
def test_what_a_study_does_not_have_has_no_table(parts: dict[str, Any], tmp_path: Path) -> None:
    write_tables(tmp_path, _study(**parts))
    assert not list(tmp_path.iterdir())
