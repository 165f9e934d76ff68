"""The largest distances between vertices of a region's mesh (Feret diameters)."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

#: Pairs of points that are compared at once.
_PAIRS = 2_000_000
#: Number of directions of the planes' widths: a distance exceeds the largest width by no more than 0.12 %.
_DIRECTIONS = 32
#: Many times the rounding error of a width.
_ROUNDING = 1e-12


def mesh_vertices(inside: np.ndarray) -> np.ndarray:
    """Points half-way between neighbouring voxels in and out of a region: twice their k, j, i, integers, (n, 3).

    Args:
        inside: boolean, (k, j, i), with a margin of one voxel outside on each side.
    """
    vertices = []
    for axis in range(3):
        points = np.argwhere(np.diff(inside, axis=axis)) * 2
        points[:, axis] += 1
        vertices.append(points)
    return np.concatenate(vertices)


def largest_distance(vertices: np.ndarray, spacing: np.ndarray) -> float:
    """In mm (L0JK), of :func:`mesh_vertices`; spacing in mm along k, j, i.

    The ends lie on the convex hull, which is computed from integers: the hull of a grid does not depend on its spacing.
    """
    ends = _ends_of_rows(vertices)
    return _largest(ends[ConvexHull(ends).vertices] * (spacing / 2))


def largest_distance_in_planes(vertices: np.ndarray, spacing: np.ndarray, axis: int) -> float:
    """In mm, of two vertices in the same plane across an axis, also a plane half-way between two slices."""
    down, along = (other for other in range(3) if other != axis)
    points = _ends_of_rows(vertices[:, (axis, down, along)])
    starts = np.flatnonzero(np.append(True, np.diff(points[:, 0])))
    widths = _widths(points[:, 1:] * (spacing[[down, along]] / 2), starts)
    # The line between the two ends is at most half a step off the nearest direction.
    bounds = widths / np.cos(np.pi / (2 * _DIRECTIONS)) * (1 + _ROUNDING)
    least = widths.max() * (1 - _ROUNDING)
    largest = 0.0
    planes = np.split(points[:, 1:], starts[1:])
    for number in np.argsort(-bounds, kind="stable"):
        # Narrower planes cannot contain a longer distance.
        if bounds[number] < max(least, largest):
            break
        largest = max(largest, _largest(_hull_of_plane(planes[number]) * (spacing[[down, along]] / 2)))
    return largest


def _widths(points: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Largest extent of each group of points (n, 2) over many directions; never above the group's largest distance.

    ``starts`` are the indices where the groups begin.
    """
    widths = np.zeros(len(starts))
    for angle in np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS:
        along = points[:, 0] * np.sin(angle) + points[:, 1] * np.cos(angle)
        np.maximum(widths, np.maximum.reduceat(along, starts) - np.minimum.reduceat(along, starts), out=widths)
    return widths


def _ends_of_rows(points: np.ndarray) -> np.ndarray:
    """First and last of the points that differ in the last coordinate only: no other can be a corner."""
    # One number for each point sorts faster than three.
    span = tuple(points.max(axis=0) + 1)
    ordered = np.stack(np.unravel_index(np.sort(np.ravel_multi_index(tuple(points.T), span)), span), axis=1)
    new_row = np.any(np.diff(ordered[:, :2], axis=0), axis=1)
    return ordered[np.append(True, new_row) | np.append(new_row, True)]


def _hull_of_plane(points: np.ndarray) -> np.ndarray:
    """Corners of the convex hull of sorted integer points (n, 2): exact, also for a line or a single point.

    Andrew's monotone chain (1979, doi 10.1016/0020-0190(79)90072-3).
    """
    pairs = [(int(down), int(along)) for down, along in points]
    chains = []
    for ordered in (pairs, pairs[::-1]):
        chain: list[tuple[int, int]] = []
        for point in ordered:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        chains += chain
    return np.array(chains)


def _turn(first: tuple[int, int], second: tuple[int, int], third: tuple[int, int]) -> int:
    """Positive if the path through the three points turns left."""
    return (second[0] - first[0]) * (third[1] - first[1]) - (second[1] - first[1]) * (third[0] - first[0])


def _largest(points: np.ndarray) -> float:
    """Largest distance between two of the points, computed in blocks."""
    block = max(_PAIRS // len(points), 1)
    largest = 0.0
    for start in range(0, len(points), block):
        differences = points[start : start + block, None] - points
        largest = max(largest, float((differences**2).sum(axis=2).max()))
    return float(np.sqrt(largest))
