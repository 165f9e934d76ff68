"""The ways in which the built-in engine is run: with and without numba's kernels, on one core and on two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from lesions import RegionCase

from HabitatRadiomicsLib.features.builtin import engine as builtin_engine
from HabitatRadiomicsLib.features.builtin.neighbours import compiled_kernels

_BUILT_IN = builtin_engine.__name__.rpartition(".")[0]
CORES = (1, 2)


@dataclass(frozen=True)
class Way:
    """A way to run it."""

    kernels: bool
    cores: int

    @property
    def title(self) -> str:
        """In words."""
        return f"{numba_in_words(self.kernels)}, {self.cores} {'core' if self.cores == 1 else 'cores'}"


def numba_in_words(kernels: bool) -> str:
    """With or without."""
    return "with numba" if kernels else "without numba"


def ways() -> tuple[Way, ...]:
    """All that are possible here: without kernels only, where numba is not installed."""
    kinds = (True, False) if compiled_kernels() is not None else (False,)
    return tuple(Way(kernels, cores) for kernels in kinds for cores in CORES)


def by_built_in(case: RegionCase, way: Way) -> dict[str, dict[str, float]]:
    """Ours."""
    with ExitStack() as stack:
        if not way.kernels:
            stack.enter_context(_without_kernels())
        engine = builtin_engine.BuiltInEngine(jobs=way.cores)
        return engine.extract(case.image, case.regions, case.settings, case.settings.discretisation)


@contextmanager
def _without_kernels() -> Iterator[None]:
    """The built-in engine as where numba is not installed."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith(_BUILT_IN) and hasattr(module, "compiled_kernels"):
                stack.enter_context(patch.object(module, "compiled_kernels", return_value=None))
        yield
