"""Arguments that several commands share, and what they name."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.cases import Case, read_sequence
from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, timepoints_of
from HabitatRadiomicsLib.errors import HabitatRadiomicsError, OutputError, ProtocolError
from HabitatRadiomicsLib.outputs import WORK_FOLDER
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import check_sequence_name, sequence_of, timepoint_of
from HabitatRadiomicsLib.scoring.cohort import AGGREGATIONS

Options = Mapping[str, Mapping[str, Any]]


def positive_count(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


#: Declarations of options by name, for :func:`add_arguments`: images and masks of one patient,
CASE: Options = {
    "--image": {
        "action": "append", "required": True, "metavar": "SEQ=FILE",
        "help": "image of a sequence, e.g. T1W=t1.nii.gz, or a folder with one DICOM series; once for each sequence, "
        "and with two time points once for each of them: baseline_CT=a.nii.gz",
    },
    "--mask": {"action": "append", "required": True, "metavar": "SEQ=FILE", "help": "its mask, on the image's grid"},
    "--mask-label": {
        "action": "append", "default": [], "metavar": "[SEQ=]N",
        "help": "label of the lesion in the mask; needed if the mask has several labels",
    },
    "--resample-mask": {
        "action": "store_true",
        "help": "accept a mask on another grid: resample it (nearest neighbour) and warn in every output",
    },
    "--note": {
        "action": "append", "default": [], "metavar": "SEQ=SENTENCE",
        "help": "how a sequence or its mask was produced; added to the warnings of every output",
    },
}  # fmt: skip
#: a folder of results that is written as a whole,
OUTPUT: Options = {
    "--out": {"required": True, "type": Path, "metavar": "DIR", "help": "folder for the results"},
    "--overwrite": {"action": "store_true", "help": "replace what the folder holds"},
}
#: a protocol, a frozen model,
PROTOCOL: Options = {
    "--protocol": {"required": True, "metavar": "NAME|FILE", "help": "bundled protocol or YAML file"},
}
MODEL: Options = {
    "--model": {"required": True, "metavar": "NAME|FILE", "help": "bundled model (see: models) or JSON file"},
}
#: the tables of a cohort,
COHORT: Options = {
    "--cohort": {"required": True, "type": Path, "metavar": "images.csv", "help": "a row per image"},
    "--clinical": {"type": Path, "metavar": "clinical.csv", "help": "a row per case, with outcome"},
    "--timepoint": {"metavar": "NAME", "help": "time point to use if the table has several"},
    "--resample-mask": {"action": "store_true", "help": "accept masks on another grid, with a warning"},
}
#: the work on a cohort, which can be interrupted and resumed,
RUN: Options = {
    "--out": {
        "required": True, "type": Path, "metavar": "DIR",
        "help": "folder for the results; an interrupted run is resumed there",
    },
    "--jobs": {"type": positive_count, "default": 1, "metavar": "N", "help": "processes (default 1)"},
    "--scheduler": {
        "metavar": "tcp://HOST:PORT",
        "help": "work on a Dask cluster instead of --jobs processes of this machine (see the README)",
    },
}  # fmt: skip
#: answers to the checklists of a study's report,
ANSWERS: Options = {
    "--answers": {
        "type": Path, "metavar": "answers.yaml",
        "help": "answers to the checklists' questions (default: answers.yaml in the study's folder, a form that is "
        "written with the report)",
    },
}  # fmt: skip
#: and patient scores where patients have several lesions.
PER_PATIENT: Options = {
    "--per-patient": {
        "choices": AGGREGATIONS,
        "help": "also write patients.csv, a score for each patient: the highest or the mean of the lesions' scores, "
        "or the score of the largest lesion",
    },
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser, *groups: Options, clinical: Mapping[str, Any] | None = None) -> None:
    """Add groups of options; ``clinical`` changes the declaration of ``--clinical``."""
    for group in groups:
        for option, declaration in group.items():
            parser.add_argument(option, **{**declaration, **(clinical or {} if option == "--clinical" else {})})


def check_cohort_output(arguments: argparse.Namespace) -> None:
    """Refuse an output folder that holds an input, or anything other than an earlier run.

    Raises:
        OutputError: naming the input or the folder.
    """
    out: Path = arguments.out
    settings = [getattr(arguments, name, None) for name in ("model", "protocol")]
    inputs = [str(path) for path in (arguments.cohort, arguments.clinical, *settings) if path is not None]
    refuse_to_replace([path for path in inputs if os.path.exists(path)], out)
    if out.is_dir() and any(out.iterdir()) and not (out / WORK_FOLDER).is_dir():
        raise OutputError(
            f"The folder contains something other than an earlier run (there is no folder {WORK_FOLDER}).",
            where=str(out),
            remedy="Choose another --out.",
        )


def read_cohort(
    arguments: argparse.Namespace, protocol: Protocol, keys: Sequence[str] | None = None, **outcomes: Any
) -> Cohort:
    """The cohort that the arguments of :data:`COHORT` name.

    Args:
        keys: the sequences that are needed, by a model for instance; None: all of the protocol.
        outcomes: columns of outcomes, as :func:`load_cohort` takes them.

    Raises:
        HabitatRadiomicsError: a table is refused.
    """
    moments = timepoints_of(protocol, arguments.timepoint, keys)
    return load_cohort(
        arguments.cohort, arguments.clinical, timepoint=arguments.timepoint, timepoints=moments, **outcomes
    )


def read_case(arguments: argparse.Namespace, protocol: Protocol) -> Case:
    """The case that the arguments of :data:`CASE` name.

    Args:
        protocol: with its time points, images may be named ``baseline_CT`` and ``follow-up_CT``.

    Raises:
        HabitatRadiomicsError: an argument, an image or a mask is refused.
    """
    images = _files("--image", arguments.image, protocol)
    masks = _files("--mask", arguments.mask, protocol)
    if set(images) != set(masks):
        alone = sorted(set(images) ^ set(masks))
        raise HabitatRadiomicsError(
            f"Every sequence needs an image and a mask; {', '.join(alone)} has only one of them.",
            where="--image and --mask",
        )
    settings = [getattr(arguments, name, None) for name in ("model", "protocol")]
    refuse_to_replace([*images.values(), *masks.values(), *filter(None, settings)], arguments.out)
    labels = _labels(arguments.mask_label, images)
    sequences = {
        name: read_sequence(
            name, Path(path), Path(masks[name]), label=labels.get(name), resample_mask=arguments.resample_mask
        )
        for name, path in images.items()
    }
    for text in reversed(arguments.note):  # each is put in front
        name, _, sentence = text.partition("=")
        if not sentence or name not in sequences:
            raise HabitatRadiomicsError(f"'{text}' is not SEQ=SENTENCE of a sequence that is given.", where="--note")
        sequences[name] = replace(sequences[name], warnings=(sentence, *sequences[name].warnings))
    return Case("case", sequences)


def default_jobs() -> int:
    """The number of processes that this machine can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def refuse_to_replace(inputs: Sequence[str], out: Path) -> None:
    """Refuse an output folder that holds an input, because ``--overwrite`` removes the folder's content.

    Raises:
        OutputError: naming the input.
    """
    folder = Path(os.path.realpath(out))
    for path in inputs:
        if Path(os.path.realpath(path)).is_relative_to(folder):
            raise OutputError(
                f"The input {path} lies in the output folder, whose content would be replaced.",
                where=str(out),
                remedy="Choose another --out.",
            )


