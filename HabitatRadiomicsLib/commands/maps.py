"""``maps``: entropy map and habitats of one patient."""

from __future__ import annotations

import argparse

from HabitatRadiomicsLib.cases import Case, title_of
from HabitatRadiomicsLib.commands.arguments import CASE, OUTPUT, add_arguments, read_case
from HabitatRadiomicsLib.commands.progress_bar import progress_bar
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.extraction.maps import make_maps
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.outputs import MAPS_FILE, result_folder
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.protocol.base import sequence_of

DEFAULT_PROTOCOL = "general-mri"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "maps",
        help="entropy map and habitats of one patient",
        description="Write entropy maps, habitat label maps, segmentations for 3D Slicer, pictures and habitats.json; "
        "with two time points, also habitat_changes.csv.",
    )
    add_arguments(parser, CASE)
    settings = parser.add_mutually_exclusive_group()
    settings.add_argument(
        "--protocol", metavar="NAME|FILE", help=f"bundled protocol or YAML file (default {DEFAULT_PROTOCOL})"
    )
    settings.add_argument("--model", metavar="NAME|FILE", help="apply the settings and habitats of a model")
    add_arguments(parser, OUTPUT)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the maps of one patient."""
    from HabitatRadiomicsLib.reporting import write_maps
    from HabitatRadiomicsLib.reporting.patient import write_timeline

    chosen = arguments.protocol or DEFAULT_PROTOCOL
    protocol = load_protocol(chosen) if arguments.model is None else load_model(arguments.model).protocol
    with result_folder(arguments.out, mark=MAPS_FILE, overwrite=arguments.overwrite) as folder:
        case = read_case(arguments, protocol)
        if arguments.model is not None:
            _check_sequences(case, protocol)
        with progress_bar("maps") as progress:
            prepared, maps = make_maps(case, protocol, progress)
            write_maps(folder, prepared, maps, protocol)
            write_timeline(folder, case.case_id, maps, protocol)
    for name, habitat_map in maps.items():
        parts = ", ".join(f"{row.name} {row.volume_ml:.2f} ml" for row in habitat_map.statistics)
        print(f"{habitat_map.title}: {parts}")
        for warning in (*prepared[name].warnings, *habitat_map.warnings):
            print(f"  Warning: {warning}")
    print(f"Maps: {arguments.out}")
    return 0


def _check_sequences(case: Case, protocol: Protocol) -> None:
    """Refuse sequences without habitats in the model: the patient's own clusters would be something else."""
    unknown = [name for name in case.sequences if sequence_of(name) not in protocol.population]
    if unknown:
        raise ModelError(
            f"The model has no habitats of {' and '.join(map(title_of, unknown))}.",
            where="--model",
            remedy=f"It has those of: {', '.join(protocol.population) or 'no sequence'}.",
        )
