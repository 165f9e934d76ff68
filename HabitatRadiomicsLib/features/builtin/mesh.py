"""Surface and volume of the triangle mesh around a region: marching cubes half-way between voxels.

The mesh is that of pyradiomics (Lorensen 1987, doi 10.1145/37401.37422): a cube of eight neighbouring voxels has one
of 256 patterns; a vertex lies half-way between neighbouring voxel centres in and out of the region. Within a face of
the cube, lines join the vertices so that each cuts off one corner inside, and the lines form polygons. Patterns with
the last corner (k + 1, j + 1, i) inside are treated as their complement, turned inside out: in ambiguous faces two
neighbouring cubes may then disagree, and the mesh has a hole there, as in pyradiomics.

A polygon that is not flat may be cut into triangles in several ways, which differ in area. Each is cut by diagonals
from its first vertex, except for the patterns in ``_OTHER_DIAGONALS``.

Since all vertices lie half-way, a pattern's area depends on the spacing only, and its part of the volume is linear in
the cube's position: it is enough to count the patterns, without making any triangle of the mesh.
"""

from __future__ import annotations

from functools import cache

import numpy as np

#: Corners of the cube (k, j, i), around the lower face and around the upper one; a corner's number is its bit.
_CORNERS = np.array([(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)])
_LAST_CORNER = 1 << 7
#: Edges by the corners they join: around the lower face, around the upper one, from the lower to the upper.
_EDGES = tuple(
    [(one, (one + 1) % 4) for one in range(4)]
    + [(4 + one, 4 + (one + 1) % 4) for one in range(4)]
    + [(one, 4 + one) for one in range(4)]
)
_EDGE_OF = {frozenset(corners): edge for edge, corners in enumerate(_EDGES)}
#: Faces by their corners, in the same sense of rotation as seen from outside.
_FACES = ((0, 1, 2, 3), (7, 6, 5, 4), (1, 0, 4, 5), (2, 1, 5, 6), (3, 2, 6, 7), (0, 3, 7, 4))
#: Diagonals of polygons that are not cut from their first vertex, by pattern; two edges (hexadecimal) for each.
_OTHER_DIAGONALS = {
    7: "28 8a", 11: "1b 9b", 13: "0a 8a", 14: "39 9b", 25: "24 4b", 29: "14 1b 4b", 30: "39 9b", 31: "4b 9b",
    35: "35 58", 38: "24 25", 43: "25 28 58", 45: "0a 8a", 46: "05 0b 5b", 47: "58 8a", 49: "35 39", 50: "07 17",
    53: "35 39", 54: "25 28 58", 55: "25 35", 57: "27 29 79", 58: "17 18", 71: "25 28 58", 75: "1b 9b", 76: "35 36",
    79: "69 9b", 87: "29 39 69 79", 89: "24 4b", 92: "35 36", 93: "0b 1b 4b 5b", 95: "69 79 9b", 99: "16 18 68",
    100: "14 24", 101: "14 24", 108: "36 39 69", 109: "14 16 18 1b", 112: "7a 8a", 117: "29 39 69 79", 120: "7a 8a",
    121: "07 27 79 7a", 124: "16 36 68 69",
}  # fmt: skip


def surface_and_volume(inside: np.ndarray, spacing: np.ndarray) -> tuple[float, float]:
    """Area in square mm (C0JK) and volume in cubic mm (RNU0) of the mesh.

    Args:
        inside: boolean, (k, j, i), with a margin of at least one voxel outside on each side.
        spacing: mm along k, j, i.
    """
    patterns = _patterns(inside)
    active = np.flatnonzero((patterns != 0) & (patterns != 255))
    of_cube = patterns.ravel()[active]
    areas, normals, volumes = _constants(spacing)
    area = np.bincount(of_cube, minlength=256) @ areas
    volume = np.bincount(of_cube, minlength=256) @ volumes
    for axis, position in enumerate(np.unravel_index(active, patterns.shape)):
        volume += np.bincount(of_cube, weights=position * spacing[axis], minlength=256) @ normals[:, axis]
    return float(area), float(volume)


