"""Kernels compiled by numba, if a working numba is installed; the numbers are the same without it."""

from __future__ import annotations

import functools
import importlib
import logging
from types import ModuleType

_logger = logging.getLogger(__name__)


@functools.cache
def compiled_module(name: str) -> ModuleType | None:
    """A module of kernels, by its full name; None if numba, which it imports, is missing or does not work."""
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, SystemError) as error:
        # With a numpy that is too new, numba raises an ImportError or a SystemError; without a writable folder for its
        # cache, a RuntimeError.
        _logger.debug("%s without numba: %s", name, error)
        return None
