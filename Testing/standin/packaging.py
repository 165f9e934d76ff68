"""``slicer.packaging``: remembers what was to be installed, and installs nothing, as Slicer does when testing."""

# ruff: noqa: N803 (names of the application)
from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class PackageRequests:
    """What code under test asked ``slicer.packaging`` to install."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def pip_ensure(
        self,
        requirements: Any,
        constraints: Any = None,
        skip_packages: list[str] | None = None,
        prompt_install: bool = True,
        prompt_restart: bool = True,
        requester: str | None = None,
        skip_in_testing: bool = True,
        show_progress: bool = True,
    ) -> None:
        """Remember the requirements."""
        self._remember("pip_ensure", requirements, constraints, skip_packages, requester)

    def pip_install(
        self,
        requirements: Any,
        constraints: Any = None,
        no_deps_requirements: Any = None,
        skip_packages: list[str] | None = None,
        blocking: bool = True,
        show_progress: bool = True,
        requester: str | None = None,
        logCallback: Any = None,
        completedCallback: Any = None,
    ) -> None:
        """Remember the requirements."""
        self._remember("pip_install", requirements, constraints, skip_packages, requester)
        if completedCallback is not None:
            completedCallback(0)

    def install_module(self) -> ModuleType:
        """Make ``slicer.packaging`` importable."""
        module = ModuleType("slicer.packaging")
        module.pip_ensure = self.pip_ensure  # type: ignore[attr-defined]
        module.pip_install = self.pip_install  # type: ignore[attr-defined]
        sys.modules[module.__name__] = module
        return module

    def _remember(self, function: str, requirements: Any, constraints: Any, skipped: Any, requester: Any) -> None:
        self.calls.append(
            {
                "function": function,
                "requirements": requirements,
                "constraints": constraints,
                "skip_packages": skipped,
                "requester": requester,
            }
        )
