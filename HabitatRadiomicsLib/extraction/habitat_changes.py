"""Volume of each habitat of a lesion at two time points, and its change.

Both lesions are split by the same centroids, in the plane of z-scored intensity and local entropy. On the baseline
scale, the follow-up is z-scored with the mean and SD of the baseline lesion: a habitat has the same appearance at both
time points, and a change of its volume is a change of tissue. If each lesion has its own scale, a habitat is defined
relative to the lesion at that time point, and only a change of its share can be interpreted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.outputs import write_csv
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of, timepoint_of

#: Volumes in ml, by a case's key and habitat.
Volumes = Mapping[str, Mapping[str, float]]
#: The name of the row for the whole lesion.
LESION = "whole"
#: The scale of the habitats at follow-up.
Scale = Literal["baseline", "own"]
#: The meaning of each scale, for figures and tables.
SCALE_IN_WORDS: Mapping[str, str] = {
    "baseline": "Follow-up on the scale of the baseline: each habitat is what looks as it did at baseline.",
    "own": "Each time point on its own scale: habitats are relative to the lesion as it is at the time.",
}


@dataclass(frozen=True)
class HabitatChange:
    """Volume of one habitat of a lesion, or of the ``whole`` lesion, at two time points.

    With the scale ``baseline``, volumes of habitats can be compared; with ``own``, only their shares.
    """

    case_id: str
    sequence: str
    habitat: str
    baseline_ml: float
    followup_ml: float
    scale: Scale

    @property
    def change_ml(self) -> float:
        """Follow-up minus baseline."""
        return self.followup_ml - self.baseline_ml

    @property
    def percent(self) -> float | None:
        """The change in percent of the volume at baseline; None if that volume is 0."""
        return None if self.baseline_ml == 0 else 100 * self.change_ml / self.baseline_ml


def habitat_volumes(maps: Mapping[str, HabitatMap]) -> dict[str, dict[str, float]]:
    """Volume of each habitat in ml, on the input's grid; 0 if the lesion has no voxel of it."""
    return {
        key: dict.fromkeys(habitat_map.model.names, 0.0) | {row.name: row.volume_ml for row in habitat_map.statistics}
        for key, habitat_map in maps.items()
    }


def habitat_changes(case_id: str, volumes: Volumes, protocol: Protocol) -> tuple[HabitatChange, ...]:
    """A row for each habitat of each sequence with both time points, and one for the whole lesion; none if the protocol
    has one time point.

    Args:
        volumes: with the same centroids at both time points.
    """
    timepoints = protocol.timepoints
    if timepoints is None:
        return ()
    rows = []
    for key in volumes:
        later = f"{timepoints.followup}_{sequence_of(key)}"
        if timepoint_of(key) != timepoints.baseline or later not in volumes:
            continue
        pairs = {name: (volumes[key].get(name, 0.0), volumes[later].get(name, 0.0)) for name in volumes[key]}
        pairs[LESION] = (sum(volumes[key].values()), sum(volumes[later].values()))
        scale: Scale = "own" if protocol.scale_key(later) == later else "baseline"
        rows += [HabitatChange(case_id, sequence_of(key), name, *pair, scale) for name, pair in pairs.items()]
    return tuple(rows)


def write_habitat_changes(changes: Iterable[HabitatChange], path: Path) -> None:
    """Write ``habitat_changes.csv``: a row per case, sequence and habitat; without a percentage if the baseline volume
    is 0."""
    import pandas as pd

    columns = ["case_id", "sequence", "habitat", "baseline_ml", "followup_ml", "change_ml", "change_percent", "scale"]
    rows = [{**asdict(row), "change_ml": row.change_ml, "change_percent": row.percent} for row in changes]
    write_csv(pd.DataFrame(rows, columns=columns), path)
