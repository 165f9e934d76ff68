"""What a score has to beat: volume, and clinical variables with or without a choice of factors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from HabitatRadiomicsLib.learning.baselines import clinical_baseline, fit_clinical, volume_baseline
from HabitatRadiomicsLib.learning.folds import outer_folds
from HabitatRadiomicsLib.learning.preparation import FoldTable
from HabitatRadiomicsLib.statistics import auc_with_interval
from HabitatRadiomicsLib.validation.nested import CLINICAL, RAD_SCORE_ALONE, STRATEGY, cross_validate, gather

from ..made_up_tables import alternating, columns, protocol, table

_NAMES = columns("T1W_whole")
_TRAINING = np.arange(0, 60)
_NOMOGRAM = {"significance": 0.2, "nomogram": {"bootstraps": 0}}


def _with_age(effect: float) -> FoldTable:
    """90 cases whose age rises by so many years with the outcome; their sex tells nothing."""
    found = table(alternating(90), _NAMES, planted={1: 1.0}, seed=3)
    ages = np.random.default_rng(7).normal(60, 8, 90) + effect * found.outcome
    covariates = tuple({"age": f"{age:.1f}", "sex": "fm"[place // 2 % 2]} for place, age in enumerate(ages))
    return replace(found, covariates=covariates)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_volume_points_where_the_training_cases_say(sign: int) -> None:
    found = _with_age(0)
    found = replace(found, volumes=np.exp(sign * 0.8 * found.outcome + np.log(found.volumes)))
    scores = volume_baseline(found, _TRAINING).scores
    assert auc_with_interval(found.outcome[_TRAINING], scores[_TRAINING]).auc > 0.6
    assert scores[_TRAINING].mean() == pytest.approx(0)
    assert scores[_TRAINING].std() == pytest.approx(1)
    assert np.corrcoef(scores, np.log(found.volumes))[0, 1] == pytest.approx(sign)


def test_without_a_nomogram_it_is_a_ridge_regression_of_all_variables() -> None:
    found = _with_age(10)
    baseline = clinical_baseline(found, _TRAINING, protocol())
    ridge = fit_clinical(found.covariates[:60], found.outcome[:60])
    assert baseline is not None
    assert ridge is not None
    assert np.corrcoef(baseline.scores, ridge.score(found.covariates))[0, 1] == pytest.approx(1)
    assert (baseline.probability, baseline.factors) == (None, ())


def test_with_a_nomogram_its_factors_are_chosen_as_the_nomograms_are() -> None:
    """Against statsmodels' logistic regression of the one factor that matters."""
    from statsmodels.api import Logit, add_constant

    found = _with_age(10)
    baseline = clinical_baseline(found, _TRAINING, protocol(learning=_NOMOGRAM))
    assert baseline is not None
    assert baseline.probability is not None
    assert baseline.factors == ("age",)
    ages = np.array([float(row["age"]) for row in found.covariates])
    fit = Logit(found.outcome[:60], add_constant(ages[:60])).fit(disp=0)
    assert baseline.probability == pytest.approx(fit.predict(add_constant(ages)), abs=1e-5)


def test_where_no_factor_stays_everybody_has_the_prevalence() -> None:
    baseline = clinical_baseline(_with_age(0), _TRAINING, protocol(learning=_NOMOGRAM))
    assert baseline is not None
    assert baseline.probability is not None
    assert not baseline.scores.any()
    assert (baseline.probability == 0.5).all()


@pytest.mark.parametrize("settings", [{}, _NOMOGRAM])
def test_without_clinical_variables_there_is_none(settings: dict) -> None:
    found = replace(_with_age(0), covariates=({},) * 90)
    assert clinical_baseline(found, _TRAINING, protocol(learning=settings)) is None


def test_a_fold_says_what_its_nomogram_is_made_of_and_what_the_others_say_of_its_cases() -> None:
    found, settings = _with_age(10), protocol(learning={**_NOMOGRAM, "repeats": 1})
    folds = outer_folds(found.outcome, found.patients, settings)
    results = list(cross_validate(folds, [found] * 3, settings))
    validation = gather(results, 90)
    for result in results:
        assert result.ways[CLINICAL] == "age"
        assert result.ways[STRATEGY] in ("age", "none")
        assert (result.scores[RAD_SCORE_ALONE] == result.scores["T1W whole"]).all()
    assert set(validation.probabilities) == {STRATEGY, CLINICAL, RAD_SCORE_ALONE}
    for name, rows in validation.probabilities.items():
        assert rows.shape == (1, 90)
        for result in results:  # a probability rises with its score within a fold
            order = np.argsort(result.scores[name])
            assert (np.diff(rows[0, result.fold.test][order]) >= -1e-12).all()
    assert validation.held_out[CLINICAL].area(found.outcome).auc > 0.6


def test_a_clinical_model_that_no_fold_has_a_factor_for_is_none() -> None:
    found, settings = _with_age(0), protocol(learning={**_NOMOGRAM, "repeats": 1})
    found = replace(found, covariates=tuple({"sex": "fm"[place // 2 % 2]} for place in range(90)))
    folds = outer_folds(found.outcome, found.patients, settings)
    results = list(cross_validate(folds, [found] * 3, settings))
    assert {result.ways[CLINICAL] for result in results} == {"none"}
    validation = gather(results, 90)
    assert CLINICAL not in validation.held_out
    assert set(validation.probabilities) == {STRATEGY, RAD_SCORE_ALONE}


@pytest.mark.parametrize(
    ("settings", "way"),
    [
        ({"search": {"selectors": ["anova"], "classifiers": ["lda"], "features": [2]}}, "anova + lda"),
        ({"fusion": {"classifiers": ["knn"], "deep_features": 0}}, "knn"),
        ({}, None),
    ],
)
def test_a_fold_says_by_what_each_score_was_made(settings: dict, way: str | None) -> None:
    names = columns("T1W_whole", "T1W_ring")
    found = table(alternating(60), names, planted={1: 1.5, 8: 1.5}, seed=3)
    own = protocol(regions=["whole", "ring"], learning={"repeats": 1, **settings})
    (fold, *_) = outer_folds(found.outcome, found.patients, own)
    (result,) = cross_validate([fold], [found], own)
    fused = "T1W whole+ring" if "fusion" in settings else "T1W whole"
    assert result.ways.get(fused) == way
    assert set(result.probabilities) == {STRATEGY}
