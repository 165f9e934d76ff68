"""The tables of a training that name its cases: features as measured, and held-out scores. No report needs them."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.extraction.kept_cases import write_problems
from HabitatRadiomicsLib.features.delta import with_deltas
from HabitatRadiomicsLib.features.table import column_definitions, write_table
from HabitatRadiomicsLib.outputs import json_text, write_csv, write_text
from HabitatRadiomicsLib.protocol import protocol_text
from HabitatRadiomicsLib.reporting.document.learning import shown_name
from HabitatRadiomicsLib.system.provenance import versions
from HabitatRadiomicsLib.training.train import Training


def write_features(folder: Path, training: Training) -> None:
    """Features as measured under the habitats of all cases, what they are, and what could not be measured."""
    import pandas as pd

    study, protocol = training.study, training.model.protocol
    cohort, ids = study.cohort, study.features.case_ids
    leading = {"outcome": [str(cohort.outcomes[case_id]) for case_id in ids]}
    if cohort.sites:
        leading["site"] = [cohort.sites.get(case_id, "") for case_id in ids]
    table = with_deltas(study.features.table(0), protocol.timepoints, with_followup=True)
    write_table(table, folder / "features.csv", leading)
    definitions = {
        "cases": len(ids),
        "provenance": {
            "protocol": protocol.name,
            "protocol_sha256": protocol.sha256,
            "engine": study.features.engine,
            "versions": versions(),
        },
        **column_definitions(table.columns, protocol),
    }
    write_text(folder / "features.json", json_text(definitions))
    write_text(folder / "protocol.yaml", protocol_text(protocol))
    write_problems([*study.features.problems, *study.features.region_problems(0)], folder / "errors.csv")
    warnings = [(case_id, text) for case_id, texts in study.features.warnings.items() for text in texts]
    write_csv(pd.DataFrame(warnings, columns=["case_id", "warning"]), folder / "warnings.csv")


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
