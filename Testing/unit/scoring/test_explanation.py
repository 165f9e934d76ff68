"""SHAP values are coefficient times distance from the mean, and add up; the bridge leaves no trace."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.scoring.explanation import explain


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("t790m-spine-demo")


@pytest.mark.parametrize("row", range(5))
def test_values_are_exact_and_add_up_to_the_score(model: Model, row: int) -> None:
    generator = np.random.default_rng(row)
    values = np.array(model.background).mean(axis=0) * generator.normal(1, 0.3, len(model.features))
    base, contributions = explain(model, values)
    z, background = model.standardised(values[None])[0], model.standardised(np.array(model.background))
    expected = model.coefficients * (z - background.mean(axis=0))
    found = {contribution.name: contribution.shap for contribution in contributions}
    np.testing.assert_allclose([found[feature.name] for feature in model.features], expected, rtol=0, atol=1e-9)
    score = model.intercept + z @ model.coefficients
    assert base + sum(found.values()) == pytest.approx(score, abs=1e-9)
    sizes = [abs(contribution.shap) for contribution in contributions]
    assert sizes == sorted(sizes, reverse=True)


def test_a_background_of_more_than_100_rows_is_used_whole(model: Model) -> None:
    """shap's own default would look at 100 rows only."""
    generator = np.random.default_rng(1)
    center = np.array(model.background).mean(axis=0)
    rows = center * generator.normal(1, 0.5, (257, len(center)))
    large = model.model_copy(update={"background": tuple(map(tuple, rows.tolist()))})
    base, _ = explain(large, center)
    expected = model.intercept + large.standardised(rows).mean(axis=0) @ model.coefficients
    assert base == pytest.approx(expected, abs=1e-9)


def test_percentiles_are_places_in_the_training_distribution(model: Model) -> None:
    background = np.array(model.background)
    _, contributions = explain(model, background.max(axis=0))
    assert {contribution.percentile for contribution in contributions} == {100.0}
    _, contributions = explain(model, background.min(axis=0) - 1)
    assert {contribution.percentile for contribution in contributions} == {0.0}


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_shap_is_imported_beside_another_slicer() -> None:
    """Inside 3D Slicer the name 'slicer' is the application's; it must come out as it went in."""
    answer = _run(
        """
        import sys, types
        application = types.ModuleType("slicer")
        application.app = object()
        sys.modules["slicer"] = application
        before = dict(vars(application))
        from HabitatRadiomicsLib.scoring.shap_bridge import import_shap
        shap = import_shap()
        assert sys.modules["slicer"] is application
        assert vars(application) == before, set(vars(application)) ^ set(before)
        assert import_shap() is shap
        import numpy as np
        explainer = shap.LinearExplainer((np.array([2.0]), 0.0), shap.maskers.Independent(np.zeros((1, 1))))
        print(float(explainer.shap_values(np.ones((1, 1)))[0, 0]))
        """
    )
    assert answer == "2.0"


def test_plain_python_is_left_without_a_stand_in() -> None:
    answer = _run(
        """
        import sys
        from HabitatRadiomicsLib.scoring.shap_bridge import import_shap
        import_shap()
        print("slicer" in sys.modules)
        """
    )
    assert answer == "False"


def test_missing_shap_is_told() -> None:
    answer = _run(
        """
        import importlib.util
        found = importlib.util.find_spec
        importlib.util.find_spec = lambda name, package=None: None if name == "shap" else found(name, package)
        from HabitatRadiomicsLib.errors import DependencyError
        from HabitatRadiomicsLib.scoring.shap_bridge import import_shap
        try:
            import_shap()
        except DependencyError as error:
            print(error)
        """
    )
    assert "pip install shap" in answer
