"""What became of a lesion's habitats, as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from HabitatRadiomicsLib.extraction.habitat_changes import (
    LESION,
    SCALE_IN_WORDS,
    habitat_changes,
    habitat_volumes,
    write_habitat_changes,
)
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.reporting.figures.drawing import write_png
from HabitatRadiomicsLib.reporting.figures.timeline_figure import TimePoint, timeline_figure


def write_timeline(folder: Path, case_id: str, maps: Mapping[str, HabitatMap], protocol: Protocol) -> dict[str, bytes]:
    """``habitat_changes.csv`` and a picture of each sequence that was split at both time points; nothing of a case with
    one.

    Returns:
        The pictures (PNG) by sequence.
    """
    changes = habitat_changes(case_id, habitat_volumes(maps), protocol)
    if not changes or protocol.timepoints is None:
        return {}
    write_habitat_changes(changes, folder / "habitat_changes.csv")
    pictures = {}
    for sequence in dict.fromkeys(row.sequence for row in changes):
        rows = [row for row in changes if row.sequence == sequence and row.habitat != LESION]
        points = [
            TimePoint(protocol.timepoints.baseline, {row.habitat: row.baseline_ml for row in rows}),
            TimePoint(protocol.timepoints.followup, {row.habitat: row.followup_ml for row in rows}),
        ]
        caption = SCALE_IN_WORDS[rows[0].scale]
        figure = timeline_figure(points, title=f"Habitats of {sequence}", caption=caption)
        pictures[sequence] = write_png(figure, folder / f"{sequence}_timeline.png")
    return pictures
