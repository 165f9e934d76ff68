"""Points of one row spread out, so that none hides another."""

from __future__ import annotations

import numpy as np

#: Half of a row, and the distance of neighbours as long as there is room.
_SPREAD = 0.4
_STEP = 0.085
_BINS = 110


def swarm_offsets(values: np.ndarray, span: tuple[float, float], *, tie: np.ndarray | None = None) -> np.ndarray:
    """How far from the row's middle each value is drawn: values that nearly coincide are stacked to both sides.

    Nothing is random: the same values give the same offsets, whatever the order in which they come.

    Args:
        values: along the axis.
        span: lowest and highest of all rows.
        tie: what decides the order of equal values; None: their order as given.

    Returns:
        In units of a row's height, within -0.4 and 0.4.
    """
    low, high = span
    width = (high - low) or 1.0
    bins = np.floor((values - low) / width * _BINS).astype(int)
    offsets = np.zeros(len(values))
    fullest = int(np.bincount(bins - bins.min()).max())
    step = min(_STEP, 2 * _SPREAD / max(1, fullest - 1))
    order = np.lexsort((np.arange(len(values)) if tie is None else tie, values))
    for number in np.unique(bins):
        here = order[bins[order] == number]
        # 0, 1, -1, 2, -2, ... moved so that the stack is centred on the row
        turns = np.arange(1, len(here) + 1) // 2 * np.where(np.arange(len(here)) % 2, 1, -1)
        offsets[here] = step * (turns - turns.mean())
    return offsets
