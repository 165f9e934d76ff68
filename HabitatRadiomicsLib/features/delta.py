"""Changes between two time points: each feature at follow-up minus the same feature at baseline.

Fave et al., Delta-radiomics features for the prediction of patient outcomes in non-small cell lung cancer, 2017,
doi 10.1038/s41598-017-00665-z.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from HabitatRadiomicsLib.features.catalogue import FeatureName, parse
from HabitatRadiomicsLib.protocol import TimePoints

if TYPE_CHECKING:
    import pandas as pd

#: Takes the place of the time point in the name of a change.
DELTA = "delta"


def measured_names(name: FeatureName, timepoints: TimePoints | None) -> tuple[FeatureName, ...]:
    """The features that must be measured for a feature: for a change, its values at baseline and follow-up; otherwise
    itself."""
    if name.timepoint != DELTA or timepoints is None:
        return (name,)
    return tuple(replace(name, timepoint=moment) for moment in timepoints.names)


def value_of(name: FeatureName, measured: Mapping[str, float], timepoints: TimePoints | None) -> float:
    """The value of a feature from the measured ones: the value itself, or the change."""
    first, *later = (measured[str(part)] for part in measured_names(name, timepoints))
    return later[0] - first if later else first


def with_deltas(table: pd.DataFrame, timepoints: TimePoints | None, *, with_followup: bool = False) -> pd.DataFrame:
    """The table with a column ``delta_...`` for each feature measured at both time points.

    Columns of the baseline come first, then those of the follow-up if requested, then the changes. A change
    is NaN where either value is.

    Args:
        table: a row per case; columns ``<timepoint>_<sequence>_...``.
        timepoints: the protocol's; None: the table stays as it is.
        with_followup: keep the columns of the follow-up. They are not used for learning, because the changes already
            hold what they add to the baseline.
    """
    if timepoints is None:
        return table
    import pandas as pd

    moments = timepoints.names if with_followup else (timepoints.baseline,)
    names = [parse(column) for column in table.columns]
    kept = [str(name) for moment in moments for name in names if name.timepoint == moment]
    pairs: dict[str, tuple[str, str]] = {}
    for name in names:
        later = str(replace(name, timepoint=timepoints.followup))
        if name.timepoint == timepoints.baseline and later in table.columns:
            pairs[str(replace(name, timepoint=DELTA))] = (str(name), later)
    before, after = (table[[pair[place] for pair in pairs.values()]].to_numpy() for place in (0, 1))
    changes = pd.DataFrame(after - before, index=table.index, columns=list(pairs))
    return pd.concat([table[kept], changes], axis=1)
