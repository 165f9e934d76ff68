"""The parts that the documents of a training and of an external validation have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.cases.cohort.cohort import cohort_digest
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.reporting.document.sections import ComparisonRow, Confusion
from HabitatRadiomicsLib.reporting.document.study import FORMAT_VERSION, Exclusions, Flow, ModelSummary, ProblemCount
from HabitatRadiomicsLib.scoring.result import notice
from HabitatRadiomicsLib.statistics import (
    Estimate,
    brier_score,
    compare_aucs,
    count_calls,
    recalibration,
    smooth_calibration,
)
from HabitatRadiomicsLib.statistics.characteristics import characteristics

#: The place of a problem that is named in reports: a sequence (of two time points: with its time point) and a region.
_REGION = re.compile(r"(?:[A-Za-z0-9-]+ )?[A-Za-z0-9-]+ (?:whole|ring|patch|S[1-9][0-9]*)")


def common_parts(
    model: Model, cohort: Cohort, measured: Cohort, outcome: np.ndarray, problems: Iterable[CaseProblem],
    *, title: str, excluded: Iterable[Exclusions] = (),
) -> dict[str, Any]:  # fmt: skip
    """The origin of a study, its flow of cases, Table 1, and the model's score.

    Args:
        cohort: the cases of the tables.
        measured: the cases that were analysed.
        outcome: of the measured cases, shape (cases,).
        problems: of the cases that could not be measured, one each.
        excluded: cases that were left out before anything was measured.
    """
    reasons = Counter(problem_text(problem) for problem in problems)
    lost = [Exclusions(reason=reason, cases=count) for reason, count in reasons.most_common()]
    return {
        "format_version": FORMAT_VERSION,
        "title": title,
        "notice": notice(model),
        "endpoint": model.endpoint,
        "protocol": model.protocol,
        "versions": dict(model.versions),
        "engine": model.versions.get("engine", ""),
        "seed": model.protocol.seed,
        "inputs": {"cohort_sha256": cohort_digest(cohort)},
        "flow": Flow(
            cases=len(cohort.cases), excluded=(*excluded, *lost), analysed=len(outcome), events=int(outcome.sum())
        ),
        "characteristics": characteristics(_clinical_columns(measured), outcome, seed=model.protocol.seed),
        "model": ModelSummary.model_validate(model),
    }


def _clinical_columns(cohort: Cohort) -> dict[str, list[str]]:
    """The columns of Table 1: clinical variables, and the site if it is known."""
    rows = [cohort.covariates.get(case.case_id, {}) for case in cohort.cases]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name, "") for row in rows] for name in names}
    if any(cohort.sites.values()):
        columns["site"] = [cohort.sites.get(case.case_id, "") for case in cohort.cases]
    return columns


def flat_estimates(row: Mapping[str, Estimate]) -> dict[str, float]:
    """Each estimate as three numbers: ``auc``, ``auc_low``, ``auc_high``, and so on."""
    return {
        name + suffix: value
        for name, estimate in row.items()
        for suffix, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
    }


def confusion(outcome: np.ndarray, scores: np.ndarray, cut_offs: float | np.ndarray) -> Confusion:
    """The confusion matrix, mean over repeats."""
    counts = count_calls(outcome, scores, cut_offs)
    return Confusion(
        tp=counts.true_positives, fp=counts.false_positives, tn=counts.true_negatives, fn=counts.false_negatives
    )


def comparison_rows(
    outcome: np.ndarray, scores: Mapping[str, np.ndarray], *, clusters: np.ndarray, folds: int | None = None
) -> list[ComparisonRow]:
    """DeLong's test of every pair of scores; empty for a single score.

    Args:
        clusters: the patient (cluster) of each case.
        folds: of the cross-validation that held the scores out; None: of frozen scores.
    """
    return [
        ComparisonRow(
            first=row.first, second=row.second, difference=row.difference, low=row.low, high=row.high, z=row.z, p=row.p,
            p_holm=row.adjusted_p, untested=row.untested,
        )
        for row in compare_aucs(outcome, scores, clusters=clusters, folds=folds)
    ]  # fmt: skip


def calibration_numbers(outcome: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Calibration measures of probabilities.

    Raises:
        EvaluationError: they separate the outcomes, or are all the same.
    """
    line, brier = recalibration(outcome, probability), brier_score(outcome, probability)
    smooth = smooth_calibration(outcome, probability)
    return {
        "slope": line.slope.value, "intercept": line.intercept.value, "citl": line.in_the_large.value,
        "brier": brier.score, "scaled_brier": brier.scaled, "e_avg": smooth.e_avg, "e_max": smooth.e_max,
    }  # fmt: skip


def counted_problems(problems: Iterable[CaseProblem]) -> list[ProblemCount]:
    """The number of cases that had each problem."""
    counts = Counter((row.step, problem_text(row)) for row in problems)
    return [ProblemCount(step=step, count=count, problem=text) for (step, text), count in counts.most_common()]


def problem_text(problem: CaseProblem) -> str:
    """A problem as reports give it: without file, table row, or the text of an unforeseen error, which may all contain
    a name."""
    unforeseen = problem.problem.startswith("Unexpected ")
    text = problem.problem.partition(":")[0] + "." if unforeseen else problem.problem
    return f"{problem.where}: {text}" if _REGION.fullmatch(problem.where) else text
