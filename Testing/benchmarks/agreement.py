"""How far apart the features of two engines are, class by class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from paired_runs import WrongValuesError

Values = Mapping[str, Mapping[str, float]]
_HEADER = """\
| Class | Values | Largest relative difference | Of |
| --- | ---: | ---: | --- |"""


@dataclass(frozen=True)
class Difference:
    """Of one value, by the larger of the two; 0 where neither engine defines it."""

    relative: float
    feature_class: str
    where: str
    #: Values that it stands for, itself included.
    count: int = 1


def differences(case: str, ours: Values, theirs: Values, tolerance: float) -> list[Difference]:
    """Of all features of all regions.

    Raises:
        WrongValuesError: the names differ, only one engine defines a value, or a difference is above the tolerance.
    """
    found = []
    for region, values in ours.items():
        if set(values) != set(theirs[region]):
            raise WrongValuesError(f"{case}, {region}: the features have other names.")
        for name, value in values.items():
            where = f"{name}, {region}, {case}"
            relative = _relative(value, theirs[region][name])
            if not relative <= tolerance:
                raise WrongValuesError(f"{where}: {value} and {theirs[region][name]}.")
            found.append(Difference(relative, name.split("_")[1], where))
    return found


def worst_of_each_class(found: Iterable[Difference]) -> list[Difference]:
    """The largest difference of each class, standing for all of it."""
    by_class: dict[str, list[Difference]] = {}
    for difference in found:
        by_class.setdefault(difference.feature_class, []).append(difference)
    return [
        replace(max(members, key=lambda one: one.relative), count=sum(one.count for one in members))
        for members in by_class.values()
    ]


def agreement_table(found: Iterable[Difference]) -> str:
    """The worst value of each class, as Markdown."""
    rows = []
    for worst in worst_of_each_class(found):
        where = worst.where if worst.relative else "all are equal"
        rows.append(f"| {worst.feature_class} | {worst.count:,} | {worst.relative:.1e} | {where} |")
    return "\n".join([_HEADER, *rows])


def _relative(ours: float, theirs: float) -> float:
    """NaN where only one of them is a number."""
    if ours == theirs or (np.isnan(ours) and np.isnan(theirs)):
        return 0.0
    return abs(ours - theirs) / max(abs(ours), abs(theirs))
