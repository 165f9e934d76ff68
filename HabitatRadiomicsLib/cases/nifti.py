"""Finds damage in NIfTI files that ITK's reader would repair silently."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from HabitatRadiomicsLib.errors import GeometryError, ImageError

_HEADER_BYTES = 348
#: Bytes to read at a time: a whole number of voxels of every type.
_BLOCK_BYTES = 1 << 22
_FLOATS = {16: "f4", 64: "f8"}


def check_nifti(path: Path, *, where: str) -> None:
    """Refuse a damaged NIfTI file; other formats, and pairs of header and image file, are not checked.

    ITK's reader replaces a spacing of 0 by 1, flips an axis of negative spacing, and replaces voxels that are missing
    or not finite by 0.

    Raises:
        GeometryError: a spacing that is not positive or not finite.
        ImageError: the file is truncated, or voxels are not finite.
    """
    try:
        with _opened(path) as stream:
            header = stream.read(_HEADER_BYTES)
            if header[344:348] != b"n+1\0":
                return
            order = "<" if header[:4] == struct.pack("<i", _HEADER_BYTES) else ">"
            _check_spacing(header, order, where)
            missing, not_finite = _check_voxels(stream, header, order)
    except (OSError, EOFError, zlib.error) as error:
        raise _truncated(where, f"its compressed data are damaged or end too early ({error})") from error
    if missing:
        raise _truncated(where, f"{missing} bytes of its voxels are missing")
    if not_finite:
        raise ImageError(
            f"The file holds NaN or infinite values: {not_finite} in all.",
            where=where,
            remedy="Replace them (e.g. by the background value) or export the image again.",
        )


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as stream:
        compressed = stream.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb")) if compressed else path.open("rb")


def _check_spacing(header: bytes, order: str, where: str) -> None:
    for axis, spacing in enumerate(struct.unpack_from(f"{order}3f", header, 80), start=1):
        if not (spacing > 0 and math.isfinite(spacing)):
            raise GeometryError(
                f"The voxel spacing along axis {axis} is {spacing:g} mm in the file's header; it must be positive.",
                where=where,
                remedy="Correct the header, or export the image again.",
            )


def _check_voxels(stream: BinaryIO, header: bytes, order: str) -> tuple[int, int]:
    """How many bytes are missing, and how many values are not finite."""
    dimensions, *sizes = struct.unpack_from(f"{order}8h", header, 40)
    kind, bits = struct.unpack_from(f"{order}2h", header, 70)
    left = math.prod(sizes[:dimensions]) * bits // 8
    stream.read(max(0, int(struct.unpack_from(f"{order}f", header, 108)[0]) - _HEADER_BYTES))
    not_finite = 0
    while left > 0:
        block = _filled(stream, min(left, _BLOCK_BYTES))
        if not block:
            break
        left -= len(block)
        if kind in _FLOATS:
            width = bits // 8
            voxels = np.frombuffer(block[: len(block) // width * width], dtype=order + _FLOATS[kind])
            not_finite += int(np.count_nonzero(~np.isfinite(voxels)))
    stream.read(1)  # Reading to the end of compressed data verifies its checksum.
    return left, not_finite


def _filled(stream: BinaryIO, count: int) -> bytes:
    """This many bytes; fewer only at the end of the file, although one read of a compressed file may return fewer."""
    block = stream.read(count)
    while len(block) < count and (more := stream.read(count - len(block))):
        block += more
    return block


def _truncated(where: str, reason: str) -> ImageError:
    return ImageError(
        f"The file is truncated or damaged: {reason}.", where=where, remedy="Copy or export the image again."
    )
