"""Results appear complete or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import OutputError


def json_text(document: Any) -> str:
    """Readable, diffable JSON with a final newline; floats in their shortest exact form."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a text file beside its place, then rename it into place.

    Raises:
        OutputError: the folder does not exist or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        _readable_like_any_new_file(Path(name))
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


@contextmanager
def result_folder(folder: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A scratch folder that becomes ``folder`` when the block ends well, and vanishes when it does not.

    Args:
        folder: where the results shall lie.
        overwrite: replace a folder that already holds something.

    Raises:
        OutputError: the place cannot be written, or holds something and ``overwrite`` is false.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise OutputError("This is a file, not a folder.", where=str(folder), remedy="Choose another --out.")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise OutputError(
            "The output folder is not empty.",
            where=str(folder),
            remedy="Choose another --out, or replace what it holds with --overwrite.",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        yield scratch
        _readable_like_any_new_file(scratch)
        _put_in_place(scratch, folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(scratch: Path, folder: Path) -> None:
    if not folder.exists():
        os.rename(scratch, folder)
        return
    # The old results stay whole until the new ones lie in their place.
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.old."))
    os.rename(folder, old / folder.name)
    try:
        os.rename(scratch, folder)
    except OSError:
        os.rename(old / folder.name, folder)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _readable_like_any_new_file(path: Path) -> None:
    # tempfile makes files for the owner alone; results get what the user's umask allows.
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(path, (0o777 if path.is_dir() else 0o666) & ~mask)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"The results cannot be written ({error.strerror or error}).",
        where=str(path),
        remedy="Choose a place with room that you may write to.",
    )
