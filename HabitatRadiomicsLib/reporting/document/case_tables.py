"""The tables of a training that name its cases: features as measured, and held-out scores. No report needs them."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.extraction.kept_cases import write_problems, write_warnings
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.features.table import write_feature_table
from HabitatRadiomicsLib.outputs import write_csv
from HabitatRadiomicsLib.reporting.document.learning import shown_name
from HabitatRadiomicsLib.training.train import Training


def write_features(folder: Path, training: Training) -> None:
    """Features as measured under the habitats of all cases, what they are, and what could not be measured."""
    study, protocol = training.study, training.model.protocol
    cohort = study.cohort
    table = with_deltas(study.features.table(0), protocol.timepoints, with_followup=True)
    write_feature_table(
        folder, table, protocol, engine=study.features.engine, outcomes=cohort.outcomes, sites=cohort.sites
    )
    write_problems([*study.features.problems, *study.features.region_problems(0)], folder / "errors.csv")
    write_warnings(study.features.warnings, folder / "warnings.csv")


def write_held_out(folder: Path, training: Training) -> None:
    """``held_out.csv``: each case's score by each model that had not seen it, a row per case, repeat and model."""
    import pandas as pd

    ids, outcome = training.study.features.case_ids, training.table.outcome
    rows = [
        (case_id, repeat, shown_name(training, name), value, score, cut_off)
        for name, held_out in training.validation.held_out.items()
        for repeat, (scores, cut_offs) in enumerate(zip(held_out.scores, held_out.cut_offs), start=1)
        for case_id, value, score, cut_off in zip(ids, outcome, scores, cut_offs)
    ]
    columns = ["case_id", "repeat", "model", "outcome", "score", "cut_off"]
    write_csv(pd.DataFrame(rows, columns=columns), folder / "held_out.csv")
