"""Whoever lacks pyradiomics, and has a protocol that asks for it, is told how to do without and how to get it."""

from __future__ import annotations

import sys
import types

import pytest

from HabitatRadiomicsLib.system.installation.dependencies import engine_advice, reference_engine_advice


def test_advice_depends_on_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "slicer", raising=False)
    monkeypatch.delenv("SLICER_HOME", raising=False)
    assert 'pip install "pyradiomics-bhklab>=3.1.4"' in reference_engine_advice()
    application = types.ModuleType("slicer")
    application.app = object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slicer", application)
    assert "slicer.util.pip_install" in reference_engine_advice()


def test_programs_that_slicer_starts_give_slicers_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "slicer", raising=False)
    monkeypatch.setenv("SLICER_HOME", "/opt/Slicer")
    assert "slicer.util.pip_install" in reference_engine_advice()


@pytest.mark.parametrize("system", ["Linux", "Windows", "Darwin"])
def test_slicer_radiomics_is_advised_where_it_exists(system: str) -> None:
    advice = engine_advice(system, in_slicer=True)
    assert advice.startswith("The built-in engine computes the same features")
    assert ("SlicerRadiomics" in advice) == (system != "Darwin")
    assert ("xcode-select" in advice) == (system == "Darwin")
