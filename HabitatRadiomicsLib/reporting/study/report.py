"""The report of a study: one HTML file that refers to no other file and names no patient."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX, ColumnDescription, describe_column
from HabitatRadiomicsLib.protocol import protocol_from, protocol_text
from HabitatRadiomicsLib.reporting.checklists.assessment import AssessedChecklist
from HabitatRadiomicsLib.reporting.text.methods import methods_paragraphs
from HabitatRadiomicsLib.reporting.text.summary import headline_row, reference_sentence, summary_sentences
from HabitatRadiomicsLib.reporting.text.wording import counted, decimals, digits_for, listed, p_value, percent

_TEMPLATES = Path(__file__).parents[1] / "templates"
_PNG = "data:image/png;base64,"
#: The most rows of the tables of selection frequencies and of combinations of a search.
_FREQUENT = _COMBINATIONS = 20
#: With more comparisons of scores, the report shows only those of the headline's score.
_MOST_COMPARISONS = 15


def study_html(
    study: Mapping[str, Any], figures: Mapping[str, bytes], checklists: Sequence[AssessedChecklist] = ()
) -> str:
    """The report as one HTML file.

    Args:
        study: the study document.
        figures: PNG by name; the report has no place for those that are missing.
        checklists: assessed for the same study.

    Raises:
        ProtocolError: the study's protocol is not a valid one.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {
        "number": lambda value: "–" if value is None else f"{value:.4g}".replace("-", "−"),
        "decimals": decimals,
        "digits": digits_for,
        "percent": percent,
        "p": p_value,
        "listed": listed,
        "counted": counted,
        "input": _input_text,
        "reference": reference_sentence,
    }
    environment.tests["rad_score"] = lambda name: name.startswith(RAD_SCORE_PREFIX)
    protocol = protocol_from(study["protocol"], where="study")
    frequencies = sorted(
        study.get("selection_frequency") or (),
        key=lambda row: (-(row.get("bootstraps") or 0), -(row.get("folds") or 0)),
    )
    return environment.get_template("study.html").render(
        study=study,
        validation=study.get("validation") or {},
        summary=summary_sentences(study),
        headline=headline_row(study),
        shown_comparisons=_comparisons_of_headline(study),
        figures={name: _PNG + base64.b64encode(picture).decode("ascii") for name, picture in figures.items()},
        methods=methods_paragraphs(study),
        checklists=checklists,
        open_questions=sorted({item.question for checklist in checklists for item in checklist.items if item.question}),
        frequencies=frequencies[:_FREQUENT],
        all_frequencies=len(frequencies),
        feature_text=_feature_text,
        estimate=_estimate,
        most_combinations=_COMBINATIONS,
        has_clinical=any(row["name"].startswith(CLINICAL) for row in (study.get("model") or {}).get("features") or ()),
        settings=protocol_text(protocol.model_copy(update={"population": {}})),
    )


def _feature_text(name: str) -> ColumnDescription:
    """A feature in words; a name that is not in the catalogue, for instance a clinical variable, as it is."""
    try:
        return describe_column(name)
    except FeatureError:
        return ColumnDescription("", name, "", "")


def _input_text(name: str) -> str:
    """A classifier's input within a sentence: ``rad-score CT whole``, ``glcm Contrast (CT whole, original)``."""
    text = _feature_text(name)
    return f"{text.what} ({text.where})" if text.where else text.what


def _estimate(row: Mapping[str, Any], key: str, digits: int = 2) -> tuple[str, str]:
    """A number of a row and its interval (``key_low``, ``key_high``), which may be empty, as text."""
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    interval = "" if low is None or high is None else f"{decimals(low, digits)} to {decimals(high, digits)}"
    return decimals(row.get(key), digits), interval


def _comparisons_of_headline(study: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All comparisons, or if there are many, those of the score that represents the model and those between the scores
    that a nomogram is compared with."""
    rows = list((study.get("validation") or {}).get("comparisons") or ())
    headline = headline_row(study)
    if len(rows) <= _MOST_COMPARISONS or headline is None:
        return rows
    simple = set()
    if headline.get("kind") == "nomogram":
        kinds = ("rad-score alone", "clinical")
        simple = {row["name"] for row in study["validation"]["candidates"] if row.get("kind") in kinds}
    return [
        row for row in rows
        if headline["name"] in (row["first"], row["second"]) or {row["first"], row["second"]} <= simple
    ]  # fmt: skip
