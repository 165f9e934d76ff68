"""The largest distances between vertices of a region's mesh (Feret diameters)."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

#: Pairs of points that are compared at once.
_PAIRS = 2_000_000
#: Along which the planes' widths are taken: a distance is longer than the width by no more than 0.1 %.
_DIRECTIONS = 32
#: Many times that of a width.
_ROUNDING = 1e-12


def mesh_vertices(inside: np.ndarray) -> np.ndarray:
    """Places half-way between neighbouring voxels in and out of a region: twice their k, j, i, integers, (n, 3).

    Args:
        inside: boolean, (k, j, i), with a margin of one voxel outside on each side.
    """
    found = []
    for axis in range(3):
        place = np.argwhere(np.diff(inside, axis=axis)) * 2
        place[:, axis] += 1
        found.append(place)
    return np.concatenate(found)


def largest_distance(vertices: np.ndarray, spacing: np.ndarray) -> float:
    """In mm (L0JK).

    The ends lie on the convex hull, which is sought among integers: they span three dimensions, even for one voxel,
    and the hull of a grid does not depend on its spacing.

    Args:
        vertices: see :func:`mesh_vertices`.
        spacing: mm along k, j, i.
    """
    ends = _ends_of_rows(vertices)
    return _largest(ends[ConvexHull(ends).vertices] * (spacing / 2))


def largest_distance_in_planes(vertices: np.ndarray, spacing: np.ndarray, axis: int) -> float:
    """In mm, of two vertices with the same place along an axis.

    pyradiomics takes any two vertices of a plane, also of one half-way between two slices.

    Args:
        vertices: see :func:`mesh_vertices`.
        spacing: mm along k, j, i.
        axis: across the planes.
    """
    down, along = (other for other in range(3) if other != axis)
    places = _ends_of_rows(vertices[:, (axis, down, along)])
    starts = np.flatnonzero(np.append(True, np.diff(places[:, 0])))
    widths = _widths(places[:, 1:] * (spacing[[down, along]] / 2), starts)
    # The ends of a distance are at most half a step off one of the directions, along which they are that far apart.
    bounds = widths / np.cos(np.pi / (2 * _DIRECTIONS)) * (1 + _ROUNDING)
    largest = widths.max() * (1 - _ROUNDING)
    found = 0.0
    planes = np.split(places[:, 1:], starts[1:])
    for number in np.argsort(-bounds, kind="stable"):
        # Planes that are too narrow cannot hold a longer distance.
        if bounds[number] < max(largest, found):
            break
        found = max(found, _largest(_hull_of_plane(planes[number]) * (spacing[[down, along]] / 2)))
    return found


def _widths(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """The largest extent of each group of points along one of many directions: no more than its largest distance.

    Args:
        points: (n, 2), group by group.
        starts: where the groups begin.
    """
    widths = np.zeros(len(starts))
    for angle in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        along = points[:, 0] * np.sin(angle) + points[:, 1] * np.cos(angle)
        np.maximum(widths, np.maximum.reduceat(along, starts) - np.minimum.reduceat(along, starts), out=widths)
    return widths


def _ends_of_rows(places: np.ndarray) -> np.ndarray:
    """Of the places that differ in the last coordinate only, the first and the last: no other can be a corner."""
    # One number for each place sorts faster than three.
    span = tuple(places.max(axis=0) + 1)
    ordered = np.stack(np.unravel_index(np.sort(np.ravel_multi_index(tuple(places.T), span)), span), axis=1)
    new_row = np.any(np.diff(ordered[:, :2], axis=0), axis=1)
    return ordered[np.append(True, new_row) | np.append(new_row, True)]


def _hull_of_plane(places: np.ndarray) -> np.ndarray:
    """Corners of the convex hull of integer places, sorted, (n, 2): exact, also for a line or a single place.

    Andrew's monotone chain (1979, doi 10.1016/0020-0190(79)90072-3).
    """
    points = [(int(down), int(along)) for down, along in places]
    chains = []
    for ordered in (points, points[::-1]):
        chain: list[tuple[int, int]] = []
        for point in ordered:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains += chain
    return np.array(chains)


def _turn(first: tuple[int, int], second: tuple[int, int], third: tuple[int, int]) -> int:
    """Positive where the way from the first over the second to the third place turns left."""
    return (second[0] - first[0]) * (third[1] - first[1]) - (second[1] - first[1]) * (third[0] - first[0])


def _largest(points: np.ndarray) -> float:
    """The largest distance between two of the points, a block at a time."""
    block = max(_PAIRS // len(points), 1)
    largest = 0.0
    for start in range(0, len(points), block):
        differences = points[start : start + block, None] - points
        largest = max(largest, float((differences**2).sum(axis=2).max()))
    return float(np.sqrt(largest))
