"""The shape of a synthetic lesion: an ellipsoid with bumps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blob:
    """An ellipsoid whose surface is bumpy.

    Attributes:
        centre, semi_axes: in mm, LPS, shape (3,).
        waves, phases: of the bumps, which are 7% of the radius, shape (6, 3) and (6,).
    """

    centre: np.ndarray
    semi_axes: np.ndarray
    waves: np.ndarray
    phases: np.ndarray

    @classmethod
    def random(
        cls,
        generator: np.random.Generator,
        centre: Sequence[float],
        smallest: float,
        largest: float,
        *,
        flat: float = 1,
    ) -> Blob:
        """A random blob with semi-axes between two lengths in mm; along z, ``flat`` times that."""
        return cls(
            centre=np.array(centre, dtype=float),
            semi_axes=generator.uniform(smallest, largest, 3) * (1, 1, flat),
            waves=generator.normal(0, 0.12, (6, 3)),
            phases=generator.uniform(0, 2 * np.pi, 6),
        )

    def radius(self, points: np.ndarray) -> np.ndarray:
        """The relative radius of points, shape (..., 3) to (...): 0 at the centre, 1 on the surface."""
        away = points - self.centre
        bumps = 1 + 0.07 * np.sin(away @ self.waves.T + self.phases).sum(axis=-1) / np.sqrt(6)
        return np.linalg.norm(away / self.semi_axes, axis=-1) / bumps
