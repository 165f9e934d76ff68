"""``protocols``, ``protocol show`` and ``models``: the bundled protocols and models."""

from __future__ import annotations

import argparse
import textwrap

from HabitatRadiomicsLib.commands.train import evidence_lines
from HabitatRadiomicsLib.model import bundled_models, load_model
from HabitatRadiomicsLib.protocol import Protocol, bundled_protocols, load_protocol, protocol_text

_WIDTH = 100


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the three commands."""
    models = commands.add_parser("models", help="the bundled models and their evidence")
    models.set_defaults(run=list_models)
    protocols = commands.add_parser("protocols", help="the bundled protocols: what they need and what they give")
    protocols.set_defaults(run=list_protocols)
    protocol = commands.add_parser("protocol", help="one protocol with every setting, to save and to change")
    actions = protocol.add_subparsers(title="actions", metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print it as YAML with all defaults; --protocol reads this format")
    show.add_argument("name", metavar="NAME|FILE", help="bundled protocol or YAML file")
    show.set_defaults(run=show_protocol)


def list_models(arguments: argparse.Namespace) -> int:
    """Print the bundled models."""
    for name in bundled_models():
        model = load_model(name)
        print(f"{model.name}\n  {model.title}\n  evidence: {model.evidence.in_words}; {model.evidence.cohort}")
        for line in evidence_lines(model):
            print(f"  {line}")
        print(f"  needs: {', '.join(model.sequences)}; features: {len(model.features)}; {model.intended_use}")
    return 0


def list_protocols(arguments: argparse.Namespace) -> int:
    """Print the bundled protocols."""
    print("\n\n".join("\n".join(card(load_protocol(name))) for name in bundled_protocols()))
    return 0


def show_protocol(arguments: argparse.Namespace) -> int:
    """Print a protocol."""
    print(protocol_text(load_protocol(arguments.name)), end="")
    return 0


def card(protocol: Protocol) -> list[str]:
    """A protocol in a few lines: title, paper, what a cohort needs and what the protocol gives."""
    texts = {"paper": protocol.reference, "needs": protocol.needs, "gives": protocol.gives}
    return [
        protocol.name,
        *_wrapped("", protocol.title),
        *(line for label, text in texts.items() if text for line in _wrapped(f"{label}: ", text)),
    ]


def _wrapped(label: str, text: str) -> list[str]:
    # A doi or a unit is never split.
    return textwrap.wrap(
        label + text, _WIDTH, initial_indent="  ", subsequent_indent="  " + " " * len(label),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
