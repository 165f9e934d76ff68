"""Regions of grey levels for the tests of the texture matrices, and the two ways to build a matrix."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from HabitatRadiomicsLib.features.builtin import glcm, glrlm, glszm
from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, RegionLayout

#: Those whose matrices numba can build.
MODULES = (glcm, glrlm, glszm)


def cropped(levels: np.ndarray) -> np.ndarray:
    """The levels within the box of those that are not 0."""
    where = np.nonzero(levels)
    return levels[tuple(slice(axis.min(), axis.max() + 1) for axis in where)]


def lattice_of(
    levels: np.ndarray,
    *,
    force_2d: bool,
    distances: tuple[int, ...] = (1,),
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> LevelLattice:
    """The levels (k, j, i), 0 outside of the region, laid out."""
    inside = levels > 0
    layout = RegionLayout.of(inside, force_2d=force_2d, distances=distances, spacing=spacing)
    return LevelLattice.of(levels[inside], layout)


def lesion_levels(seed: int, shape: tuple[int, int, int], level_count: int) -> np.ndarray:
    """A smooth lesion with a hole, as discretised T1W might be; some of its levels do not occur."""
    random = np.random.default_rng(seed)
    texture = gaussian_filter(random.normal(size=shape), (0.5, 1.5, 1.5))
    low, high = texture.min(), texture.max()
    levels = 1 + np.floor((texture - low) / (high - low) * level_count * 0.999999).astype(np.int64)
    levels[levels == level_count // 2] += 1
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")))
    inside = (radius + 0.3 * gaussian_filter(random.normal(size=shape), 3) * 10 < 0.95) & (radius > 0.15)
    return cropped(np.where(inside, levels, 0))


def degenerate_regions() -> dict[str, np.ndarray]:
    """Regions that leave a matrix empty, or a formula without a value."""
    two_distant = np.zeros((3, 4, 5), dtype=np.int64)
    two_distant[0, 0, 0], two_distant[2, 3, 4] = 1, 4
    alike_distant = np.where(two_distant > 0, 3, 0)
    on_one_line = np.zeros((1, 1, 3), dtype=np.int64)
    on_one_line[..., 0] = on_one_line[..., 2] = 5
    different_on_one_line = on_one_line.copy()
    different_on_one_line[..., 0] = 2
    slices_apart = np.zeros((2, 1, 3), dtype=np.int64)
    slices_apart[0, 0, 0] = slices_apart[1, 0, 2] = 3
    diagonal = np.zeros((3, 3, 3), dtype=np.int64)
    diagonal[[0, 1, 2], [0, 1, 2], [0, 1, 2]] = (1, 2, 2)
    column = np.array([1, 2, 2, 3], dtype=np.int64).reshape(4, 1, 1)
    return {
        "two distant voxels": two_distant,
        "two distant voxels of one level": alike_distant,
        "two voxels of a line": on_one_line,
        "two voxels of a line, different": different_on_one_line,
        "one voxel in each of two slices": slices_apart,
        "flat": np.full((3, 4, 5), 7, dtype=np.int64),
        "flat and thin": np.full((1, 4, 5), 1, dtype=np.int64),
        "diagonal": diagonal,
        "across slices": column,
        "one row": np.array([[[1, 1, 2, 4, 4]]], dtype=np.int64),
        "two voxels": np.array([[[3, 9]]], dtype=np.int64),
        "every voxel its own level": np.arange(1, 61, dtype=np.int64).reshape(3, 4, 5),
    }


@st.composite
def small_regions(draw: st.DrawFn) -> np.ndarray:
    """Boxes of up to 5 x 5 x 5 voxels with few levels, some of them missing, and holes."""
    shape = draw(st.tuples(*[st.integers(1, 5)] * 3))
    values = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True))
    filled = draw(st.sampled_from([0.3, 0.7, 1.0]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    levels = np.where(random.random(shape) < filled, random.choice(values, size=shape), 0)
    levels.flat[random.integers(levels.size)] = values[0]
    return cropped(levels)


def use_builder(monkeypatch: pytest.MonkeyPatch, builder: str) -> None:
    """Let the matrices be built by 'numpy' or by 'numba'."""
    if builder == "numpy":
        for module in MODULES:
            monkeypatch.setattr(module, "compiled_kernels", lambda: None)
    elif importlib.util.find_spec("numba") is None:
        pytest.skip("numba is not installed, which is an optional accelerator")
