"""Whoever lacks pyradiomics is told what that means and how to get it, for his system."""

from __future__ import annotations

import sys
import types

import pytest

from HabitatRadiomicsLib.installation import FeatureEngineState, feature_engine_state
from HabitatRadiomicsLib.installation.feature_engine import engine_advice


def test_nothing_to_say_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = types.ModuleType("radiomics")
    engine.__spec__ = types.SimpleNamespace()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "radiomics", engine)
    assert feature_engine_state() == FeatureEngineState(installed=True)


def test_advice_where_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "radiomics", None)
    monkeypatch.delitem(sys.modules, "slicer", raising=False)
    state = feature_engine_state()
    assert not state.installed
    assert 'pip install "pyradiomics-bhklab>=3.1.4"' in state.advice
    application = types.ModuleType("slicer")
    application.app = object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "slicer", application)
    assert "slicer.util.pip_install" in feature_engine_state().advice


@pytest.mark.parametrize("system", ["Linux", "Windows", "Darwin"])
def test_slicer_radiomics_is_advised_where_it_exists(system: str) -> None:
    advice = engine_advice(system, in_slicer=True)
    assert advice.startswith("Maps work, but features and scores need pyradiomics")
    assert ("SlicerRadiomics" in advice) == (system != "Darwin")
    assert ("xcode-select" in advice) == (system == "Darwin")
