"""What the documents of a training and of an external validation have in common."""

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
from HabitatRadiomicsLib.reporting.document.study import FORMAT_VERSION
from HabitatRadiomicsLib.scoring.result import notice
from HabitatRadiomicsLib.statistics import (
    Estimate,
    brier_score,
    compare_aucs,
    count_calls,
    recalibration,
    smooth_calibration,
)
from HabitatRadiomicsLib.statistics.characteristics import Characteristic, characteristics

#: Where a problem lies, when that is a sequence, of two time points with its own, and a region.
_REGION = re.compile(r"(?:[A-Za-z0-9-]+ )?[A-Za-z0-9-]+ (?:whole|ring|patch|S[1-9][0-9]*)")


def header(model: Model, cohort: Cohort, *, title: str) -> dict[str, Any]:
    """What was made, by what and from what."""
    return {
        "format_version": FORMAT_VERSION,
        "title": title,
        "notice": notice(model),
        "endpoint": model.endpoint.model_dump(mode="json"),
        "protocol": model.protocol.document(),
        "versions": dict(model.versions),
        "engine": model.versions.get("engine", ""),
        "seed": model.protocol.seed,
        "inputs": {"cohort_sha256": cohort_digest(cohort)},
    }


def flow(
    cases: int, excluded: list[dict[str, Any]], problems: Iterable[CaseProblem], outcome: np.ndarray
) -> dict[str, Any]:
    """From the tables to the analysis.

    Args:
        cases: in the tables.
        excluded: reasons and numbers of those left out before anything was measured.
        problems: of those that could not be measured, one each.
    """
    reasons = Counter(problem_text(problem) for problem in problems)
    lost = [{"reason": reason, "cases": count} for reason, count in reasons.most_common()]
    return {
        "cases": cases, "excluded": [*excluded, *lost], "analysed": len(outcome), "events": int(outcome.sum())
    }  # fmt: skip


def table_1(cohort: Cohort, outcome: np.ndarray, *, seed: int) -> list[Characteristic]:
    """Clinical characteristics by outcome; the site is one where it is known."""
    rows = [cohort.covariates.get(case.case_id, {}) for case in cohort.cases]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: [row.get(name, "") for row in rows] for name in names}
    if any(cohort.sites.values()):
        columns["site"] = [cohort.sites.get(case.case_id, "") for case in cohort.cases]
    return characteristics(columns, outcome, seed=seed)


def model_part(model: Model) -> dict[str, Any]:
    """The rad-score itself."""
    return {
        "name": model.name,
        "features": [
            feature.model_dump(mode="json", include={"name", "coefficient", "mean", "sd"}) for feature in model.features
        ],
        "intercept": model.intercept,
        "classifier": None
        if model.classifier is None
        else {"name": model.classifier.name, "inputs": [row.name for row in model.classifier.inputs]},
        "reference": None
        if model.reference is None
        else model.reference.model_dump(mode="json", include={"description", "cases", "excluded"}),
        "cutoff": model.cutoff.model_dump(mode="json"),
    }


def flat_estimates(row: Mapping[str, Estimate]) -> dict[str, float | None]:
    """Each estimate as three numbers, ``auc``, ``auc_low``, ``auc_high``, and so on; null for one that is none."""
    return {
        name + suffix: finite(value)
        for name, estimate in row.items()
        for suffix, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
    }


def confusion(outcome: np.ndarray, scores: np.ndarray, cut_offs: float | np.ndarray) -> dict[str, float]:
    """The four fields of the table, means over repeats."""
    counts = count_calls(outcome, scores, cut_offs)
    return {
        "tp": counts.true_positives,
        "fp": counts.false_positives,
        "tn": counts.true_negatives,
        "fn": counts.false_negatives,
    }


def comparison_rows(
    outcome: np.ndarray, scores: Mapping[str, np.ndarray], *, clusters: np.ndarray, folds: int | None = None
) -> list[dict[str, Any]]:
    """DeLong's test of every pair of scores; none of a single score.

    Args:
        clusters: the patient (cluster) of each case.
        folds: of the cross-validation that held the scores out; None: of frozen scores.
    """
    return [
        {
            "first": row.first,
            "second": row.second,
            "difference": row.difference,
            "low": finite(row.low),
            "high": finite(row.high),
            "z": finite(row.z),
            "p": finite(row.p),
            "p_holm": finite(row.adjusted_p),
            "untested": row.untested,
        }
        for row in compare_aucs(outcome, scores, clusters=clusters, folds=folds)
    ]


def calibration_numbers(outcome: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """How far probabilities are right.

    Raises:
        EvaluationError: they separate the outcomes, or are all the same.
    """
    line, brier = recalibration(outcome, probability), brier_score(outcome, probability)
    smooth = smooth_calibration(outcome, probability)
    return {
        "slope": line.slope.value,
        "intercept": line.intercept.value,
        "citl": line.in_the_large.value,
        "brier": brier.score,
        "scaled_brier": brier.scaled,
        "e_avg": smooth.e_avg,
        "e_max": smooth.e_max,
    }


def counted_problems(problems: Iterable[CaseProblem]) -> list[dict[str, Any]]:
    """How many cases had each problem."""
    counts = Counter((row.step, problem_text(row)) for row in problems)
    return [{"step": step, "count": count, "problem": problem} for (step, problem), count in counts.most_common()]


def problem_text(problem: CaseProblem) -> str:
    """A problem as a report may tell it: without file, table row, or what an unforeseen error says, in all of which a
    name may stand."""
    unforeseen = problem.problem.startswith("Unexpected ")
    text = problem.problem.partition(":")[0] + "." if unforeseen else problem.problem
    return f"{problem.where}: {text}" if _REGION.fullmatch(problem.where) else text


def finite(value: float) -> float | None:
    """A number that JSON knows."""
    return float(value) if np.isfinite(value) else None
