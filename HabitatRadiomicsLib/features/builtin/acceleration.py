"""Whether compiled kernels for the texture matrices are there."""

from __future__ import annotations

import functools
import logging
from types import ModuleType

_logger = logging.getLogger(__name__)


@functools.cache
def compiled_kernels() -> ModuleType | None:
    """The kernels that numba compiles, or None without a numba that works; the matrices are the same either way."""
    try:
        from HabitatRadiomicsLib.features.builtin import kernels
    except (ImportError, RuntimeError, SystemError) as error:
        # numba answers a numpy that is too new for it with an ImportError or a SystemError, and a home without a
        # writable place for its cache with a RuntimeError.
        _logger.debug("texture matrices without numba: %s", error)
        return None
    return kernels
