"""What a study found, in two or three sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from HabitatRadiomicsLib.reporting.text.wording import counted, decimals

Row = Mapping[str, Any]


def headline_row(study: Mapping[str, Any]) -> Row | None:
    """The candidate row that represents the final model.

    If there is a row of the whole strategy, in which each fold chose its own score, it is that one: the score chosen in
    the end was picked because its AUC was high, so that its own row is optimistic.
    """
    validation = study.get("validation") or {}
    rows = validation.get("candidates") or []
    if validation.get("external"):
        return rows[0] if rows else None
    chosen = (validation.get("chosen") or {}).get("name")
    whole = [row for row in rows if row.get("kind") in ("strategy", "nomogram")]
    return next(iter(whole or [row for row in rows if row["name"] == chosen]), None)


def summary_sentences(study: Mapping[str, Any]) -> list[str]:
    """Performance with its interval, what can be concluded from the interval, and the external cohorts."""
    sentences = []
    row = headline_row(study)
    if row is None or row.get("auc") is None:
        sentences.append("The study document holds no performance of the final model.")
    else:
        flow = study.get("flow") or {}
        of = ""
        if flow.get("analysed") is not None and flow.get("events") is not None:
            of = f" of {counted(flow['analysed'], 'case')}, {flow['events']} of them {study['endpoint']['positive']},"
        where, unseen = "cross-validation", " on held-out cases"
        if (study.get("validation") or {}).get("external"):
            where, unseen = "an external cohort", ""
        score = "nomogram" if row.get("kind") == "nomogram" else "score"
        sentences.append(
            f"In {where}{of} the {score} reached an AUC of {decimals(row['auc'])} (95% interval "
            f"{decimals(row['auc_low'])} to {decimals(row['auc_high'])}){unseen}."
        )
        sentences += _judged("The interval", row["auc_low"], row["auc_high"])
    reference = (study.get("model") or {}).get("reference")
    if reference:
        sentences.append(reference_sentence(reference))
    for cohort in study.get("external") or ():
        interval = ""
        if cohort.get("auc_low") is not None:
            interval = f" (95% interval {decimals(cohort['auc_low'])} to {decimals(cohort['auc_high'])})"
        sentences.append(
            f"In the cohort {cohort['cohort']} ({counted(cohort['cases'], 'case')}, {cohort['events']} with the "
            f"outcome) the AUC was {decimals(cohort['auc'])}{interval}."
        )
        if interval:
            sentences += _judged(f"The interval in {cohort['cohort']}", cohort["auc_low"], cohort["auc_high"])
    return sentences


def reference_sentence(reference: Mapping[str, Any]) -> str:
    """The cohort that gave means and standard deviations to a model of published coefficients."""
    lost = f" ({reference['excluded']} more could not be measured)" if reference["excluded"] else ""
    return (
        "The coefficients are published ones. The means and standard deviations, which set the zero of the score and "
        f"the meaning of the cut-off, are those of a reference cohort: {reference['description']}, "
        f"{counted(reference['cases'], 'case')}{lost}."
    )


def _judged(interval: str, low: float, high: float) -> list[str]:
    if low <= 0.5 <= high:
        return [
            f"{interval} includes 0.5: these cases do not show that the score discriminates between the outcomes "
            "better than chance."
        ]
    if high < 0.5:
        return [f"{interval} lies below 0.5: the score does worse than chance and must not be used."]
    return []