def _files(option: str, values: Sequence[str], protocol: Protocol) -> dict[str, str]:
    """Files by sequence."""
    files: dict[str, str] = {}
    for value in values:
        name, _, path = value.partition("=")
        if not (name and path):
            raise HabitatRadiomicsError(
                f"'{value}' is not SEQ=FILE.", where=option, remedy=f"Write for example {option} T1W=file.nii.gz."
            )
        _check_name(name, option, protocol)
        if name in files:
            raise HabitatRadiomicsError(f"{name} is given twice.", where=option)
        files[name] = path
    return files


def _labels(values: Sequence[str], sequences: Mapping[str, str]) -> dict[str, int]:
    labels: dict[str, int] = {}
    for value in values:
        name, equals, number = value.rpartition("=")
        if not number.isdecimal() or (equals and name not in sequences):
            raise HabitatRadiomicsError(
                f"'{value}' is neither a label nor SEQ=label of a sequence that is given.", where="--mask-label"
            )
        labels.update({sequence: int(number) for sequence in ([name] if equals else sequences)})
    return labels


def _check_name(name: str, option: str, protocol: Protocol) -> None:
    moments = () if protocol.timepoints is None else protocol.timepoints.names
    try:
        check_sequence_name(sequence_of(name) if timepoint_of(name) in moments else name)
    except ValueError as error:
        examples = " or ".join(f"{moment}_SEQ=FILE" for moment in moments)
        remedy = f"Of two time points, write {examples}." if moments else ""
        raise ProtocolError(f"{error}.", where=option, remedy=remedy) from error
