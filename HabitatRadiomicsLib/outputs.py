"""Results appear complete or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import SimpleITK as sitk

from HabitatRadiomicsLib.errors import OutputError

if TYPE_CHECKING:
    import pandas as pd

#: The file that identifies a folder of habitat maps; no other folder is ever replaced by them.
MAPS_FILE = "habitats.json"
#: The subfolder of finished cases within a folder of results.
WORK_FOLDER = "work"


def json_text(document: Any) -> str:
    """Readable, diffable JSON with a final newline; floats in their shortest exact form."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """:func:`write_bytes` for a text file (UTF-8)."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, then rename it; missing folders are created.

    Raises:
        OutputError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        _readable_like_any_new_file(Path(name))
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write the columns of a table, without its index: UTF-8, ``\\n``, floats in their shortest exact form.

    A missing value (NaN, None) is an empty cell. A column of whole numbers with missing values must be ``Int64`` or
    ``object``, or its numbers are written with ``.0``.

    Raises:
        OutputError: the file cannot be written.
    """
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def write_image(image: sitk.Image, path: Path, *, compressed: bool = True) -> None:
    """Write an image into a folder of :func:`result_folder`.

    Raises:
        OutputError: the image cannot be written, for instance because the disk is full.
    """
    try:
        sitk.WriteImage(image, str(path), useCompression=compressed)
    except RuntimeError as error:
        raise OutputError(
            "The image cannot be written.", where=str(path), remedy="Choose a place with room that you may write to."
        ) from error


def check_writable(folder: Path) -> None:
    """Refuse a folder that cannot be created or written, before long work starts; creates nothing.

    Raises:
        OutputError: a file is in the way, or its nearest existing parent may not be written.
    """
    folder = folder.absolute()
    nearest = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if not nearest.is_dir():
        raise _unwritable(folder, NotADirectoryError(errno.ENOTDIR, "a file is in the way"))
    if not os.access(nearest, os.W_OK):
        raise _unwritable(folder, PermissionError(errno.EACCES, "no permission"))


@contextmanager
def result_folder(folder: Path, *, mark: str, overwrite: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes ``folder`` when the block succeeds, and is removed when it fails.

    Args:
        folder: where the results belong.
        mark: the name of a file that every folder of such results holds.
        overwrite: replace a folder that is not empty, provided that it holds the mark.

    Raises:
        OutputError: the folder cannot be written, is not empty although ``overwrite`` is false, or holds something
            other than earlier results.
    """
    folder = folder.absolute()
    missing = [parent for parent in folder.parents if not os.path.exists(parent)]
    scratch: Path | None = None
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError("This is a file, not a folder.", where=str(folder), remedy="Choose another --out.")
        filled = folder.is_dir() and any(folder.iterdir())
        if filled and not overwrite:
            raise OutputError(
                "The output folder is not empty.",
                where=str(folder),
                remedy="Choose another --out, or replace what it holds with --overwrite.",
            )
        if filled and not (folder / mark).is_file():
            raise OutputError(
                f"The folder holds something other than earlier results (there is no {mark}) and is not replaced.",
                where=str(folder),
                remedy="Choose another --out.",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        yield scratch
        _readable_like_any_new_file(scratch)
        _put_in_place(scratch, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        # Remove the parent folders created above, innermost first. After success they hold the results and stay.
        for parent in missing:
            with suppress(OSError):
                parent.rmdir()


def _put_in_place(scratch: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(scratch, folder)
        return
    # The old results stay complete until the new ones replace them.
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    try:
        os.rename(folder, old / folder.name)
        os.rename(scratch, folder)
    finally:
        # After any interruption, Ctrl-C included, the old results are restored before anything is removed.
        if not os.path.lexists(folder):
            os.rename(old / folder.name, folder)
        shutil.rmtree(old, ignore_errors=True)


def _readable_like_any_new_file(path: Path) -> None:
    # tempfile creates files that only the owner may read; results get the permissions of the user's umask.
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(path, (0o777 if path.is_dir() else 0o666) & ~mask)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The results cannot be written ({error.strerror or error}).",
        where=str(path),
        remedy="Choose a place with room that you may write to.",
    )
