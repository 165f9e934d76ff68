"""Training: what it refuses before any computing starts, and what it tells of a model that learned nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib import training
from HabitatRadiomicsLib.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.errors import LearningError, ProtocolError
from HabitatRadiomicsLib.extraction import Extraction
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.model import Endpoint, Model, model_text
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.training import Purpose, train_model
from HabitatRadiomicsLib.validation import Validation

_PURPOSE = Purpose("test", "t", "u", Endpoint(name="e", positive="p", negative="n"), "c", "trained-on-patients", "MIT")


def _protocol(**learning: Any) -> Protocol:
    return protocol_from({"name": "a", "title": "a", "regions": ["whole"], "learning": learning}, where="test")


def _cohort(outcomes: list[int]) -> Cohort:
    names = [f"P{number}" for number in range(len(outcomes))]
    return Cohort(tuple(CohortCase(name, "baseline", ()) for name in names), dict(zip(names, outcomes)))


def _trained(
    values: np.ndarray,
    outcomes: list[int],
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    *,
    lost: int = 0,
    **learning: Any,
) -> Model:
    """A model from a table, as if it had been extracted; the first ``lost`` cases could not be measured."""
    cohort, protocol = _cohort(outcomes), _protocol(**learning)
    columns = tuple(f"T1W_whole_log-sigma-{number}-0-mm-3D_glcm_Contrast" for number in range(values.shape[1]))
    ids = tuple(case.case_id for case in cohort.cases)[lost:]
    extraction = Extraction(FeatureTable(ids, columns, values[lost:]), protocol, (), {}, "test engine", 0)
    monkeypatch.setattr(training, "extract_cohort", lambda *args, **kwargs: extraction)
    return train_model(cohort, protocol, _PURPOSE, folder).model


@pytest.mark.parametrize(("folds", "fewest"), [(2, 4), (3, 5), (5, 7)])
def test_too_few_cases_are_refused_before_anything_is_computed(folds: int, fewest: int, tmp_path: Path) -> None:
    with pytest.raises(LearningError, match=f"needs at least {fewest} of each"):
        train_model(_cohort([1] * (fewest - 1) + [0] * 20), _protocol(folds=folds), _PURPOSE, tmp_path / "work")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(("folds", "fewest"), [(2, 4), (3, 5), (5, 7)])
def test_the_fewest_cases_are_enough(folds: int, fewest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = [0, 1] * fewest
    values = np.random.default_rng(1).normal(size=(len(outcomes), 6)) + np.array(outcomes)[:, None] * 3
    model = _trained(values, outcomes, monkeypatch, tmp_path, folds=folds, repeats=2, significance=1.0)
    assert model.evidence.cases == 2 * fewest


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    purpose = Purpose("../mine", "t", "u", _PURPOSE.endpoint, "c", "trained-on-patients", "MIT")
    with pytest.raises(LearningError, match="is not a name for a model"):
        train_model(_cohort([0, 1] * 20), _protocol(), purpose, tmp_path / "work")


def test_regions_to_learn_from_must_be_measured() -> None:
    with pytest.raises(ProtocolError, match=r"learning\.regions names 'S2'"):
        _protocol(regions=["S2"])


def test_a_score_that_falls_where_the_outcome_rises_gets_no_probability() -> None:
    outcome = np.arange(40) % 2
    generator = np.random.default_rng(1)
    fitted = outcome + generator.normal(size=40)
    rising = Validation(outcome + generator.normal(size=(2, 40)), 10, 0)
    found = training._calibration(fitted, rising, outcome)
    assert found is not None
    assert found.slope > 0
    assert training._calibration(fitted, Validation(-rising.scores, 10, 0), outcome) is None


def test_calibration_and_cut_off_are_on_the_models_own_scale() -> None:
    """A model whose scores are ten times as wide gets a slope ten times as small, and the same held-out calls."""
    outcome = np.arange(40) % 2
    generator = np.random.default_rng(2)
    fitted, validation = (
        outcome + generator.normal(size=40),
        Validation(outcome + generator.normal(size=(2, 40)), 10, 0),
    )
    one, ten = (training._calibration(scale * fitted + 3, validation, outcome) for scale in (1, 10))
    assert one is not None
    assert ten is not None
    assert ten.slope == pytest.approx(one.slope / 10)
    middle = fitted.mean()
    assert ten.intercept + ten.slope * (10 * middle + 3) == pytest.approx(one.intercept + one.slope * (middle + 3))
    cuts = [training._cut_off(scale * fitted + 3, validation, outcome) for scale in (1, 10)]
    assert cuts[0].held_out == cuts[1].held_out


def test_the_cut_off_tells_what_it_does_to_unseen_cases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On noise the training cases flatter it, and the held-out ones do not."""
    values = np.random.default_rng(3).normal(size=(30, 40))
    model = _trained(values, [0, 1] * 15, monkeypatch, tmp_path, repeats=2, bootstraps=50, folds=3)
    assert model.cutoff.training is not None
    assert model.cutoff.held_out is not None
    seen = model.cutoff.training.sensitivity + model.cutoff.training.specificity
    unseen = model.cutoff.held_out.sensitivity + model.cutoff.held_out.specificity
    assert unseen < seen - 0.3


def test_cases_that_are_missing_and_folds_that_learned_nothing_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [0, 1] * 16
    values = np.random.default_rng(3).normal(size=(32, 8))
    values[:, 2] += 0.9 * np.array(outcomes)
    model = _trained(values, outcomes, monkeypatch, tmp_path, lost=4, repeats=2, significance=0.01, bootstraps=50)
    assert (model.evidence.cases, model.evidence.excluded) == (28, 4)
    assert model.evidence.performance is not None
    assert "folds no score could be learned" in model.evidence.performance.method
    assert model_text(model) == model_text(
        _trained(values, outcomes, monkeypatch, tmp_path, lost=4, repeats=2, significance=0.01, bootstraps=50)
    )
