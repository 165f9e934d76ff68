"""What the panel shows, kept in a parameter node: it is saved with the scene and comes back with it.

A vtkMRMLScriptedModuleNode with node references rather than Slicer's parameterNodeWrapper: which sequences there are
depends on the model, and the wrapper wants its fields fixed when the class is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

import slicer

from HabitatRadiomicsLib.scene.result_nodes import ResultNodes
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput

_SINGLE = ("habitat_table", "document", "report", "contribution_table", "contribution_chart", "change_table",
           "change_chart")  # fmt: skip
_OF_IMAGE = ("volume", "entropy", "habitats", "activation")


class Parameters:
    """A view of the parameter node; holds nothing itself."""

    def __init__(self, node: Any) -> None:
        self.node = node

    def text(self, name: str, default: str = "") -> str:
        """A value by name."""
        return self.node.GetParameter(name) or default

    def set_text(self, name: str, value: str) -> None:
        """Keep a value; the same one again tells no observer."""
        self.node.SetParameter(name, value)

    def clinical(self) -> dict[str, str]:
        """Clinical values of the patient by name; also of what another model asked for."""
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
        sequences = [name for name in self.text("result.sequences").split(" ") if name]
        references = {
            role: {name: self.node.GetNodeReference(f"result.{name}.{role}") for name in sequences}
            for role in _OF_IMAGE
        }
        single = {role: self.node.GetNodeReference(f"result.{role}") for role in _SINGLE}
        present = {
            name
            for name in sequences
            if all(references[role][name] is not None for role in ("volume", "entropy", "habitats"))
        }
        if not present or single["document"] is None or single["habitat_table"] is None:
            return None
        kept = {
            role: {name: node for name, node in nodes.items() if name in present} for role, nodes in references.items()
        }
        return ResultNodes(
            volumes=kept["volume"],
            entropy=kept["entropy"],
            habitats=kept["habitats"],
            activation={name: node for name, node in kept["activation"].items() if node is not None},
            folder=self._folder_of(single["document"]),
            **single,
        )

    def set_results(self, results: ResultNodes | None) -> None:
        """Keep the results; None forgets them, and leaves their nodes in the scene."""
        sequences: Sequence[str] = () if results is None else tuple(results.entropy)
        for name in self.text("result.sequences").split(" "):
            for role in _OF_IMAGE:
                self._refer(f"result.{name}.{role}", None)
        for role in _SINGLE:
            self._refer(f"result.{role}", getattr(results, role, None))
        if results is not None:
            for name in sequences:
                self._refer(f"result.{name}.volume", results.volumes[name])
                self._refer(f"result.{name}.entropy", results.entropy[name])
                self._refer(f"result.{name}.habitats", results.habitats[name])
                self._refer(f"result.{name}.activation", results.activation.get(name))
        self.set_text("result.sequences", " ".join(sequences))

    def _refer(self, role: str, node: Any) -> None:
        self.node.SetNodeReferenceID(role, None if node is None else node.GetID())

    def _folder_of(self, node: Any) -> int:
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.node.GetScene())
        item = hierarchy.GetItemByDataNode(node)
        return hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()
