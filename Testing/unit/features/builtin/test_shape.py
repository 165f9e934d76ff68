"""Shape against pyradiomics, closed forms and IBSI's digital phantom: the mesh is the same, triangle by triangle."""

from __future__ import annotations

import csv
import itertools
import logging
import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.distance import pdist

from HabitatRadiomicsLib.features.builtin.cropping import box_of
from HabitatRadiomicsLib.features.builtin.diameters import largest_distance, largest_distance_in_planes, mesh_vertices
from HabitatRadiomicsLib.features.builtin.mesh import surface_and_volume
from HabitatRadiomicsLib.features.builtin.shape import shape_features
from HabitatRadiomicsLib.features.catalogue import features_of_class

_SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.7, 1.1), (0.4, 5.0, 2.0)]
_ROUNDING = 1e-7
_REFERENCE = Path(__file__).parent.parent / "ibsi_digital_phantom.csv"


def _ball(radius: float, centre: tuple[float, float, float] = (0.3, -0.2, 0.1)) -> np.ndarray:
    reach = math.ceil(radius) + 1
    axes = np.ogrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1]
    inside: np.ndarray = sum((axis - place) ** 2 for axis, place in zip(axes, centre)) <= radius**2
    return inside


def _oblique() -> np.ndarray:
    """A thick tilted disc."""
    k, j, i = np.ogrid[-12:13, -20:21, -20:21]
    along = 0.4 * k + 0.5 * j + 0.77 * i
    inside: np.ndarray = (np.abs(along) < 3) & (k**2 * 2 + j**2 + i**2 < 300)
    return inside


def _two_distant() -> np.ndarray:
    inside = np.zeros((4, 5, 9), dtype=bool)
    inside[0, 0, 0] = inside[3, 4, 8] = True
    return inside


