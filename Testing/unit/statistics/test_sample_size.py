"""Riley's criteria against published examples and the authors' software; the R² of an AUC against integrals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import (
    affordable_parameters,
    cox_snell_from_auc,
    largest_cox_snell,
    minimum_sample_size,
    sample_size_lines,
)


def test_example_of_the_software() -> None:
    """pmsampsize type "b", csrsquared 0.288, 24 parameters, prevalence 0.174: 623, 662 and 221 cases."""
    found = minimum_sample_size(24, 0.174, cox_snell=0.288)
    assert (found.shrinkage, found.optimism, found.overall_risk, found.cases) == (623, 662, 221, 662)
    assert found.events == pytest.approx(115.19, abs=0.005)
    assert found.events_per_parameter == pytest.approx(4.8, abs=0.005)


def test_example_of_the_software_with_an_auc() -> None:
    """The same with cstatistic 0.89: 615, 660 and 221, where the software simulates a million cases."""
    found = minimum_sample_size(24, 0.174, auc=0.89)
    assert found.shrinkage == pytest.approx(615, abs=6)
    assert found.optimism == pytest.approx(660, abs=6)
    assert found.overall_risk == 221
    assert found.cox_snell == pytest.approx(0.291, abs=0.002)


@pytest.mark.parametrize(("parameters", "cases"), [(30, 5249), (20, 3500)])
def test_example_of_the_paper(parameters: int, cases: int) -> None:
    """Riley 2020, doi 10.1136/bmj.m441, pre-eclampsia: prevalence 0.05, R² 0.15 * 0.33 = 0.05."""
    found = minimum_sample_size(parameters, 0.05, cox_snell=0.05)
    assert found.cases == found.shrinkage == cases
    assert found.events_per_parameter == pytest.approx(8.75, abs=0.005)
    assert found.largest_cox_snell == pytest.approx(0.33, abs=0.005)


def test_without_an_anticipation_it_is_a_share_of_the_largest() -> None:
    found = minimum_sample_size(30, 0.05)
    assert found.cox_snell == pytest.approx(0.15 * largest_cox_snell(0.05))
    assert largest_cox_snell(0.5) == pytest.approx(0.75)


@pytest.mark.parametrize(("prevalence", "auc"), [(0.05, 0.6), (0.174, 0.89), (0.5, 0.75), (0.3, 0.99)])
def test_r2_of_an_auc_equals_the_integral(prevalence: float, auc: float) -> None:
    from scipy.integrate import quad
    from scipy.stats import norm

    apart = math.sqrt(2) * norm.ppf(auc)

    def gain(x: float) -> float:
        """Log likelihood of the posterior less that of the prevalence, times the density."""
        ones, zeros = prevalence * norm.pdf(x, apart), (1 - prevalence) * norm.pdf(x)
        both = ones + zeros
        return sum(
            part * math.log(part / both / share) for part, share in ((ones, prevalence), (zeros, 1 - prevalence))
        )

    expected = 1 - math.exp(-2 * quad(gain, -9, 9 + apart, epsabs=1e-12, limit=200)[0])
    assert cox_snell_from_auc(auc, prevalence) == pytest.approx(expected, rel=1e-6)


def test_r2_of_an_auc_equals_a_simulation() -> None:
    """As Riley 2021 does it: two normal groups, and a logistic model fitted to them."""
    from HabitatRadiomicsLib.statistics.logistic import logistic_fit

    generator = np.random.default_rng(0)
    outcome = np.repeat([0, 1], [160_000, 40_000])
    scores = generator.normal(outcome * math.sqrt(2) * 0.7721932, 1.0)  # the normal quantile of 0.78
    linear = np.column_stack([np.ones(200_000), scores])
    linear = linear @ logistic_fit(linear, outcome).coefficients
    ratio = 2 * (np.mean(outcome * linear - np.logaddexp(0, linear)) - (0.2 * math.log(0.2) + 0.8 * math.log(0.8)))
    assert cox_snell_from_auc(0.78, 0.2) == pytest.approx(1 - math.exp(-ratio), abs=0.004)


@pytest.mark.parametrize("auc", [None, 0.7, 0.9])
def test_affordable_parameters_are_the_most_that_fit(auc: float | None) -> None:
    for cases in (300, 1000, 5000):
        found = affordable_parameters(cases, 0.2, auc=auc)
        assert found > 0
        assert minimum_sample_size(found, 0.2, auc=auc).cases <= cases
        assert minimum_sample_size(found + 1, 0.2, auc=auc).cases > cases
    assert affordable_parameters(60, 0.4, auc=auc) == 0


def test_sentences_for_a_cohort_that_is_too_small() -> None:
    lines = sample_size_lines(500, 87, 24, auc=0.89)
    assert lines[0] == "The cohort has 500 cases with 87 events for 24 candidate parameters: 3.6 events per candidate."
    assert "at least 660 cases with 115 events (4.8 per candidate)" in lines[1]
    assert "anticipated AUC of 0.89" in lines[1]
    affordable = affordable_parameters(500, 0.174, auc=0.89)
    assert lines[2] == f"So many cases are enough for {affordable} candidate parameters at most."
    assert "exploratory" in lines[3]


def test_sentences_for_a_tiny_and_for_a_large_cohort() -> None:
    tiny = sample_size_lines(60, 26, 1)
    assert "1 candidate parameter: 26 events" in tiny[0]
    assert "15 % of the largest" in tiny[1]
    assert tiny[2] == f"Even 1 candidate parameter takes {minimum_sample_size(1, 26 / 60).cases} cases."
    assert sample_size_lines(6000, 300, 30)[2:] == ["The cohort meets the criteria."]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(EvaluationError, match="0 candidate parameters"):
        minimum_sample_size(0, 0.2)
    for prevalence in (0.0, 1.0, math.nan):
        with pytest.raises(EvaluationError, match="prevalence"):
            minimum_sample_size(5, prevalence)
    for auc in (0.5, 1.0, 0.3):
        with pytest.raises(EvaluationError, match="anticipated AUC"):
            minimum_sample_size(5, 0.2, auc=auc)
    with pytest.raises(EvaluationError, match="Cox-Snell"):
        minimum_sample_size(5, 0.05, cox_snell=0.5)
    with pytest.raises(EvaluationError, match="both anticipated"):
        minimum_sample_size(5, 0.2, auc=0.8, cox_snell=0.2)
    with pytest.raises(EvaluationError, match="shrinkage"):
        minimum_sample_size(5, 0.2, shrinkage=1.0)
    with pytest.raises(EvaluationError, match="out of reach"):
        minimum_sample_size(5, 0.5, cox_snell=0.6, shrinkage=0.5)
    with pytest.raises(EvaluationError, match="number of events"):
        sample_size_lines(20, 0, 5)
