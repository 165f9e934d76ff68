"""The b-value and direction of each volume of a diffusion series, from the two text files that go with a NIfTI file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.errors import ImageError

#: b-values up to this, s/mm2, count as b=0: scanners write 5 or 20 for a volume that only imaging gradients weight.
B0_LIMIT = 50.0
#: How far from 1 the length of a direction may be, for rounding in the file.
_UNIT_LENGTH = 0.01
#: Numbers of a symmetric tensor.
_TENSOR_ELEMENTS = 6
#: A combination of a tensor's numbers is not determined if the directions' sensitivity to it, relative to that of the
#: best one, is less.
_DETERMINED = 1e-3


@dataclass(frozen=True)
class GradientTable:
    """How each volume was weighted.

    Attributes:
        b: b-values in s/mm2, shape (volumes,).
        directions: unit vectors, zero where b is; shape (volumes, 3). None: not known, or averaged over directions.
    """

    b: np.ndarray
    directions: np.ndarray | None

    @property
    def unweighted(self) -> np.ndarray:
        """Which volumes are b=0, shape (volumes,)."""
        return self.b <= B0_LIMIT

    def only(self, volumes: np.ndarray) -> GradientTable:
        """The table of some of the volumes."""
        return GradientTable(self.b[volumes], None if self.directions is None else self.directions[volumes])


def read_gradients(bval: Path, bvec: Path | None, volumes: int) -> GradientTable:
    """The table of a series in FSL's two text files, as dcm2niix writes them.

    ``bval`` holds a number per volume, ``bvec`` three rows of them (or a row of three per volume).

    Raises:
        ImageError: a file that cannot be read or does not fit the volumes, b-values without 0 or without diffusion
            weighting, or directions that are not unit vectors.
    """
    where = f"b-values {bval}"
    values = np.concatenate(_rows(bval, where))
    if len(values) != volumes:
        raise _other_count(f"{len(values)} b-values", volumes, where)
    if not np.isfinite(values).all() or (values < 0).any():
        raise ImageError("A b-value is negative or not finite.", where=where, remedy="Export the file again.")
    table = GradientTable(values, None)
    if not table.unweighted.any():
        raise ImageError(
            f"No volume has b=0 (up to {B0_LIMIT:g} s/mm²): the lowest b-value is {values.min():g}.",
            where=where,
            remedy="Give the whole series, with its volume without diffusion weighting.",
        )
    if table.unweighted.all():
        raise ImageError(
            f"No volume is diffusion-weighted: the highest b-value is {values.max():g} s/mm².",
            where=where,
            remedy="Check that the file belongs to this series.",
        )
    return table if bvec is None else replace(table, directions=_directions(bvec, values))


def check_tensor_directions(table: GradientTable, *, where: str) -> None:
    """Refuse directions that do not determine a tensor.

    Raises:
        ImageError: fewer than six, or more that are alike or lie on one cone.
    """
    assert table.directions is not None
    x, y, z = table.directions[~table.unweighted].T
    quadratic = np.column_stack([x * x, y * y, z * z, x * y, x * z, y * z])
    rank = int(np.linalg.matrix_rank(quadratic, rtol=_DETERMINED))
    if rank < _TENSOR_ELEMENTS:
        raise ImageError(
            f"The {len(x)} diffusion-weighted volumes determine {rank} of the {_TENSOR_ELEMENTS} numbers of a tensor: "
            "their directions are too few or too alike.",
            where=where,
            remedy="FA needs at least 6 directions. Without --bvec, ADC alone is computed.",
        )


def _directions(path: Path, b: np.ndarray) -> np.ndarray:
    where = f"directions {path}"
    rows = _rows(path, where)
    lengths = [len(row) for row in rows]
    if len(rows) == 3 and len(set(lengths)) == 1:
        vectors = np.array(rows).T
    elif set(lengths) == {3}:
        vectors = np.array(rows)
    else:
        raise ImageError(
            f"The file holds {len(rows)} rows of {min(lengths)} to {max(lengths)} numbers, not three rows with a "
            "number per volume.",
            where=where,
            remedy="Give the .bvec file that belongs to the series.",
        )
    if len(vectors) != len(b):
        raise _other_count(f"{len(vectors)} directions", len(b), where)
    weighted = b > B0_LIMIT
    off = weighted & ~(np.abs(np.linalg.norm(vectors, axis=1) - 1) <= _UNIT_LENGTH)
    if off.any():
        raise ImageError(
            f"{int(off.sum())} of the {int(weighted.sum())} directions are not of length 1; the first is that of "
            f"volume {int(np.flatnonzero(off)[0]) + 1}.",
            where=where,
            remedy="Leave out volumes that are averages over directions (trace, ADC), or export the series again.",
        )
    return np.where(weighted[:, None], vectors, 0.0)


def _rows(path: Path, where: str) -> list[np.ndarray]:
    """The numbers of each line that holds any."""
    try:
        lines = [line.replace(",", " ").split() for line in path.read_text(encoding="utf-8-sig").splitlines()]
        rows = [np.array(line, dtype=float) for line in lines if line]
    except FileNotFoundError as error:
        raise ImageError("There is no such file.", where=where, remedy="Check its name and folder.") from error
    except OSError as error:
        raise ImageError(f"The file cannot be read ({error.strerror}).", where=where) from error
    except ValueError as error:  # also text that is not UTF-8
        raise ImageError(
            "The file is not a text of numbers.", where=where, remedy="Give FSL's text files, as dcm2niix writes them."
        ) from error
    if not rows:
        raise ImageError("The file is empty.", where=where)
    return rows


def _other_count(content: str, volumes: int, where: str) -> ImageError:
    return ImageError(
        f"The file holds {content}, and the series has {volumes} volumes.",
        where=where,
        remedy="Give the file that belongs to the series; volumes that were left out must be left out there, too.",
    )
