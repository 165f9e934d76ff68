"""The whole way of a preset on a synthetic cohort, by the command line: make, train, score, evaluate."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.commands.small_presets import SMALL_PRESETS, small_preset
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.model.document import Performance
from HabitatRadiomicsLib.protocol import protocol_text

#: How many new patients a model is evaluated on.
FRESH = 10
#: Of the sentence with which a training refuses a cohort that teaches nothing.
NOTHING_LEARNED = "tells the outcomes of"


@dataclass(frozen=True)
class Run:
    """What one training left behind.

    Attributes:
        status: of the command.
        cohort: folder of the synthetic cohort; ``out``: of the results.
    """

    status: int
    cohort: Path
    out: Path

    @property
    def model(self) -> Model:
        """As it is read from its file."""
        return load_model(str(self.out / "model.json"))

    @property
    def performance(self) -> Performance:
        """Of the nested cross-validation."""
        found = self.model.evidence.performance
        assert found is not None
        return found


def write(name: str, folder: Path, *, seed: int, effect: float | None = None, patients: int | None = None) -> list[str]:
    """A cohort of the preset's kind; gives the arguments that name its tables."""
    small = SMALL_PRESETS[name]
    small.write(folder, patients or small.patients, seed=seed, effect=small.effect if effect is None else effect)
    return tables(folder)


def tables(folder: Path) -> list[str]:
    """The arguments that name a cohort's tables."""
    return ["--cohort", str(folder / "images.csv"), "--clinical", str(folder / "clinical.csv")]


def train(name: str, folder: Path, *more: str, seed: int, effect: float | None = None) -> Run:
    """Write a cohort and train the tiny preset on it."""
    protocol = folder / "tiny.yaml"
    protocol.write_text(protocol_text(small_preset(name)), encoding="utf-8")
    cohort = write(name, folder / "cohort", seed=seed, effect=effect)
    if name == "spine-nomogram-mri":
        for option in ("second-reader", "repeat-reading"):
            more = (*more, f"--{option}", str(folder / "cohort" / f"{option}.csv"))
    status = main(["train", *cohort, "--protocol", str(protocol), "--out", str(folder / "out"), *more])
    return Run(status, folder / "cohort", folder / "out")


def evaluated_auc(name: str, model: Path, folder: Path, *more: str, outcome: str = "outcome") -> float:
    """AUC of a model's scores for ten fresh patients of another seed, by scikit-learn from ``scores.csv``."""
    cohort = write(name, folder / "fresh", seed=99, patients=FRESH)
    options = ["--model", str(model), "--out", str(folder / "evaluated"), "--outcome", outcome]
    assert main(["evaluate", *options, *cohort, *more]) == 0
    known = {row["case_id"]: int(row[outcome]) for row in rows(folder / "fresh" / "clinical.csv")}
    scored = rows(folder / "evaluated" / "scores.csv")
    truth = [known.get(row["case_id"], known.get(row["case_id"].rpartition("-")[0])) for row in scored]
    return float(roc_auc_score(truth, [float(row["score"]) for row in scored]))


def learned_nothing(run: Run, told: str) -> bool:
    """Whether a training on a cohort without any effect claims nothing.

    Chance lies in its AUC's interval, or it refused. Of few cases, and fewer patients, held-out scores may well fall
    against the outcome: then the interval lies below chance, and the model gives no probability.
    """
    if run.status == 2:
        return NOTHING_LEARNED in told and not (run.out / "model.json").exists()
    area = run.performance
    return run.status == 0 and area.auc_low <= 0.5 and (area.auc_high >= 0.5 or run.model.calibration is None)


def images_of(folder: Path, case_id: str) -> list[str]:
    """The arguments that name a patient's images and masks."""
    found = []
    moments = {row.get("timepoint", "") for row in rows(folder / "images.csv")}
    for row in rows(folder / "images.csv"):
        if row["case_id"] == case_id and row.get("lesion", "1") == "1":
            key = f"{row['timepoint']}_{row['sequence']}" if len(moments) > 1 else row["sequence"]
            found += ["--image", f"{key}={folder / row['image']}", "--mask", f"{key}={folder / row['mask']}"]
            found += ["--mask-label", f"{key}={row['label']}"]
    assert found
    return found


def rows(path: Path) -> list[dict[str, str]]:
    """Of a CSV table."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def column(path: Path, name: str) -> np.ndarray:
    """Of a CSV table, as numbers."""
    return np.array([float(row[name]) for row in rows(path)])
