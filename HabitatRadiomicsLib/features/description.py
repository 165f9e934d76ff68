"""Columns in words: a feature, a deep feature, a clinical variable, or the rad-score of a region."""

from __future__ import annotations

from dataclasses import dataclass

from HabitatRadiomicsLib.features.catalogue import CLINICAL, definition_of, parse

#: Prefix of a classifier's input that is the rad-score of a region.
RAD_SCORE_PREFIX = "rad-score "


@dataclass(frozen=True)
class ColumnDescription:
    """A column in words.

    Attributes:
        where: time point, sequence, region and image; empty if it was not measured in an image.
        what: class and feature, or the variable.
        title, definition: what it measures.
        place: sequence key and region, for showing it; None if it has none.
    """

    where: str
    what: str
    title: str
    definition: str
    place: tuple[str, str] | None = None


def describe_column(name: str) -> ColumnDescription:
    """Describes a column that a model's terms or a classifier's inputs may have.

    Raises:
        FeatureError: there is no such column.
    """
    if name.startswith(CLINICAL):
        variable, _, level = name.removeprefix(CLINICAL).partition("=")
        definition = f"1 when it is {level}, else 0." if level else "As the clinical table has it."
        return ColumnDescription("", name.removeprefix(CLINICAL), f"clinical variable {variable}", definition)
    if name.startswith(RAD_SCORE_PREFIX):
        return ColumnDescription("", name, "rad-score", "Linear combination of features of this region.")
    parsed = parse(name)
    if parsed.feature_class == "deep":
        title = "deep feature"
        definition = "One dimension of a neural network's embedding of the lesion's largest slice."
    else:
        feature = definition_of(parsed.feature_class, parsed.feature)
        title, definition = feature.title, feature.definition
    if parsed.timepoint == "delta":
        title, definition = f"change of: {title}", f"Follow-up minus baseline. {definition}"
    where, what = f"{parsed.place}, {parsed.image}", f"{parsed.feature_class} {parsed.feature}"
    return ColumnDescription(where, what, title, definition, (parsed.key, parsed.region))
