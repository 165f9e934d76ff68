"""``deep-train``: a network for deep features, fine-tuned on a cohort."""

from __future__ import annotations

import argparse
from pathlib import Path

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.commands.arguments import COHORT, PROTOCOL, add_arguments, positive_count
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.errors import OutputError, ProtocolError
from HabitatRadiomicsLib.outputs import check_writable, write_bytes
from HabitatRadiomicsLib.progress import part
from HabitatRadiomicsLib.protocol import DeepSettings, Protocol, load_protocol

_LEARNING_RATES = {"densenet121": 1e-4, "small": 3e-3}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "deep-train",
        help="train a network for deep features (needs torch)",
        description="Fine-tune a network on the patches of a cohort's lesions and write it as ONNX, for a protocol's "
        "deep.network; the protocol's preprocessing and deep.patch are used. Features of such a network carry the "
        "outcomes of the cases that it was trained on: a rad-score must be trained and tested on other cases.",
    )
    add_arguments(parser, PROTOCOL, COHORT, clinical={"required": True})
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.onnx", help="the network's file")
    parser.add_argument("--overwrite", action="store_true", help="replace the file")
    parser.add_argument("--sequence", metavar="SEQ", help="sequence to use if the protocol has several")
    parser.add_argument("--title", default="", metavar="TEXT", help="one line that describes the network")
    parser.add_argument("--architecture", choices=sorted(_LEARNING_RATES), default="densenet121")
    parser.add_argument("--embedding", type=positive_count, default=32, metavar="N", help="deep features (default 32)")
    parser.add_argument("--pretrained", action="store_true", help="start from MONAI's ImageNet weights (downloaded)")
    parser.add_argument("--epochs", type=positive_count, default=30, metavar="N", help="at most (default 30)")
    parser.add_argument("--batch", type=positive_count, default=16, metavar="N", help="patches per step (default 16)")
    parser.add_argument(
        "--window", nargs=2, type=float, metavar=("LOWER", "UPPER"),
        help="intensities that are scaled to 0 and 1; default: z-scores of each patch",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="default: the protocol's")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train and export a network."""
    from HabitatRadiomicsLib.features.deep.patch import InputScaling
    from HabitatRadiomicsLib.training.networks import (
        NetworkTraining,
        check_installed,
        cohort_patches,
        train_network,
    )

    check_installed()
    _check_output(arguments)
    scaling = InputScaling("z-score")
    if arguments.window is not None:
        try:
            scaling = InputScaling("window", *arguments.window)
        except ValueError as error:
            raise ProtocolError(f"The window is invalid: {error}.", where="--window") from error
    protocol = load_protocol(arguments.protocol)
    cohort = load_cohort(arguments.cohort, arguments.clinical, timepoint=arguments.timepoint)
    sequence = _sequence(arguments.sequence, protocol)
    size = (protocol.deep or DeepSettings(network="")).patch
    settings = NetworkTraining(
        architecture=arguments.architecture,
        embedding=arguments.embedding,
        pretrained=arguments.pretrained,
        epochs=arguments.epochs,
        batch=arguments.batch,
        learning_rate=_LEARNING_RATES[arguments.architecture],
        seed=protocol.seed if arguments.seed is None else arguments.seed,
    )
    with progress_bar("deep-train") as progress:
        data = cohort_patches(
            cohort, protocol, sequence, size, resample_mask=arguments.resample_mask, progress=part(progress, 0, 0.2)
        )
        title = arguments.title or f"{settings.architecture} of {len(data.patches)} cases ({protocol.name})"
        trained = train_network(data, scaling, settings, title=title, progress=part(progress, 0.2, 1))
        write_bytes(arguments.out, trained.onnx)
    for problem in data.problems:
        print(f"Left out: {problem.case_id}: {problem.problem}")
    network = trained.network
    print(
        f"Epoch {trained.epoch} of {len(trained.validation_loss)} is kept. Its AUC of {trained.validation_auc:.3f} in "
        "the held-out patients is optimistic: the epoch was chosen on them."
    )
    print(f"onnxruntime and torch agree to {trained.difference:.1g}.")
    print(f"Network: {arguments.out}")
    print("In a protocol:")
    print(f"  deep: {{network: {arguments.out}, sha256: {network.sha256}, patch: {network.metadata.patch}}}")
    return 3 if data.problems else 0


def _check_output(arguments: argparse.Namespace) -> None:
    out: Path = arguments.out
    if out.suffix != ".onnx":
        raise OutputError("A network's file ends in .onnx.", where=str(out), remedy="Choose another --out.")
    if out.exists() and not arguments.overwrite:
        raise OutputError("The file already exists.", where=str(out), remedy="Choose another --out, or --overwrite.")
    check_writable(out.parent)


def _sequence(wanted: str | None, protocol: Protocol) -> str:
    names = protocol.sequences or ()
    if wanted is None and len(names) != 1:
        raise ProtocolError(
            f"The protocol has {'several sequences: ' + ', '.join(names) if names else 'no sequences'}.",
            where=protocol.name,
            remedy="Name the network's sequence with --sequence.",
        )
    return wanted or names[0]