def _patterns(inside: np.ndarray) -> np.ndarray:
    """The pattern of each cube of eight voxels; uint8, one less along each axis."""
    bits = inside.view(np.uint8)
    patterns = np.zeros([size - 1 for size in inside.shape], dtype=np.uint8)
    for number, corner in enumerate(_CORNERS):
        moved = tuple(slice(step, size - 1 + step) for step, size in zip(corner, inside.shape))
        patterns |= bits[moved] << np.uint8(number)
    return patterns


def _constants(spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Areas (256,), normals (256, 3) and volumes (256,): a pattern's volume is ``volume + position . normal``."""
    patterns, signs, triangles = _all_triangles()
    a, b, c = (triangles * spacing).transpose(1, 0, 2)
    # Twice the area, along the normal; six times the signed volume of the tetrahedron with the origin.
    normal = np.cross(b - a, c - a)
    volume = (np.cross(a, b) * c).sum(axis=1)
    areas = np.bincount(patterns, np.linalg.norm(normal, axis=1) / 2, 256)
    volumes = np.bincount(patterns, signs * volume / 6, 256)
    normals = np.stack([np.bincount(patterns, signs * part / 6, 256) for part in normal.T], axis=1)
    return areas, normals, volumes


@cache
def _all_triangles() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All triangles of all patterns: pattern, sign of their volume, and corners (n, 3, 3) in voxels."""
    middles = np.array([_CORNERS[list(corners)].mean(axis=0) for corners in _EDGES])
    rows = []
    for pattern in range(1, 255):
        flipped = bool(pattern & _LAST_CORNER)
        for triangle in _triangles(pattern ^ 255 if flipped else pattern):
            rows.append((pattern, -1.0 if flipped else 1.0, middles[list(triangle)]))
    patterns, signs, corners = zip(*rows)
    return np.array(patterns), np.array(signs), np.array(corners)


def _triangles(pattern: int) -> list[tuple[int, int, int]]:
    """The triangles of a pattern without the last corner, by their three edges, normals outward."""
    others = _OTHER_DIAGONALS.get(pattern, "").split()
    diagonals = {frozenset(int(edge, 16) for edge in pair) for pair in others}
    triangles: list[tuple[int, int, int]] = []
    for polygon in _polygons(pattern):
        listed = {pair for pair in diagonals if pair <= set(polygon)}
        triangles += _cut(polygon, listed or {frozenset((polygon[0], other)) for other in polygon[2:-1]})
    return triangles


def _cut(polygon: list[int], diagonals: set[frozenset[int]]) -> list[tuple[int, int, int]]:
    """Triangles of a polygon with all of its diagonals: that of its last side splits the rest in two."""
    if len(polygon) < 3:
        return []
    first, last = polygon[0], polygon[-1]
    for index in range(1, len(polygon) - 1):
        apex = polygon[index]
        left = index == 1 or frozenset((first, apex)) in diagonals
        right = index == len(polygon) - 2 or frozenset((apex, last)) in diagonals
        if left and right:
            return [(first, apex, last), *_cut(polygon[: index + 1], diagonals), *_cut(polygon[index:], diagonals)]
    raise AssertionError(f"{polygon} is not cut by {diagonals}")


def _polygons(pattern: int) -> list[list[int]]:
    """The polygons of a pattern, each by its edges in turn from the lowest, so that its normal points outward."""
    following = dict(line for face in _FACES for line in _lines(pattern, face))
    polygons = []
    while following:
        polygon = [min(following)]
        while (edge := following.pop(polygon[-1])) != polygon[0]:
            polygon.append(edge)
        polygons.append(polygon)
    return polygons


def _lines(pattern: int, face: tuple[int, ...]) -> list[tuple[int, int]]:
    """The directed lines within a face, from edge to edge; each cuts off one run of corners inside."""
    inside = [bool(pattern >> corner & 1) for corner in face]
    edges = [_EDGE_OF[frozenset((face[turn], face[(turn + 1) % 4]))] for turn in range(4)]
    lines = []
    for turn in range(4):
        if inside[turn] and not inside[turn - 1]:  # a run begins
            end = turn
            while inside[(end + 1) % 4]:
                end += 1
            lines.append((edges[turn - 1], edges[end % 4]))
    return lines
