"""Changes between two time points: each feature at follow-up minus the same feature at baseline.

Fave et al., Delta-radiomics features for the prediction of patient outcomes in non-small cell lung cancer, 2017,
doi 10.1038/s41598-017-00665-z.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from HabitatRadiomicsLib.features.catalogue import FeatureName, parse
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.protocol import TimePoints

#: Takes the place of the time point in the name of a change.
DELTA = "delta"


def parts_of(name: FeatureName, timepoints: TimePoints | None) -> tuple[FeatureName, ...]:
    """The features that must be measured for a feature: for a change, its values at baseline and follow-up; otherwise
    itself."""
    if name.timepoint != DELTA or timepoints is None:
        return (name,)
    return tuple(replace(name, timepoint=moment) for moment in timepoints.names)


def value_of(name: FeatureName, measured: Mapping[str, float], timepoints: TimePoints | None) -> float:
    """The value of a feature from the measured ones: the value itself, or the change."""
    first, *later = (measured[str(part)] for part in parts_of(name, timepoints))
    return later[0] - first if later else first


def with_deltas(table: FeatureTable, timepoints: TimePoints | None, *, with_followup: bool = False) -> FeatureTable:
    """The table with a column ``delta_...`` for each feature measured at both time points.

    Columns of the baseline come first, then those of the follow-up if requested, then the changes. A change
    is NaN where either value is.

    Args:
        table: columns ``<timepoint>_<sequence>_...``.
        timepoints: the protocol's; None: the table stays as it is.
        with_followup: keep the columns of the follow-up. They are not used for learning, because the changes already
            hold what they add to the baseline.
    """
    if timepoints is None:
        return table
    place = {column: index for index, column in enumerate(table.columns)}
    moments = timepoints.names if with_followup else (timepoints.baseline,)
    names = [parse(column) for column in table.columns]
    kept = [str(name) for moment in moments for name in names if name.timepoint == moment]
    pairs: dict[str, tuple[int, int]] = {}
    for name in names:
        later = place.get(str(replace(name, timepoint=timepoints.followup)))
        if name.timepoint == timepoints.baseline and later is not None:
            pairs[str(replace(name, timepoint=DELTA))] = (place[str(name)], later)
    before, after = np.array(list(pairs.values()), dtype=int).reshape(-1, 2).T
    changes = table.values[:, after] - table.values[:, before]
    values = np.concatenate([table.with_columns(kept).values, changes], axis=1)
    return FeatureTable(table.case_ids, (*kept, *pairs), values)
