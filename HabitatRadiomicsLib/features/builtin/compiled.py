"""Whether compiled kernels for the texture matrices are there."""

from __future__ import annotations

from types import ModuleType

from HabitatRadiomicsLib.system.compiled import compiled_module


def compiled_kernels() -> ModuleType | None:
    """The kernels that numba compiles, or None without a numba that works; the matrices are the same either way."""
    return compiled_module("HabitatRadiomicsLib.features.builtin.kernels")
