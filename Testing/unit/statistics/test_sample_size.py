"""Riley's criteria against published examples and the authors' software."""

from __future__ import annotations

import math

import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.statistics import sample_size_lines
from HabitatRadiomicsLib.statistics.sample_size import affordable_parameters, largest_cox_snell, minimum_sample_size


def test_example_of_the_software() -> None:
    """pmsampsize type "b", csrsquared 0.288, 24 parameters, prevalence 0.174: 623, 662 and 221 cases."""
    found = minimum_sample_size(24, 0.174, cox_snell=0.288)
    assert (found.shrinkage, found.optimism, found.overall_risk, found.cases) == (623, 662, 221, 662)
    assert found.events == pytest.approx(115.19, abs=0.005)
    assert found.events_per_parameter == pytest.approx(4.8, abs=0.005)


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


def test_affordable_parameters_are_the_most_that_fit() -> None:
    for cases in (300, 1000, 5000):
        found = affordable_parameters(cases, 0.2)
        assert found > 0
        assert minimum_sample_size(found, 0.2).cases <= cases
        assert minimum_sample_size(found + 1, 0.2).cases > cases
    assert affordable_parameters(60, 0.4) == 0


def test_sentences_for_a_cohort_that_is_too_small() -> None:
    lines = sample_size_lines(500, 87, 24)
    assert lines[0] == "The cohort has 500 cases with 87 events for 24 candidate parameters: 3.6 events per candidate."
    need = minimum_sample_size(24, 0.174)
    assert f"at least {need.cases} cases with {math.ceil(need.events)} events" in lines[1]
    affordable = affordable_parameters(500, 0.174)
    assert lines[2] == f"This number of cases suffices for {affordable} candidate parameters at most."
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
    with pytest.raises(EvaluationError, match="Cox-Snell"):
        minimum_sample_size(5, 0.05, cox_snell=0.5)
    with pytest.raises(EvaluationError, match="number of events"):
        sample_size_lines(20, 0, 5)
