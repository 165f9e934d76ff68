"""What each feature measures: title, unit, IBSI code, definition; read from ``Resources/Features``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.system.resources import resources_folder


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
    """The definition of a feature, also of a component of a network's embedding (class ``deep``, ``E001``).

    Raises:
        FeatureError: there is no such feature.
    """
    if feature_class == "deep" and (component := re.fullmatch(r"E([0-9]{3,})", feature)):
        return _component(feature, int(component[1]))
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


def _component(feature: str, number: int) -> FeatureDefinition:
    text = (
        f"Component {number} of the embedding that the protocol's network gives for the patch around the lesion in the "
        "slice where it is largest. Components of different networks cannot be compared."
    )
    return FeatureDefinition("deep", feature, f"Embedding component {number}", "", "1", text)


@cache
def _table() -> dict[tuple[str, str], FeatureDefinition]:
    import pandas as pd

    table = pd.read_csv(resources_folder() / "Features" / "definitions.csv", dtype=str, keep_default_na=False)
    rows = [FeatureDefinition(**row) for row in table.rename(columns={"class": "feature_class"}).to_dict("records")]
    return {(row.feature_class, row.feature): row for row in rows}
