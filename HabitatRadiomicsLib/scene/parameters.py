"""What the panel shows, kept in a parameter node: it is saved with the scene and comes back with it.

A vtkMRMLScriptedModuleNode with node references rather than Slicer's parameterNodeWrapper: which sequences there are
depends on the model, and the wrapper needs its fields fixed when the class is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from HabitatRadiomicsLib.scene.result_nodes import SINGLE_NODES, ResultNodes
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput
from HabitatRadiomicsLib.scene.subject_hierarchy import folder_of

#: Roles of the references to the nodes of single images, by field of ResultNodes.
_OF_IMAGE = {"volumes": "volume", "entropy": "entropy", "habitats": "habitats", "activation": "activation"}


class Parameters:
    """A view of the parameter node; holds nothing itself."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def text(self, name: str, default: str = "") -> str:
        """A value by name."""
        return self.node.GetParameter(name) or default

    def set_text(self, name: str, value: str) -> None:
        """Keep a value; an unchanged one notifies no observer."""
        self.node.SetParameter(name, value)

    def clinical(self) -> dict[str, str]:
        """Clinical values of the patient by name, also those that another model asked for."""
        return dict(parse_qsl(self.text("clinical")))

    def set_clinical(self, values: Mapping[str, str]) -> None:
        """Keep clinical values; names and values may be any text."""
        self.set_text("clinical", urlencode(values))

    def input(self, sequence: str) -> SequenceInput:
        """What was chosen for a sequence."""
        return SequenceInput(
            self.node.GetNodeReference(f"{sequence}.volume"),
            self.node.GetNodeReference(f"{sequence}.mask"),
            self.text(f"{sequence}.segment"),
        )

    def set_input(self, sequence: str, chosen: SequenceInput) -> None:
        """Keep what was chosen for a sequence."""
        for role, node in (("volume", chosen.volume), ("mask", chosen.mask)):
            self._refer(f"{sequence}.{role}", node)
        self.set_text(f"{sequence}.segment", chosen.segment)

    def results(self) -> ResultNodes | None:
        """The last results, if their nodes are still in the scene."""
        references = {
            field: {name: self.node.GetNodeReference(f"result.{name}.{role}") for name in self._sequences()}
            for field, role in _OF_IMAGE.items()
        }
        # Habitats and entropy are shown over the volume: an image that lacks one of the three is left out.
        needed = [references[field] for field in ("volumes", "entropy", "habitats")]
        present = [name for name in self._sequences() if all(nodes[name] is not None for nodes in needed)]
        single = {name: self.node.GetNodeReference(f"result.{name}") for name in SINGLE_NODES}
        if not present or single["document"] is None or single["habitat_table"] is None:
            return None
        of_image = {
            field: {name: nodes[name] for name in present if nodes[name] is not None}
            for field, nodes in references.items()
        }
        return ResultNodes(**of_image, **single, folder=folder_of(single["document"]))

    def set_results(self, results: ResultNodes | None) -> None:
        """Keep the results; None forgets them, and leaves their nodes in the scene."""
        sequences = [] if results is None else list(results.entropy)
        for name in dict.fromkeys([*self._sequences(), *sequences]):
            for field, role in _OF_IMAGE.items():
                self._refer(f"result.{name}.{role}", getattr(results, field, {}).get(name))
        for name in SINGLE_NODES:
            self._refer(f"result.{name}", getattr(results, name, None))
        self.set_text("result.sequences", " ".join(sequences))

    def _sequences(self) -> list[str]:
        return self.text("result.sequences").split()

    def _refer(self, role: str, node: Any) -> None:
        self.node.SetNodeReferenceID(role, None if node is None else node.GetID())
