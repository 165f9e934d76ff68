"""What each feature measures: title, unit, IBSI code, definition; read from ``Resources/Features``."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.resources import resources_folder


@dataclass(frozen=True)
class FeatureDefinition:
    """One feature of one class; ``ibsi`` is the code of the Image Biomarker Standardisation Initiative, or empty."""

    feature_class: str
    feature: str
    title: str
    ibsi: str
    unit: str
    definition: str


def definition_of(feature_class: str, feature: str) -> FeatureDefinition:
    """The definition of a feature.

    Raises:
        FeatureError: there is no such feature.
    """
    try:
        return _table()[feature_class, feature]
    except KeyError:
        known = ", ".join(features_of_class(feature_class))
        raise FeatureError(
            f"There is no feature {feature} in the class {feature_class}.",
            remedy=f"The class has {known}." if known else "",
        ) from None


def features_of_class(feature_class: str) -> tuple[str, ...]:
    """The features of a class, in the table's order."""
    return tuple(feature for kind, feature in _table() if kind == feature_class)


@cache
def _table() -> dict[tuple[str, str], FeatureDefinition]:
    path = resources_folder() / "Features" / "definitions.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [
            FeatureDefinition(row["class"], row["feature"], row["title"], row["ibsi"], row["unit"], row["definition"])
            for row in csv.DictReader(stream)
        ]
    return {(row.feature_class, row.feature): row for row in rows}
