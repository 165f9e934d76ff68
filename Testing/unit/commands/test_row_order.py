"""The order of the rows of a table changes neither a model nor what is known of it."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from HabitatRadiomicsLib.cases.synthetic import write_spine_clinical
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.reporting.document.tables import write_features, write_held_out
from HabitatRadiomicsLib.reporting.document.training import training_study
from HabitatRadiomicsLib.reporting.study import files as study_files
from HabitatRadiomicsLib.reporting.study.files import study_text
from HabitatRadiomicsLib.training.train import Training

_NONE: dict[str, Any] = {
    "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip
#: Everything that draws lots; the sequences are those that the table has.
_PROTOCOL: dict[str, Any] = {
    "name": "order",
    "title": "Order of rows",
    "regions": ["whole", "habitats"],
    "habitats": {"k_max": 3, "superpixels": 10},
    "features": {"classes": ["firstorder"], "images": _NONE},
    "robustness": {"cases": 8, "copies": 1, "threshold": 0.1},
    "learning": {
        "folds": 2, "repeats": 2, "significance": 0.9, "bootstraps": 50, "permutations": 1, "optimism_bootstraps": 1,
        "learning_curve": True, "nomogram": {"bootstraps": 5, "univariate_significance": 0.9},
    },
}  # fmt: skip
_WRITTEN = ("model.json", "study.json", "features.csv", "tables/held_out.csv")


def _shuffled(table: Path, seed: int) -> Path:
    """The same rows beside the table, in another order."""
    with table.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    again = rows.copy()
    random.Random(seed).shuffle(again)
    assert again != rows
    path = table.with_name(f"shuffled-{table.name}")
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *again])
    return path


def test_shuffled_rows_give_the_same_model_the_same_study_and_the_same_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path, training: Training, **more: Any) -> None:
        write_text(folder / "study.json", study_text(training_study(training)))
        write_features(folder, training)
        write_held_out(folder / "tables", training)

    monkeypatch.setattr(study_files, "write_training", write)
    images, clinical = write_spine_clinical(tmp_path / "cohort", 16, seed=3, effect=1.5, read_twice=0)
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(yaml.safe_dump(_PROTOCOL), encoding="utf-8")
    given = {"as-they-are": (images, clinical), "shuffled": (_shuffled(images, 8), _shuffled(clinical, 9))}
    for name, tables in given.items():
        options = ["--cohort", str(tables[0]), "--clinical", str(tables[1]), "--out", str(tmp_path / name)]
        assert main(["train", *options, "--protocol", str(protocol)]) == 0
    for file in _WRITTEN:
        first, second = ((tmp_path / name / file).read_bytes() for name in given)
        assert first == second, file
