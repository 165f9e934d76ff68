"""The report of a training study: one HTML file without any reference to another one, and without any patient."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX, describe_column
from HabitatRadiomicsLib.protocol import protocol_from, protocol_text
from HabitatRadiomicsLib.reporting.checklists.assessment import AssessedChecklist
from HabitatRadiomicsLib.reporting.text.methods import methods_paragraphs
from HabitatRadiomicsLib.reporting.text.summary import headline_row, reference_sentence, summary_sentences
from HabitatRadiomicsLib.reporting.text.wording import counted, decimals, digits_for, listed, p_value, percent

_TEMPLATES = Path(__file__).parents[1] / "templates"
#: Rows of the table of selection frequencies.
_FREQUENT = 20
#: Combinations of a search.
_COMBINATIONS = 20
#: Comparisons of scores; of more, those of the headline's score only.
_MOST_COMPARISONS = 15


@dataclass(frozen=True)
class _FeatureText:
    where: str
    what: str
    title: str


def study_html(
    study: Mapping[str, Any], figures: Mapping[str, bytes], checklists: Sequence[AssessedChecklist] = ()
) -> str:
    """The report as one HTML file.

    Args:
        study: the study document.
        figures: PNG by name; those that are missing leave no gap.
        checklists: assessed against the same study.

    Raises:
        ProtocolError: the study's protocol is not a valid one.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
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
        figures={name: _embedded(picture) for name, picture in figures.items()},
        methods=methods_paragraphs(study),
        checklists=checklists,
        open_questions=sorted({item.question for checklist in checklists for item in checklist.items if item.question}),
        frequencies=frequencies[:_FREQUENT],
        all_frequencies=len(frequencies),
        feature_text=_feature_text,
        estimate=_estimate,
        most_combinations=_COMBINATIONS,
        has_clinical=any(
            feature["name"].startswith(CLINICAL) for feature in (study.get("model") or {}).get("features") or ()
        ),
        settings=protocol_text(protocol.model_copy(update={"population": {}})),
    )


def _embedded(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")


def _feature_text(name: str) -> _FeatureText:
    """A feature in words; a name that is none of the catalogue's, a clinical variable for instance, as it is."""
    try:
        found = describe_column(name)
    except FeatureError:
        return _FeatureText("", name, "")
    return _FeatureText(found.where, found.what, found.title)


def _input_text(name: str) -> str:
    """What a classifier is given, within a sentence: ``rad-score CT whole``, ``glcm Contrast (CT whole, original)``."""
    text = _feature_text(name)
    return f"{text.what} ({text.where})" if text.where else text.what


def _estimate(row: Mapping[str, Any], key: str, digits: int = 2) -> tuple[str, str]:
    """A number of a row and its interval, as text; the interval (``key_low``, ``key_high``) may be empty."""
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    interval = "" if low is None or high is None else f"{decimals(low, digits)} to {decimals(high, digits)}"
    return decimals(row.get(key), digits), interval


def _comparisons_of_headline(study: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All comparisons of a few scores; of many, those of the score that speaks for the model, and those among what a
    nomogram is compared with."""
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
