"""Noise with a grain."""

from __future__ import annotations

import numpy as np


def texture(
    generator: np.random.Generator, shape: tuple[int, ...], spacing: tuple[float, ...], grain_mm: float
) -> np.ndarray:
    """Gaussian noise with a grain of the given size in mm, mean 0, sd 1; spacing in mm along the array's axes."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(generator.normal(size=shape), [grain_mm / 2 / step for step in spacing], mode="wrap")
    return (smooth - smooth.mean()) / smooth.std()
