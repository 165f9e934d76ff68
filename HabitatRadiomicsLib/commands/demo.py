"""``demo``: the pipeline on synthetic patients, from images to an explained score."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from HabitatRadiomicsLib.cases import Case, write_case
from HabitatRadiomicsLib.cases.cohort import load_cohort, with_reading
from HabitatRadiomicsLib.cases.synthetic import SITES, synthetic_patient
from HabitatRadiomicsLib.cases.synthetic.spine import READINGS
from HabitatRadiomicsLib.commands.arguments import default_jobs, positive_count
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.commands.score import summary as score_summary
from HabitatRadiomicsLib.commands.small_presets import DEFAULT, SMALL_PRESETS, SmallPreset, small_preset
from HabitatRadiomicsLib.commands.train import summary as model_summary
from HabitatRadiomicsLib.model import load_model, model_text
from HabitatRadiomicsLib.outputs import result_folder, write_text
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.protocol import load_protocol, protocol_text
from HabitatRadiomicsLib.scoring.patient import score_case
from HabitatRadiomicsLib.training.train import train_model

#: Seed of the patients that a small preset's model scores; it was trained on other patients.
_NEW = 98

#: Written first: a later run replaces only a folder with this file.
_MARK = "habitat-radiomics-demo.txt"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "demo",
        help="a demonstration on synthetic patients, from training to an explained score",
        description="Make a synthetic cohort, train a small model on it and score a new patient. Without --preset, the "
        "model has the form of the T790M study.",
    )
    parser.add_argument(
        "--preset", choices=sorted(SMALL_PRESETS),
help="a small form of this preset, with a matching synthetic cohort",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("habitat-radiomics-demo"), metavar="DIR")
    parser.add_argument(
        "--jobs", type=positive_count, default=default_jobs(), metavar="N", help="processes (default: all cores)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write a synthetic cohort, train on it, score a new patient, and print the paths of the reports."""
    from HabitatRadiomicsLib.reporting import write_score
    from HabitatRadiomicsLib.reporting.study.files import write_training

    target: Path = arguments.out
    name: str | None = arguments.preset
    small = DEFAULT if name is None else SMALL_PRESETS[name]
    protocol = load_protocol("t790m-spine-demo") if name is None else small_preset(name)
    moments = None if protocol.timepoints is None else protocol.timepoints.names
    with result_folder(target, mark=_MARK, overwrite=True) as folder, progress_bar("demo") as progress:
        write_text(folder / _MARK, "Made by 'habitat-radiomics demo', which may replace this folder.\n")
        progress(0.0, "making synthetic patients")
        write_text(folder / "protocol.yaml", protocol_text(protocol))
        tables = small.write(folder / "cohort", small.patients, seed=small.seed, effect=small.effect)
        cohort = load_cohort(*tables, timepoints=moments, other_outcomes=small.endpoints)
        for table, kind in READINGS.items():
            if (folder / "cohort" / table).is_file():
                cohort = with_reading(cohort, folder / "cohort" / table, kind, timepoints=moments)
        training = train_model(
            cohort, protocol, small.purpose(name), folder / "training" / "work", jobs=arguments.jobs,
            progress=part(progress, 0.05, 0.85),
        )  # fmt: skip
        path = folder / "training" / "model.json"
        write_text(path, model_text(training.model))
        write_training(folder / "training", training, progress=part(progress, 0.85, 0.9))
        # The model is read from its file, as at another site.
        model = load_model(path)
        case, site, clinical = _new_patient(small, folder, moments, model.sequences)
        (folder / "score").mkdir()
        result = score_case(
            case, model, site=site, clinical=clinical, jobs=arguments.jobs, progress=part(progress, 0.9, 1)
        )
        write_score(folder / "score", result)
    print(f"Trained on {small.description}: {target / 'training' / 'model.json'}")
    print("\n".join(model_summary(training.model)))
    print(f"Report of the training: {target / 'training' / 'report.html'}")
    print("A new synthetic patient, scored:")
    print("\n".join(score_summary(result, target / "score" / "report.html")))
    return 0


def _new_patient(
    small: SmallPreset, folder: Path, moments: tuple[str, ...] | None, sequences: tuple[str, ...]
) -> tuple[Case, str | None, Mapping[str, str]]:
    """A patient with the outcome, on whom the model was not trained: case, site and clinical values."""
    if small is DEFAULT:  # the first such patient after those of the cohort
        patient = synthetic_patient(DEFAULT.patients + 1, seed=DEFAULT.seed)
        write_case(folder / "new-patient", patient.case)
        return patient.case, SITES[0], {}
    tables = small.write(folder / "new-patients", 2, seed=_NEW, effect=small.effect)
    cohort = load_cohort(*tables, timepoints=moments, other_outcomes=small.endpoints)
    new = cohort.cases[-1]  # of the two, the one with the outcome
    return new.read(sequences), cohort.sites.get(new.case_id), cohort.covariates.get(new.case_id, {})
