"""How many cases a prediction model of a binary outcome needs (Riley 2020, doi 10.1136/bmj.m441)."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass

from HabitatRadiomicsLib.errors import EvaluationError

_SHRINKAGE, _OPTIMISM, _MARGIN = 0.9, 0.05, 0.05


@dataclass(frozen=True)
class MinimumSampleSize:
    """The smallest numbers of cases that meet Riley's criteria.

    Attributes:
        shrinkage: cases for coefficients that need shrinking by a tenth at most.
        optimism: cases for apparent and adjusted Nagelkerke R² that differ by 0.05 at most.
        overall_risk: cases that give the overall risk within 0.05.
        cases: the largest of the three, with so many ``events`` expected among them, not rounded.
        cox_snell: the anticipated Cox-Snell R², and ``largest_cox_snell`` possible with this prevalence.
    """

    shrinkage: int
    optimism: int
    overall_risk: int
    cases: int
    events: float
    events_per_parameter: float
    cox_snell: float
    largest_cox_snell: float


def largest_cox_snell(prevalence: float) -> float:
    """The Cox-Snell R² of a model without error; the prevalence must lie above 0 and below 1."""
    _between("The prevalence", prevalence, 0, 1)
    entropy = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return 1 - math.exp(2 * entropy)


def minimum_sample_size(parameters: int, prevalence: float, *, cox_snell: float | None = None) -> MinimumSampleSize:
    """Riley's criteria 1 (overall risk), 3 (shrinkage) and 4 (optimism), as in the authors' pmsampsize.

    Args:
        parameters: candidates, counted before any selection that uses the outcome.
        prevalence: share of cases with outcome 1.
        cox_snell: anticipated R²; None: 15 % of the largest possible.

    Raises:
        EvaluationError: a value out of its range.
    """
    if parameters < 1:
        raise EvaluationError(f"A model cannot have {parameters} candidate parameters.")
    largest = largest_cox_snell(prevalence)
    r2 = 0.15 * largest if cox_snell is None else cox_snell
    _between("The anticipated Cox-Snell R²", r2, 0, largest)
    # Paper and software use 1.96 without further digits.
    sizes = (
        math.ceil(_cases_for(parameters, r2, _SHRINKAGE)),
        math.ceil(_cases_for(parameters, r2, r2 / (r2 + _OPTIMISM * largest))),
        math.ceil((1.96 / _MARGIN) ** 2 * prevalence * (1 - prevalence)),
    )
    events = max(sizes) * prevalence
    return MinimumSampleSize(*sizes, max(sizes), events, events / parameters, r2, largest)


def _cases_for(parameters: int, r2: float, shrinkage: float) -> float:
    if r2 >= shrinkage:
        raise EvaluationError(f"An R² of {r2:.2f} is out of reach with a shrinkage of {shrinkage:.2f}.")
    return parameters / ((shrinkage - 1) * math.log1p(-r2 / shrinkage))


def affordable_parameters(cases: int, prevalence: float) -> int:
    """The largest number of candidate parameters for which so many cases meet all criteria; 0 if none."""
    # The cases needed grow with the parameters, and are always more than these.
    enough = range(1, cases + 1)
    return bisect_right(enough, cases, key=lambda parameters: minimum_sample_size(parameters, prevalence).cases)


def sample_size_lines(cases: int, events: int, parameters: int) -> list[str]:
    """Sentences to show before training starts.

    Args:
        cases, events: of the cohort, all and with outcome 1.
        parameters: number of candidate features.

    Raises:
        EvaluationError: no case, or every case, has outcome 1.
    """
    _between("The number of events", events, 0, cases)
    prevalence = events / cases
    need = minimum_sample_size(parameters, prevalence)
    lines = [
        f"The cohort has {cases} cases with {events} events for {_candidates(parameters)}: "
        f"{events / parameters:.2g} events per candidate.",
        f"Riley's criteria ask for at least {need.cases} cases with {math.ceil(need.events)} events "
        f"({need.events_per_parameter:.1f} per candidate), assuming 15 % of the largest Cox-Snell R² possible, "
        f"for want of an anticipated AUC ({need.cox_snell:.3f}).",
    ]
    if cases >= need.cases:
        return [*lines, "The cohort meets the criteria."]
    affordable = affordable_parameters(cases, prevalence)
    lines.append(
        f"This number of cases suffices for {_candidates(affordable)} at most."
        if affordable
        else f"Even 1 candidate parameter takes {minimum_sample_size(1, prevalence).cases} cases."
    )
    lines.append(
        "The cohort is smaller than the criteria ask for: expect optimism and unstable features, and read the results "
        "as exploratory. Penalisation does not remove this (Riley 2021, doi 10.1016/j.jclinepi.2020.12.005)."
    )
    return lines


def _candidates(number: int) -> str:
    return "1 candidate parameter" if number == 1 else f"{number} candidate parameters"


def _between(what: str, value: float, low: float, high: float) -> None:
    if not low < value < high:
        raise EvaluationError(f"{what} is {value:.3g}, and has to lie above {low:.3g} and below {high:.3g}.")
