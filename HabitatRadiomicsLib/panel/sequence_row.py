"""One sequence of the patient: volume, segmentation, segment, and any problem with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.panel.widgets import PROBLEM, WARNING, connect, fill_selector, quiet, show_message
from HabitatRadiomicsLib.scene.guess import guess_segment
from HabitatRadiomicsLib.scene.masks import choices_of
from HabitatRadiomicsLib.scene.sequence_input import SequenceInput, label_of, read_input


class SequenceRow:
    """A row of the section *Images and lesions*; ``on_change`` is called when the user chooses something else."""

    def __init__(self, ui_file: str, sequence: str, on_change: Callable[[], None]) -> None:
        self.sequence = sequence
        self.widget = slicer.util.loadUI(ui_file)
        self.ui = slicer.util.childWidgetVariables(self.widget)
        self._on_change = on_change
        self._observed: list[tuple[Any, int]] = []
        self._checked: tuple[Any, ...] | None = None
        self.image: SequenceImage | None = None
        self.ui.sequenceLabel.text = f"<b>{label_of(sequence)}</b>"
        self.widget.setMRMLScene(slicer.mrmlScene)
        connect(self.ui.volumeSelector, "currentNodeChanged(vtkMRMLNode*)", self._volume_chosen)
        connect(self.ui.maskSelector, "currentNodeChanged(vtkMRMLNode*)", self._mask_chosen)
        connect(self.ui.segmentSelector, "currentIndexChanged(int)", lambda index: on_change())

    @property
    def chosen(self) -> SequenceInput:
        """The volume, segmentation and segment chosen."""
        volume, mask = self.ui.volumeSelector.currentNode(), self.ui.maskSelector.currentNode()
        return SequenceInput(volume, mask, self.ui.segmentSelector.currentData or "")

    @property
    def empty(self) -> bool:
        """Whether neither volume nor segmentation is chosen."""
        return self.chosen.volume is None and self.chosen.mask is None

    def show(self, chosen: SequenceInput) -> None:
        """Show a choice without calling ``on_change``."""
        with quiet(self.ui.volumeSelector, self.ui.maskSelector):
            self.ui.volumeSelector.setCurrentNode(chosen.volume)
            self.ui.maskSelector.setCurrentNode(chosen.mask)
        self._list_segments(chosen.segment)
        self._observe()

    def check(self, *, optional: bool = False) -> bool:
        """Read the choice as the run will, and show below the row what is missing or inconsistent.

        Args:
            optional: an empty row is accepted.

        Returns:
            Whether the row can be used as it is.
        """
        state = self._state()
        if state == self._checked:
            return self.image is not None or (optional and self.empty)
        self._checked, self.image = state, None
        if self.empty:
            show_message(self.ui.messageLabel, _("Choose the volume, and the segment or label of the lesion."))
            return optional
        try:
            self.image = read_input(self.sequence, self.chosen)
        except HabitatRadiomicsError as error:
            show_message(self.ui.messageLabel, str(error), PROBLEM)
            return False
        show_message(self.ui.messageLabel, "\n".join(self.image.warnings), WARNING)
        return True

    def close(self) -> None:
        """Stop observing the scene."""
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed = []

    def _volume_chosen(self, node: Any = None) -> None:
        self._observe()
        self._on_change()

    def _mask_chosen(self, node: Any = None) -> None:
        mask = self.ui.maskSelector.currentNode()
        self._list_segments("" if mask is None else guess_segment(mask, self.sequence))
        self._observe()
        self._on_change()

    def _observe(self) -> None:
        """Observe drawing, renaming and moving in the chosen nodes."""
        self.close()
        kinds = slicer.vtkSegmentation
        drawing = (kinds.SegmentAdded, kinds.SegmentRemoved, kinds.SegmentModified, kinds.SourceRepresentationModified)
        for node in self._nodes():
            events = [vtk.vtkCommand.ModifiedEvent, node.TransformModifiedEvent]
            if node.IsA("vtkMRMLSegmentationNode"):
                events += drawing
            self._observed += [(node, node.AddObserver(event, self._node_changed)) for event in events]

    def _node_changed(self, caller: Any, event: str) -> None:
        self._list_segments(self.ui.segmentSelector.currentData or "")
        self._on_change()

    def _list_segments(self, wanted: str) -> None:
        mask = self.ui.maskSelector.currentNode()
        choices = {} if mask is None else choices_of(mask)
        items = [] if len(choices) == 1 else [(_("(choose)"), "")]
        items += [(name, choice) for choice, name in choices.items()]
        fill_selector(self.ui.segmentSelector, items, wanted)

    def _nodes(self) -> list[Any]:
        return [node for node in (self.chosen.volume, self.chosen.mask) if node is not None]

    def _state(self) -> tuple[Any, ...]:
        """The state that the check depends on: the nodes, and when they and their content last changed."""
        parts = [part for node in self._nodes() for part in (node.GetID(), *_times(node))]
        return (*parts, self.chosen.segment)


def _times(node: Any) -> list[int]:
    """When the node, its content and its parent transforms last changed."""
    times = [node.GetMTime()]
    if node.IsA("vtkMRMLSegmentationNode"):
        segmentation = node.GetSegmentation()
        source = segmentation.GetSourceRepresentationName()
        for index in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(index)
            data = segment.GetRepresentation(source)
            times += [segment.GetMTime(), 0 if data is None else data.GetMTime()]
    elif node.GetImageData() is not None:
        times.append(node.GetImageData().GetMTime())
    parent = node.GetParentTransformNode()
    return times if parent is None else [*times, parent.GetTransformToWorldMTime()]
