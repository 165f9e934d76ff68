"""``demo``: the whole way on synthetic patients, from images to an explained score."""

from __future__ import annotations

import argparse
from pathlib import Path

from HabitatRadiomicsLib.cases import write_case
from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.cases.synthetic import SITES, synthetic_patient, write_synthetic_cohort
from HabitatRadiomicsLib.commands.arguments import default_jobs, positive_count
from HabitatRadiomicsLib.commands.preset_demo import run_preset_demo
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.commands.score import summary as score_summary
from HabitatRadiomicsLib.commands.small_presets import SMALL_PRESETS
from HabitatRadiomicsLib.commands.train import summary as model_summary
from HabitatRadiomicsLib.model import Endpoint, load_model, model_text
from HabitatRadiomicsLib.outputs import result_folder, write_text
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.protocol import load_protocol
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import train_model

CASES = 30
SEED = 4
#: The first patient after the cohort with the outcome.
NEW_PATIENT = CASES + 1

PURPOSE = Purpose(
    name="t790m-spine-demo",
    title="T790M in spinal metastases, demonstration",
    intended_use="To show and test the program. It knows synthetic images only.",
    endpoint=Endpoint(name="T790M mutation", positive="T790M-positive", negative="T790M-negative"),
    cohort=f"{CASES} synthetic spinal metastases made by code, T1W and T2FS, two sites",
    evidence="synthetic-demonstration",
    licence="MIT",
)

#: Written first, so that a later run knows the folder as its own and may replace it.
_MARK = "habitat-radiomics-demo.txt"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "demo",
        help="the whole way on synthetic patients",
        description="Make a synthetic cohort, train a small model in the T790M study's form and score a new patient.",
    )
    parser.add_argument(
        "--preset", choices=sorted(SMALL_PRESETS),
        help="a preset in small, on synthetic patients of its kind, instead of the T790M study's form",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("habitat-radiomics-demo"), metavar="DIR")
    parser.add_argument(
        "--jobs", type=positive_count, default=default_jobs(), metavar="N", help="processes (default: all cores)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Walk the whole way and tell where the report lies."""
    target: Path = arguments.out
    if arguments.preset is not None:
        return run_preset_demo(arguments.preset, target, mark=_MARK, jobs=arguments.jobs)
    from HabitatRadiomicsLib.reporting import write_score
    from HabitatRadiomicsLib.reporting.study.files import write_training

    with result_folder(target, mark=_MARK, overwrite=True) as folder, progress_bar("demo") as progress:
        write_text(folder / _MARK, "Made by 'habitat-radiomics demo', which may replace this folder.\n")
        progress(0.0, "making synthetic patients")
        tables = write_synthetic_cohort(folder / "cohort", CASES, seed=SEED)
        cohort = load_cohort(*tables)
        training = train_model(
            cohort,
            load_protocol("t790m-spine-demo"),
            PURPOSE,
            folder / "training" / "work",
            jobs=arguments.jobs,
            progress=part(progress, 0.05, 0.9),
        )
        model_path = folder / "training" / "model.json"
        write_text(model_path, model_text(training.model))
        progress(0.92, "writing the training's report")
        write_training(folder / "training", training)
        patient = synthetic_patient(NEW_PATIENT, seed=SEED)
        write_case(folder / "new-patient", patient.case)
        (folder / "score").mkdir()
        # The model is read back from its file, as it would be at another site.
        result = score_case(patient.case, load_model(model_path), site=SITES[0], progress=part(progress, 0.94, 0.98))
        write_score(folder / "score", result)
    print(f"Trained on {CASES} synthetic patients: {target / 'training' / 'model.json'}")
    print("\n".join(model_summary(training.model)))
    print(f"Report of the training: {target / 'training' / 'report.html'}")
    print("A new synthetic patient, scored:")
    print("\n".join(score_summary(result, target / "score" / "report.html")))
    return 0
