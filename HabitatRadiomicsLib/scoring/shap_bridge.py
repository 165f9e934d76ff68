"""Imports the official ``shap`` package, also where ``slicer`` is 3D Slicer.

On import, ``shap`` takes three names from a package called ``slicer``, by which it means a small library from PyPI;
inside 3D Slicer that name belongs to the application. The library is therefore loaded under a private name, its three
names are added to the host's ``slicer`` during the import of ``shap``, and removed afterwards.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from HabitatRadiomicsLib.errors import DependencyError
from HabitatRadiomicsLib.system.installation.dependencies import SLICING_LIBRARY, slicing_library_folder

_PRIVATE_NAME = "_slicer_of_shap"
_LENT_NAMES = ("Alias", "Obj", "Slicer")
_lock = threading.RLock()


def import_shap() -> ModuleType:
    """The ``shap`` package; imported on the first call.

    Raises:
        DependencyError: it is not installed.
    """
    with _lock:
        if "shap" not in sys.modules:
            if importlib.util.find_spec("shap") is None:
                raise DependencyError(
                    "The explanation needs shap, which is not installed.", remedy="Install it: pip install shap."
                )
            with _names_lent(_slicing_library()):
                importlib.import_module("shap")
        return sys.modules["shap"]


@contextmanager
def _names_lent(library: ModuleType) -> Iterator[None]:
    """Let whatever owns the name ``slicer`` carry the library's three names."""
    owner = sys.modules.get("slicer")
    host = owner or ModuleType("slicer")
    lent = [name for name in _LENT_NAMES if name not in vars(host)]
    sys.modules["slicer"] = host
    for name in lent:
        setattr(host, name, getattr(library, name))
    try:
        yield
    finally:
        for name in lent:
            delattr(host, name)
        if owner is None:
            del sys.modules["slicer"]


def _slicing_library() -> ModuleType:
    """PyPI's ``slicer`` under a private name; it stays loaded, since explanations refer to it."""
    if _PRIVATE_NAME not in sys.modules:
        folder = slicing_library_folder()
        if folder is None:
            raise DependencyError(
                f"The package shap needs PyPI's 'slicer' {SLICING_LIBRARY.minimum}, which is not installed.",
                remedy=f"Install it: pip install {SLICING_LIBRARY.specifier}.",
            )
        spec = importlib.util.spec_from_file_location(
            _PRIVATE_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{folder} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[_PRIVATE_NAME] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[_PRIVATE_NAME]
            raise
    return sys.modules[_PRIVATE_NAME]
