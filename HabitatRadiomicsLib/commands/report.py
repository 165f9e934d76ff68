"""``report``: writes the report of a study again, from ``study.json`` alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from HabitatRadiomicsLib.commands.arguments import ANSWERS, add_arguments
from HabitatRadiomicsLib.commands.progress_bar import progress_bar


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "report",
        help="write a study's report, figures and tables again, with new answers to the checklists",
        description="Write report.html and the folders figures and tables of a study that 'train' or 'evaluate' made, "
        "beside its study.json; nothing else is read, and nothing is measured or learned.",
    )
    parser.add_argument("study", type=Path, metavar="STUDY", help="folder with a study.json, or that file")
    add_arguments(parser, ANSWERS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the report of a study."""
    from HabitatRadiomicsLib.reporting.study.files import load_study, write_report

    study = load_study(arguments.study)
    folder: Path = arguments.study if arguments.study.is_dir() else arguments.study.parent
    with progress_bar("report") as progress:
        write_report(folder, study, answers=arguments.answers, progress=progress)
    print(f"Report: {folder / 'report.html'}")
    return 0