def _blob(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    inside: np.ndarray = random.random(random.integers(2, 8, 3)) < random.uniform(0.15, 0.9)
    inside[tuple(random.integers(0, size) for size in inside.shape)] = True
    return inside


REGIONS = {
    "ball": _ball(7.3),
    "small ball": _ball(1.6),
    "oblique disc": _oblique(),
    "box": np.ones((3, 4, 5), dtype=bool),
    "one slice": _ball(6.2)[7:8],
    "two voxels": np.ones((1, 1, 2), dtype=bool),
    "line": np.ones((5, 1, 1), dtype=bool),
    "one voxel": np.ones((1, 1, 1), dtype=bool),
    "diagonal": np.eye(4, dtype=bool)[None],
    "two distant voxels": _two_distant(),
    "hollow": _ball(7.3) & ~np.pad(_ball(3.2), 4),
}


def _by_pyradiomics(inside: np.ndarray, spacing: tuple[float, float, float]) -> dict[str, complex]:
    radiomics = pytest.importorskip("radiomics")
    from radiomics.shape import RadiomicsShape

    radiomics.logger.setLevel(logging.CRITICAL)
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    mask.SetSpacing(spacing[::-1])
    reference = RadiomicsShape(mask, mask, label=1)
    reference.enableAllFeatures()
    with np.errstate(all="ignore"):
        return {name: complex(value) for name, value in reference.execute().items()}


def _check(inside: np.ndarray, spacing: tuple[float, float, float]) -> None:
    inside = inside[box_of(inside).slices]
    expected, found = _by_pyradiomics(inside, spacing), shape_features(inside, spacing)
    assert set(found) == set(expected) == set(features_of_class("shape"))
    for name, value in expected.items():
        ours = found[name]
        if name.endswith("AxisLength") or name in ("Elongation", "Flatness"):
            largest = found["MajorAxisLength"] if name.endswith("AxisLength") else 1.0
            if ours == 0 or largest == 0:  # rounding of an eigenvalue that is 0: pyradiomics' may be complex, or NaN
                assert not np.isfinite(value) or abs(value) <= _ROUNDING * max(largest, 1e-300), name
                continue
            if np.isnan(ours):
                assert np.count_nonzero(inside) == 1
                continue
        np.testing.assert_allclose(ours, value.real, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("spacing", _SPACINGS, ids=str)
@pytest.mark.parametrize("region", REGIONS)
def test_equal_to_pyradiomics(region: str, spacing: tuple[float, float, float]) -> None:
    _check(REGIONS[region], spacing)


@pytest.mark.parametrize("seed", range(60))
def test_noise_with_all_patterns_is_equal_to_pyradiomics(seed: int) -> None:
    random = np.random.default_rng(seed)
    _check(_blob(seed), tuple(random.uniform(0.3, 5, 3)))


@pytest.mark.parametrize("pattern", range(1, 255))
def test_every_pattern_of_a_cube_is_equal_to_pyradiomics(pattern: int) -> None:
    pytest.importorskip("radiomics")
    from radiomics import cShape

    corners = np.array([pattern >> bit & 1 for bit in range(8)], dtype=bool).reshape(2, 2, 2)
    spacing = np.array([1.3, 0.7, 2.1])
    area, volume, _ = cShape.calculate_coefficients(corners, spacing)
    np.testing.assert_allclose(surface_and_volume(corners, spacing), (area, volume), rtol=1e-12, atol=1e-14)


def test_one_voxel_is_an_octahedron() -> None:
    found = shape_features(np.ones((1, 1, 1), dtype=bool), (1.0, 1.0, 1.0))
    assert found["MeshVolume"] == pytest.approx(1 / 6, rel=1e-14)
    assert found["SurfaceArea"] == pytest.approx(math.sqrt(3), rel=1e-14)
    assert found["VoxelVolume"] == 1
    assert found["Maximum3DDiameter"] == 1
    assert found["MajorAxisLength"] == 0
    assert math.isnan(found["Elongation"])
    assert math.isnan(found["Flatness"])


def test_flat_regions_and_lines_have_axes_of_exactly_no_length() -> None:
    plane = shape_features(_ball(6.2)[7:8], (3.0, 0.7, 1.1))
    assert plane["LeastAxisLength"] == plane["Flatness"] == 0
    assert plane["Elongation"] > 0
    tilted = np.zeros((6, 6, 4), dtype=bool)
    tilted[range(6), range(6), :] = True
    assert shape_features(tilted, (3.0, 0.7, 1.1))["Flatness"] == 0
    line = shape_features(np.eye(5, dtype=bool)[None], (1.0, 0.3, 0.7))
    assert line["MinorAxisLength"] == line["LeastAxisLength"] == line["Elongation"] == 0


@pytest.mark.parametrize("region", REGIONS)
def test_diameters_equal_brute_force(region: str) -> None:
    spacing = np.array([3.0, 0.7, 1.1])
    vertices = mesh_vertices(np.pad(REGIONS[region], 1))
    assert len(np.unique(vertices, axis=0)) == len(vertices)
    places = vertices * spacing / 2
    assert largest_distance(vertices, spacing) == pytest.approx(pdist(places).max(), rel=1e-13)
    for axis in range(3):
        planes = (places[vertices[:, axis] == plane] for plane in np.unique(vertices[:, axis]))
        expected = max(pdist(plane).max() if len(plane) > 1 else 0.0 for plane in planes)
        found = largest_distance_in_planes(vertices, spacing, axis)
        assert found == pytest.approx(expected, rel=1e-13), axis


def test_only_wanted_features_are_computed() -> None:
    names = set(features_of_class("shape"))
    for pair in itertools.combinations(sorted(names), 2):
        assert set(shape_features(REGIONS["box"], (1.0, 1.0, 1.0), pair)) == set(pair)


def test_ibsi_digital_phantom() -> None:
    """References of three digits; axis lengths as they would be with the IBSI's divisor N - 1."""
    inside = np.ones((4, 4, 5), dtype=bool)
    for voxel in ((1, 2, 0), (2, 0, 3), (2, 0, 4), (2, 2, 2), (3, 0, 3), (3, 0, 4)):
        inside[voxel] = False
    found = shape_features(inside, (2.0, 2.0, 2.0))
    with _REFERENCE.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["class"] == "shape"]
    assert len(rows) == 11
    for row in rows:
        factor = math.sqrt(74 / 73) if row["feature"].endswith("AxisLength") else 1.0
        assert found[row["feature"]] * factor == pytest.approx(float(row["value"]), rel=5e-3), row["feature"]
