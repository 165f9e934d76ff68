"""``models``: the bundled models and what stands behind them."""

from __future__ import annotations

import argparse

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
    evidence = model.evidence
    lines = [
        model.name,
        f"  {model.title}",
        f"  evidence: {evidence.in_words}; {evidence.cohort}; {evidence.cases} cases, "
        f"{evidence.events} with the outcome",
    ]
    if evidence.performance is not None:
        found = evidence.performance
        lines.append(
            f"  AUC {found.auc:.2f} (95% interval {found.auc_low:.2f} to {found.auc_high:.2f}); {found.method}"
        )
    lines.append(f"  needs: {', '.join(model.sequences)}; features: {len(model.features)}; {model.intended_use}")
    return lines
