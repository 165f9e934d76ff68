"""``models``: the bundled models and their evidence."""

from __future__ import annotations

import argparse

from HabitatRadiomicsLib.commands.train import evidence_lines
from HabitatRadiomicsLib.model import Model, bundled_models, load_model


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("models", help="the bundled models and their evidence")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """List the bundled models."""
    for name in bundled_models():
        print("\n".join(card(load_model(name))))
    return 0


def card(model: Model) -> list[str]:
    """A model in a few lines."""
    return [
        model.name,
        f"  {model.title}",
        f"  evidence: {model.evidence.in_words}; {model.evidence.cohort}",
        *(f"  {line}" for line in evidence_lines(model)),
        f"  needs: {', '.join(model.sequences)}; features: {len(model.features)}; {model.intended_use}",
    ]
