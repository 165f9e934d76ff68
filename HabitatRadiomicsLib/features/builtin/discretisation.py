"""Grey levels of a region: once per filtered image, for all classes."""

from __future__ import annotations

import numpy as np

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.protocol import Discretisation

#: More bins than any image has grey levels; their edges alone would fill the memory.
_MOST_BINS = 2**24


def bin_edges(values: np.ndarray, discretisation: Discretisation) -> np.ndarray:
    """Edges of half-open bins, equal to those of pyradiomics' ``getBinEdges`` to the last bit.

    With a fixed width they are multiples of the width (IBSI's start at the lowest intensity). With a fixed number they
    divide the range evenly, and the last one is moved up by 1 so that the highest intensity lies in the last bin.

    One bin holds all where pyradiomics fails: if the intensities differ by rounding only (the high-pass wavelet of a
    flat region), and floating point has no numbers for the edges.

    Args:
        values: intensities of the region, finite, at least one; computed in their pixel type.

    Raises:
        FeatureError: the bins are so narrow that there are millions of them.
    """
    lowest, highest = values.min(), values.max()
    if discretisation.bin_count is not None:
        try:
            edges: np.ndarray = np.histogram_bin_edges(values, discretisation.bin_count)
        except ValueError:
            return np.array([lowest, np.inf])
        edges[-1] += 1
        return edges
    width = discretisation.bin_width
    assert width is not None  # one of the two is given
    if (float(highest) - float(lowest)) / width > _MOST_BINS:
        raise FeatureError(
            f"The intensities of a region, {lowest:g} to {highest:g}, need more than {_MOST_BINS} bins of {width:g}.",
            remedy="Choose a larger bin_width in the protocol, or a bin_count.",
        )
    # Two widths more, so that the highest intensity has a bin also if it is a multiple of the width.
    edges = np.arange(lowest - (lowest % width), highest + 2 * width, width)
    return edges if len(edges) > 1 else np.array([lowest, np.inf])


def grey_levels(values: np.ndarray, discretisation: Discretisation) -> np.ndarray:
    """The bin of each intensity, int64, from 1; with a fixed width, the lowest intensity is in bin 1."""
    edges = bin_edges(values, discretisation)
    width = edges[1] - edges[0]
    if edges.size < 3 or width == 0:
        return np.digitize(values, edges).astype(np.int64, copy=False)
    # All bins are about as wide as the first one, which gives most levels; the edges show which ones are wrong.
    levels = np.clip((values - edges[0]) / width, 0, edges.size - 2).astype(np.int64) + 1
    wrong = np.flatnonzero((values < edges[levels - 1]) | (values >= edges[levels]))
    levels[wrong] = np.digitize(values[wrong], edges)
    return levels
