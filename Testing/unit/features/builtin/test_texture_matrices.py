"""The texture matrices against pyradiomics' C code, by hand, and against loops."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from HabitatRadiomicsLib.features.builtin.glcm import pair_counts
from HabitatRadiomicsLib.features.builtin.gldm import dependence_table
from HabitatRadiomicsLib.features.builtin.glrlm import run_counts
from HabitatRadiomicsLib.features.builtin.glszm import zone_table
from HabitatRadiomicsLib.features.builtin.neighbours import directions
from HabitatRadiomicsLib.features.builtin.ngtdm import level_differences

from .regions import degenerate_regions, lattice_of, lesion_levels, small_regions, use_builder

BIG = {
    "lesion": lesion_levels(1, (12, 40, 36), 32),
    "noise": np.random.default_rng(2).integers(0, 9, (9, 20, 17)),
    "one slice": np.random.default_rng(3).integers(0, 4, (1, 30, 30)),
    "one sagittal slice": np.random.default_rng(4).integers(0, 4, (14, 30, 1)),
    "many levels": lesion_levels(5, (10, 30, 30), 700),
}
REGIONS = {**BIG, **degenerate_regions()}

Matrices = dict[str, np.ndarray]


@pytest.fixture(params=["numpy", "numba"])
def builder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use_builder(monkeypatch, request.param)
    return str(request.param)


def _built_in(levels: np.ndarray, *, force_2d: bool, distances: tuple[int, ...] = (1,), alpha: int = 0) -> Matrices:
    """As large as pyradiomics has them: a row for every level up to the highest."""
    lattice = lattice_of(levels, force_2d=force_2d, distances=distances)
    count, rows = lattice.level_count, lattice.present - 1
    pairs = pair_counts(lattice, lattice.layout.offsets)
    glcm = np.zeros((count, count, len(pairs)))
    glcm[np.ix_(rows, rows)] = pairs.transpose(1, 2, 0)
    runs = run_counts(lattice)
    glrlm = np.zeros((count, runs.shape[2], len(runs)))
    glrlm[rows] = runs.transpose(1, 2, 0)
    zones = zone_table(lattice)
    glszm = np.zeros((count, zones.sizes.max()))
    glszm[np.ix_(rows, zones.sizes - 1)] = zones.counts
    dependences = dependence_table(lattice, alpha)
    # pyradiomics keeps room for twice as many neighbours as there are.
    gldm = np.zeros((count, 2 * dependences.sizes.size - 1))
    gldm[np.ix_(rows, dependences.sizes - 1)] = dependences.counts
    ngtdm = np.stack([np.zeros(count), np.zeros(count), np.arange(1, count + 1)], axis=1)
    ngtdm[rows, :2] = np.stack([lattice.counts, level_differences(lattice)], axis=1)
    return {"glcm": glcm, "glrlm": glrlm, "glszm": glszm, "gldm": gldm, "ngtdm": ngtdm}


def _of_pyradiomics(
    levels: np.ndarray, *, force_2d: bool, distances: tuple[int, ...] = (1,), alpha: int = 0
) -> Matrices:
    matrices = pytest.importorskip("radiomics", reason="the reference engine is not installed").cMatrices
    mask, count, near = levels > 0, int(levels.max()), np.array(distances)
    plane = (force_2d, 0)
    return {
        "glcm": matrices.calculate_glcm(levels, mask, near, count, *plane)[0][0],
        "glrlm": matrices.calculate_glrlm(levels, mask, count, max(levels.shape), *plane)[0][0],
        "glszm": matrices.calculate_glszm(levels, mask, count, int(mask.sum()), *plane)[0],
        "gldm": matrices.calculate_gldm(levels, mask, near, count, alpha, *plane)[0],
        "ngtdm": matrices.calculate_ngtdm(levels, mask, near, count, *plane)[0],
    }


def _assert_identical(found: Matrices, expected: Matrices) -> None:
    for name, matrix in expected.items():
        assert found[name].dtype == matrix.dtype, name
        np.testing.assert_array_equal(found[name], matrix, err_msg=name)


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("name", REGIONS)
def test_matrices_are_those_of_pyradiomics(name: str, force_2d: bool, builder: str) -> None:
    levels = REGIONS[name]
    if not len(directions(levels.shape, force_2d=force_2d)):
        pytest.skip("pyradiomics has no matrix where there are no directions")
    _assert_identical(_built_in(levels, force_2d=force_2d), _of_pyradiomics(levels, force_2d=force_2d))


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@settings(max_examples=150)
@given(levels=small_regions())
def test_matrices_of_any_small_region_are_those_of_pyradiomics(
    levels: np.ndarray, force_2d: bool, builder: str
) -> None:
    if len(directions(levels.shape, force_2d=force_2d)):
        _assert_identical(_built_in(levels, force_2d=force_2d), _of_pyradiomics(levels, force_2d=force_2d))


@pytest.mark.parametrize("alpha", [1, 2, 5])
@pytest.mark.parametrize("distances", [(1,), (2,), (1, 2, 3), (3, 1)], ids=str)
@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("name", ["lesion", "noise", "one sagittal slice", "every voxel its own level"])
def test_matrices_at_other_distances_and_alphas_are_those_of_pyradiomics(
    name: str, force_2d: bool, distances: tuple[int, ...], alpha: int, builder: str
) -> None:
    settings = {"force_2d": force_2d, "distances": distances, "alpha": alpha}
    _assert_identical(_built_in(REGIONS[name], **settings), _of_pyradiomics(REGIONS[name], **settings))


@settings(max_examples=200)
@given(
    levels=small_regions(),
    force_2d=st.booleans(),
    distances=st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True).map(tuple),
    alpha=st.integers(0, 4),
)
def test_matrices_of_any_small_region_at_any_distance_are_those_of_pyradiomics(
    levels: np.ndarray, force_2d: bool, distances: tuple[int, ...], alpha: int
) -> None:
    if len(directions(levels.shape, force_2d=force_2d)) and len(
        directions(levels.shape, force_2d=force_2d, distances=distances)
    ):
        settings = {"force_2d": force_2d, "distances": distances, "alpha": alpha}
        _assert_identical(_built_in(levels, **settings), _of_pyradiomics(levels, **settings))


@pytest.mark.parametrize("distances", [(1,), (2,), (1, 3), (3, 2), (9,)], ids=str)
@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("shape", list(product((1, 2, 7), repeat=3)))
def test_directions_are_those_of_pyradiomics(
    shape: tuple[int, int, int], force_2d: bool, distances: tuple[int, ...]
) -> None:
    matrices = pytest.importorskip("radiomics", reason="the reference engine is not installed").cMatrices
    found = directions(shape, force_2d=force_2d, distances=distances)
    if len(found):
        expected = matrices.generate_angles(np.array(shape), np.array(distances), False, force_2d, 0)
        assert found.tolist() == expected.tolist()
    else:
        with pytest.raises(RuntimeError, match="angle count"):
            matrices.generate_angles(np.array(shape), np.array(distances), False, force_2d, 0)


def test_numbers_of_directions() -> None:
    assert len(directions((9, 9, 9), force_2d=False)) == 13
    assert len(directions((9, 9, 9), force_2d=True)) == 4
    assert len(directions((1, 9, 9), force_2d=False)) == 4
    assert len(directions((1, 1, 9), force_2d=False)) == 1
    assert len(directions((9, 1, 1), force_2d=True)) == 0


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@settings(max_examples=25)
@given(levels=small_regions())
def test_matrices_are_those_of_plain_loops(levels: np.ndarray, force_2d: bool, builder: str) -> None:
    lattice = lattice_of(levels, force_2d=force_2d)
    offsets = directions(levels.shape, force_2d=force_2d)
    present = lattice.present.tolist()
    voxels = {tuple(index): int(levels[tuple(index)]) for index in np.argwhere(levels)}

    def moved(index: tuple[int, ...], offset: np.ndarray, times: int = 1) -> tuple[int, ...]:
        return tuple(int(place + times * by) for place, by in zip(index, offset))

    def around(index: tuple[int, ...]) -> list[tuple[int, ...]]:
        both = [*offsets, *(-offsets)]
        return [neighbour for offset in both if (neighbour := moved(index, offset)) in voxels]

    pairs = np.zeros((len(offsets), len(present), len(present)), dtype=int)
    for (direction, offset), (index, level) in product(enumerate(offsets), voxels.items()):
        if moved(index, offset) in voxels:
            pairs[direction, present.index(level), present.index(voxels[moved(index, offset)])] += 1
    np.testing.assert_array_equal(pair_counts(lattice, offsets), pairs)

    dependences = np.zeros((len(present), 2 * len(offsets) + 1), dtype=int)
    differences = np.zeros(len(present))
    for index, level in voxels.items():
        neighbours = [voxels[neighbour] for neighbour in around(index)]
        dependences[present.index(level), neighbours.count(level)] += 1
        differences[present.index(level)] += abs(level - np.mean(neighbours)) if neighbours else 0.0
    np.testing.assert_array_equal(dependence_table(lattice, 0).counts, dependences)
    np.testing.assert_allclose(level_differences(lattice), differences, rtol=1e-12, atol=1e-12)

    unvisited, zones = set(voxels), []
    while unvisited:
        zone, front = set(), {min(unvisited)}
        while front:
            zone |= front
            front = {
                near for index in front for near in around(index) if voxels[near] == voxels[index] and near not in zone
            }
        zones.append((voxels[min(zone)], len(zone)))
        unvisited -= zone
    table = zone_table(lattice)
    row_column = zip(*np.nonzero(table.counts))
    found = [(present[i], int(table.sizes[j])) for i, j in row_column for _ in range(table.counts[i, j])]
    assert sorted(found) == sorted(zones)


def test_run_lengths_by_hand(builder: str) -> None:
    levels = np.array([[[1, 1, 3], [1, 3, 3], [3, 3, 0]]])
    runs = run_counts(lattice_of(levels, force_2d=False))
    # Directions (0, 1, 1), (0, 1, 0), (0, 1, -1), (0, 0, 1); rows are the levels 1 and 3, columns the lengths.
    assert runs.tolist() == [
        [[3, 0, 0], [5, 0, 0]],
        [[1, 1, 0], [1, 2, 0]],
        [[1, 1, 0], [0, 1, 1]],
        [[1, 1, 0], [1, 2, 0]],
    ]


def test_a_line_that_meets_the_region_twice_keeps_its_direction(builder: str) -> None:
    levels = np.zeros((1, 3, 4), dtype=np.int64)
    levels[0, 0, 0], levels[0, 0, 3], levels[0, 2, 1] = 2, 2, 1
    runs = run_counts(lattice_of(levels, force_2d=False))
    # Along a row two voxels face each other over a gap, and on an anti-diagonal as well; every run has length 1.
    assert runs.sum(axis=(1, 2)).tolist() == [0, 0, 3, 3]
    assert not runs[:, :, 1:].any()


def test_levels_need_not_be_c_ordered_nor_int64(builder: str) -> None:
    levels = BIG["lesion"]
    expected = _built_in(levels, force_2d=False)
    for same in (np.asfortranarray(levels), levels.astype(np.uint8), levels.astype(np.int32)[::1]):
        _assert_identical(_built_in(same, force_2d=False), expected)


def test_numba_is_not_needed_and_not_imported_before_use() -> None:
    code = (
        "import sys\n"
        "sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from HabitatRadiomicsLib.features.builtin.glszm import glszm_features\n"
        "from HabitatRadiomicsLib.features.builtin.neighbours import LevelLattice, RegionLayout\n"
        "from HabitatRadiomicsLib.protocol import TextureSettings\n"
        "layout = RegionLayout.of(np.ones((2, 3, 4), dtype=bool), force_2d=False)\n"
        "lattice = LevelLattice.of(np.ones(24, dtype=int), layout)\n"
        "print(glszm_features(lattice, ['LargeAreaEmphasis'], TextureSettings()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "{'LargeAreaEmphasis': 576.0}"
    code = (
        "import sys\n"
        "from HabitatRadiomicsLib.features.builtin import glcm, gldm, glrlm, glszm, ngtdm\n"
        "print('numba' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "False"
