"""``habitat-radiomics``: one program with a command for each task."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from HabitatRadiomicsLib import RESEARCH_USE_ONLY, __version__
from HabitatRadiomicsLib.commands import (
    bundled,
    deep_train,
    demo,
    diffusion,
    doctor,
    evaluate,
    extract,
    maps,
    report,
    score,
    score_cohort,
    take_reference,
    train,
)
from HabitatRadiomicsLib.errors import HabitatRadiomicsError

_COMMANDS = (
    maps, extract, score, score_cohort, train, evaluate, report, take_reference, diffusion, deep_train, bundled,
    doctor, demo,
)  # fmt: skip

_EXIT_CODES = """exit status:
  0  done
  1  an error of the program itself, or doctor found something missing
  2  the input or the arguments were refused; no result was written
  3  extract, score-cohort, train, evaluate or take-reference: done, but some cases could not be measured (see
     errors.csv)
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="habitat-radiomics",
        description="Tumour habitats, radiomic features and rad-scores. " + RESEARCH_USE_ONLY,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"habitat-radiomics {__version__}")
    parser.add_argument("--verbose", action="store_true", help="show where an error of the program came from")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parsed = build_parser().parse_args(arguments)
    logging.basicConfig(level=logging.DEBUG if parsed.verbose else logging.WARNING, format="%(name)s: %(message)s")
    # Other libraries log a lot at DEBUG; only our own messages are useful.
    for noisy in ("matplotlib", "PIL", "radiomics", "shap", "numba"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        return int(parsed.run(parsed))
    except HabitatRadiomicsError as error:
        print(f"habitat-radiomics: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("habitat-radiomics: stopped. On a cohort, the same command resumes the work.", file=sys.stderr)
        return 130
    except Exception as error:
        if parsed.verbose:
            raise
        print(
            f"habitat-radiomics: an error of the program itself: {type(error).__name__}: {error}. "
            "Please report it with the output of the same command after 'habitat-radiomics --verbose'.",
            file=sys.stderr,
        )
        return 1
