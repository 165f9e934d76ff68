"""The figures of search, scouts, fusion and nomogram, from the study document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.model.nomogram import NomogramPart
from HabitatRadiomicsLib.reporting.figures.curves import corrected_calibration_figure
from HabitatRadiomicsLib.reporting.figures.forest_plots import odds_ratio_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import correlation_heatmap, search_heatmap
from HabitatRadiomicsLib.reporting.figures.nomogram_figure import nomogram_figure
from HabitatRadiomicsLib.reporting.figures.selection_figures import scout_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def search_of(study: Mapping[str, Any]) -> Figure | None:
    """Selectors and classifiers of the chosen candidate, each combination with its best number of features."""
    found = study.get("search")
    if not found:
        return None
    rows = [row for row in found["rows"] if row["candidate"] == found["candidate"]]
    best: dict[tuple[str, str], tuple[float, int]] = {}
    for row in rows:
        way = (row["selector"], row["classifier"])
        if way not in best or row["auc"] > best[way][0]:
            best[way] = (row["auc"], row["features"])
    chosen = next(((row["selector"], row["classifier"]) for row in rows if row["chosen"] == "yes"), None)
    return search_heatmap(best, chosen=chosen)


def scouts_of(study: Mapping[str, Any]) -> Figure | None:
    """The scouts of the chosen candidate."""
    found = study.get("scouts")
    if not found:
        return None
    rows = [row for row in found["rows"] if row["candidate"] == found["candidate"]]
    scouts = {row["image"]: (row["auc"], row["sd"], f"{row['selector']} + {row['classifier']}") for row in rows}
    return scout_figure(scouts, minimum=found["minimum_auc"])


def input_correlation_of(study: Mapping[str, Any]) -> Figure | None:
    """How much the inputs of a fused score say the same."""
    found = study.get("fusion") or {}
    names = found.get("inputs") or []
    if len(names) < 2 or not found["correlation"]:
        return None
    values = np.array(found["correlation"], dtype=float)
    if not np.isfinite(values).all():
        raise EvaluationError("An input does not vary over the training cases.", where="input-correlation")
    return correlation_heatmap(values, names, coefficient="Spearman")


def odds_ratios_of(study: Mapping[str, Any]) -> Figure | None:
    """The model with all factors that entered, and the nomogram where it differs."""
    rows = (study.get("nomogram") or {}).get("odds_ratios")
    if not rows:
        return None
    groups: dict[str, dict[str, tuple[tuple[float, float, float], float]]] = {}
    for row in rows:
        if row["odds_ratio_low"] is None or row["odds_ratio_high"] is None:
            raise EvaluationError("An odds ratio has no finite interval.", where=row["what"])
        triple = (row["odds_ratio"], row["odds_ratio_low"], row["odds_ratio_high"])
        groups.setdefault(row["model"], {})[row["what"]] = (triple, row["p"])
    first, last = groups["all factors that entered"], groups["nomogram"]
    return odds_ratio_figure({"nomogram": last} if set(first) == set(last) else groups)


def nomogram(part: NomogramPart | None, outcome: str) -> Figure | None:
    """The nomogram as the model file has it; ``outcome`` is what its risk is one of."""
    return None if part is None else nomogram_figure(part.scale(), outcome=outcome, names=part.axis_names)


def corrected_calibration_of(study: Mapping[str, Any], risks: Sequence[float]) -> Figure | None:
    """The nomogram's calibration on its training cases, apparent and corrected."""
    part = study.get("nomogram") or {}
    curve, test = part.get("calibration"), part.get("hosmer_lemeshow")
    if not curve:
        return None
    return corrected_calibration_figure(
        curve["predicted"],
        curve["apparent"],
        curve["corrected"],
        risks=risks,
        samples=curve["samples"],
        mean_absolute_error=curve["mean_absolute_error"],
        hosmer_lemeshow_p=test["p"] if test else None,
    )
