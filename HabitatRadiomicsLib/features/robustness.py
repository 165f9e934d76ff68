"""Which features stay the same when a lesion is measured again: on perturbed copies, by a second reader, a second time.

The measurements of one cohort are feature tables of the same cases and columns: the original first, then its perturbed
copies; or one table per reader (inter-observer), or per session of one reader (intra-observer). For readers, Koo and Li
2016 (doi 10.1016/j.jcm.2016.02.012) advise ``2,1``, absolute agreement.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from HabitatRadiomicsLib.errors import RobustnessError
from HabitatRadiomicsLib.features.reliability import Reliability, intraclass_correlation
from HabitatRadiomicsLib.features.table import FeatureTable
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.protocol import IccForm

HEADER = ("feature", "icc", "low", "high", "n", "kept")


@dataclass(frozen=True)
class FeatureRobustness:
    """Reliability of each column, with 95 % intervals.

    Attributes:
        columns: in the order of the first table.
        reliability: NaN for a feature that is undefined in a measurement of a case.
        cases: how many cases have the feature in every measurement, shape (columns,).
        measurements: of each case.
        form: which ICC.
        threshold: that a feature has to reach.
    """

    columns: tuple[str, ...]
    reliability: Reliability
    cases: np.ndarray
    measurements: int
    form: IccForm
    threshold: float

    @property
    def reaches(self) -> np.ndarray:
        """Whether the ICC is at or above the threshold, shape (columns,); an undefined one is not."""
        return np.nan_to_num(self.reliability.icc, nan=-np.inf) >= self.threshold

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns that are reliable enough."""
        return tuple(name for name, good in zip(self.columns, self.reaches) if good)


def feature_robustness(tables: Sequence[FeatureTable], *, form: IccForm, threshold: float) -> FeatureRobustness:
    """ICC of every feature over repeated measurements of the same cases.

    Args:
        tables: one per measurement, of the same cases and columns in any order.
        form: see :func:`intraclass_correlation`; a protocol's ``robustness.icc``.
        threshold: a protocol's ``robustness.threshold``.

    Raises:
        RobustnessError: fewer than two tables or cases, or tables of other cases or columns (all are named).
    """
    if len(tables) < 2:
        raise RobustnessError("Robustness needs a second measurement of the same cases; there is only one table.")
    first = tables[0]
    problems = []
    for number, table in enumerate(tables[1:], start=2):
        problems += _differences(first.case_ids, table.case_ids, f"table {number}", "cases")
        problems += _differences(first.columns, table.columns, f"table {number}", "columns")
    if problems:
        raise RobustnessError(
            f"The tables do not have the same cases and columns: {'; '.join(problems)}.",
            remedy="Measure all cases with the same protocol, or leave out those that are not in every table.",
        )
    ratings = np.stack([_arranged(table, first) for table in tables], axis=1)
    return FeatureRobustness(
        columns=first.columns,
        reliability=intraclass_correlation(ratings, form),
        cases=np.isfinite(ratings).all(axis=1).sum(axis=0),
        measurements=len(tables),
        form=form,
        threshold=threshold,
    )


def of_common_cases(tables: Sequence[FeatureTable]) -> list[FeatureTable]:
    """The tables without the cases that are not in all of them (a perturbed copy could not be measured, say)."""
    common = set(tables[0].case_ids).intersection(*(table.case_ids for table in tables[1:]))
    chosen = []
    for table in tables:
        rows = [row for row, case_id in enumerate(table.case_ids) if case_id in common]
        chosen.append(FeatureTable(tuple(table.case_ids[row] for row in rows), table.columns, table.values[rows]))
    return chosen


def write_robustness(found: FeatureRobustness, path: Path) -> None:
    """CSV, a row per feature: ``feature, icc, low, high, n, kept``; an undefined number is an empty cell.

    Raises:
        OutputError: it cannot be written there.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEADER)
    bounds = zip(found.reliability.icc, found.reliability.low, found.reliability.high)
    for name, numbers, cases, good in zip(found.columns, bounds, found.cases, found.reaches):
        cells = ["" if np.isnan(number) else repr(float(number)) for number in numbers]
        writer.writerow([name, *cells, int(cases), "yes" if good else "no"])
    write_text(path, stream.getvalue())


def _differences(expected: Sequence[str], found: Sequence[str], where: str, kind: str) -> list[str]:
    there, wanted = set(found), set(expected)
    missing = [name for name in expected if name not in there]
    extra = [name for name in found if name not in wanted]
    parts = [("lacks", missing), ("also has", extra)]
    return [f"{where} {verb} the {kind} {_listed(names)}" for verb, names in parts if names]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _arranged(table: FeatureTable, like: FeatureTable) -> np.ndarray:
    """The values in the other table's order of cases and columns."""
    row = {case_id: index for index, case_id in enumerate(table.case_ids)}
    return table.with_columns(like.columns).values[[row[case_id] for case_id in like.case_ids]]
