"""Kernels compiled by numba, where a working numba is installed; the numbers are the same either way."""

from __future__ import annotations

import functools
import importlib
import logging
from types import ModuleType

_logger = logging.getLogger(__name__)


@functools.cache
def compiled_module(name: str) -> ModuleType | None:
    """A module of kernels, or None where numba is missing or does not work.

    Args:
        name: full name of the module; importing it imports numba.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, SystemError) as error:
        # numba answers a numpy that is too new for it with an ImportError or a SystemError, and a home without a
        # writable place for its cache with a RuntimeError.
        _logger.debug("%s without numba: %s", name, error)
        return None
