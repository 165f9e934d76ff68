"""``demo --preset``: a preset in small, the whole way on synthetic patients."""

from __future__ import annotations

from pathlib import Path

from HabitatRadiomicsLib.cases.cohort import load_cohort, with_reading
from HabitatRadiomicsLib.cases.synthetic.spine_clinical import READINGS
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.commands.score import summary as score_summary
from HabitatRadiomicsLib.commands.small_presets import SMALL_PRESETS, small_preset
from HabitatRadiomicsLib.commands.train import summary as model_summary
from HabitatRadiomicsLib.model import Endpoint, load_model, model_text
from HabitatRadiomicsLib.outputs import result_folder, write_text
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.protocol import protocol_text
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import train_model

SEED = 1
#: Of the patients that are scored: others than those that the model was trained on.
_NEW = 98


def run_preset_demo(name: str, target: Path, *, mark: str, jobs: int) -> int:
    """Write a synthetic cohort, train the preset's small form on it, score a new patient, tell where the reports lie.

    Args:
        name: of the preset.
        target: folder for everything; replaced when an earlier demo, known by its ``mark``, lies there.
    """
    from HabitatRadiomicsLib.reporting import write_score
    from HabitatRadiomicsLib.reporting.study.files import write_training

    small, protocol = SMALL_PRESETS[name], small_preset(name)
    moments = None if protocol.timepoints is None else protocol.timepoints.names
    with result_folder(target, mark=mark, overwrite=True) as folder, progress_bar("demo") as progress:
        write_text(folder / mark, "Made by 'habitat-radiomics demo', which may replace this folder.\n")
        progress(0.0, "making synthetic patients")
        write_text(folder / "protocol.yaml", protocol_text(protocol))
        tables = small.write(folder / "cohort", small.patients, SEED, small.effect)
        cohort = load_cohort(*tables, timepoints=moments, other_outcomes=small.endpoints)
        for table, kind in READINGS.items():
            if (folder / "cohort" / table).is_file():
                cohort = with_reading(cohort, folder / "cohort" / table, kind, timepoints=moments)
        training = train_model(
            cohort, protocol, _purpose(name), folder / "training" / "work", jobs=jobs,
            progress=part(progress, 0.05, 0.85),
        )  # fmt: skip
        path = folder / "training" / "model.json"
        write_text(path, model_text(training.model))
        progress(0.85, "writing the training's report")
        write_training(folder / "training", training)
        tables = small.write(folder / "new-patients", 2, _NEW, small.effect)
        patient = load_cohort(*tables, timepoints=moments, other_outcomes=small.endpoints)
        new, model = patient.cases[-1], load_model(path)  # the last has the outcome
        (folder / "score").mkdir()
        clinical = patient.covariates.get(new.case_id, {})
        site = patient.sites.get(new.case_id)
        result = score_case(
            new.read(model.sequences), model, site=site, clinical=clinical, jobs=jobs, progress=part(progress, 0.9, 1)
        )
        write_score(folder / "score", result)
    print(f"Trained on {small.says}: {target / 'training' / 'model.json'}")
    print("\n".join(model_summary(training.model)))
    print(f"Report of the training: {target / 'training' / 'report.html'}")
    print("A new synthetic patient, scored:")
    print("\n".join(score_summary(result, target / "score" / "report.html")))
    return 0


def _purpose(name: str) -> Purpose:
    small = SMALL_PRESETS[name]
    return Purpose(
        name=f"{name}-demo",
        title=f"Demonstration of {name}",
        intended_use="To show and test the program. It knows synthetic images only.",
        endpoint=Endpoint(name="a made-up outcome", positive="outcome likely", negative="outcome unlikely"),
        cohort=small.says,
        evidence="synthetic-demonstration",
        licence="MIT",
    )
