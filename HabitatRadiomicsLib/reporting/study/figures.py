"""The figures of a study document, by the names under which files and report know them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.reporting.document.figure_numbers import CurvePoint, Explanation, HabitatMeans, Waterfall
from HabitatRadiomicsLib.reporting.document.study import ExternalStudy, TrainingStudy
from HabitatRadiomicsLib.reporting.figures.cohort_scores import beeswarm_figure, shap_bar_figure, waterfall_figure
from HabitatRadiomicsLib.reporting.figures.curves import decision_curve_figure
from HabitatRadiomicsLib.reporting.figures.drawing import write_figure
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure
from HabitatRadiomicsLib.reporting.figures.habitat_figures import HabitatValues, habitat_boxplots, habitat_count_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import clustered_heatmap, correlation_heatmap
from HabitatRadiomicsLib.reporting.figures.selection_figures import selection_frequency_figure
from HabitatRadiomicsLib.reporting.figures.study_flow_figure import study_flow_figure
from HabitatRadiomicsLib.reporting.figures.validation_figures import (
    learning_curve_figure,
    optimism_figure,
    permutation_figure,
)
from HabitatRadiomicsLib.reporting.study.curves import calibration, lasso_deviance, lasso_path, precision_recall, roc
from HabitatRadiomicsLib.reporting.study.learning_figures import (
    corrected_calibration_of,
    input_correlation_of,
    nomogram,
    odds_ratios_of,
    scouts_of,
    search_of,
)
from HabitatRadiomicsLib.validation.nested import NOMOGRAM

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)

#: A figure's name, and what draws it; a figure that cannot be drawn of these data gives None.
_Drawings = Mapping[str, Callable[[], "Figure | None"]]


@dataclass(frozen=True)
class StudyFigures:
    """The figures of a study.

    Attributes:
        pictures: PNG by name.
        not_drawn: why a figure that belongs to the study is not there, by name.
    """

    pictures: Mapping[str, bytes]
    not_drawn: Mapping[str, str]


def write_figures(folder: Path, study: TrainingStudy | ExternalStudy, progress: Progress = silent) -> StudyFigures:
    """Every figure of a study as PNG and SVG in a folder."""
    known = {row.figure: row.problem for row in study.figures_not_drawn}
    return _written(folder, _drawings(study), known, progress)


def _written(folder: Path, drawings: _Drawings, known: Mapping[str, str], progress: Progress = silent) -> StudyFigures:
    """Draw what can be drawn.

    Args:
        known: reasons why a figure has no numbers.
    """
    pictures: dict[str, bytes] = {}
    not_drawn: dict[str, str] = {}
    for index, (name, draw) in enumerate(drawings.items()):
        progress(index / len(drawings), f"figure {name}")
        if name in known:
            not_drawn[name] = known[name]
            continue
        try:
            figure = draw()
        except HabitatRadiomicsError as error:  # too few cases or features for it; the report is whole without it
            not_drawn[name] = f"{error.where}: {error.problem}" if error.where else error.problem
            continue
        if figure is not None:
            pictures[name] = write_figure(figure, folder, name)[0]
    for name, reason in not_drawn.items():
        _log.info("no figure %s: %s", name, reason)
    return StudyFigures(pictures, not_drawn)


def _drawings(study: TrainingStudy | ExternalStudy) -> _Drawings:
    """What draws each figure, in the order of the files."""
    numbers, event = study.figures, study.endpoint.name
    document = study.document()
    common: _Drawings = {
        "flow": partial(_flow, document, event),
        "roc": partial(roc, numbers.roc),
        "precision-recall": partial(precision_recall, numbers.precision_recall),
        "calibration": partial(calibration, numbers.calibration),
        "decision-curve": partial(_decision, document),
    }
    explained = _explanation(numbers.explanation, event)
    waterfall = partial(_waterfall, numbers.waterfall, event)
    axes = partial(nomogram, numbers.nomogram, study.endpoint.positive)
    if isinstance(study, ExternalStudy):
        compared = {"comparison": partial(_model_and_others, document), "nomogram": axes, "waterfall": waterfall}
        return {**common, **compared, **explained}
    return {
        **common,
        "comparison": partial(_comparison, document),
        "waterfall": waterfall,
        **explained,
        "search": partial(search_of, document),
        "scouts": partial(scouts_of, document),
        "input-correlation": partial(input_correlation_of, document),
        "nomogram": axes,
        "odds-ratios": partial(odds_ratios_of, document),
        "corrected-calibration": partial(corrected_calibration_of, document, numbers.nomogram_risks),
        "selection-frequency": partial(_frequencies, document),
        "lasso-path": partial(lasso_path, numbers.lasso),
        "lasso-deviance": partial(lasso_deviance, numbers.lasso),
        "habitat-count": partial(_habitat_counts, document),
        "habitat-boxplots": partial(_habitat_means, numbers.habitats, document),
        "permutation": partial(_permutation, numbers.permuted, document),
        "optimism": partial(_optimism, numbers.optimism, document),
        "learning-curve": partial(_curve, numbers.learning_curve),
    }


def _explanation(numbers: Explanation, event: str) -> _Drawings:
    inputs, features, unit = numbers.inputs, numbers.features, numbers.unit
    shap_values, values, standardised, outcome = (
        np.array(rows) for rows in (numbers.shap, numbers.values, numbers.standardised, numbers.outcome)
    )
    several = len(features) > 1
    return {
        "shap-bar": lambda: shap_bar_figure(shap_values, inputs, unit=unit),
        "beeswarm": lambda: beeswarm_figure(shap_values, values, inputs, unit=unit),
        "correlation": lambda: correlation_heatmap(np.corrcoef(standardised.T), features) if several else None,
        "clusters": lambda: clustered_heatmap(standardised, outcome, features, event=event) if several else None,
    }


def _waterfall(numbers: Waterfall | None, event: str) -> Figure | None:
    if numbers is None:
        return None
    return waterfall_figure(np.array(numbers.scores), np.array(numbers.outcome), cut_off=numbers.cut_off, event=event)


def _flow(study: Mapping[str, Any], event: str) -> Figure:
    flow = study["flow"]
    excluded: dict[str, int] = {}
    for row in flow["excluded"]:
        excluded[row["reason"]] = excluded.get(row["reason"], 0) + row["cases"]
    others = flow["analysed"] - flow["events"]
    return study_flow_figure(flow["cases"], excluded, events=flow["events"], non_events=others, event=event)


def _decision(study: Mapping[str, Any]) -> Figure | None:
    curve = study.get("decision_curve")
    if not curve:
        return None
    known = ("thresholds", "model", "treat_all")
    others = {name: values for name, values in curve.items() if name not in known}
    first = study["validation"]["candidates"][0]["kind"]
    name = first if first in ("nomogram", "rad-score") else "score"
    return decision_curve_figure(curve["thresholds"], {name: curve["model"], **others}, curve["treat_all"])


def _comparison(study: Mapping[str, Any]) -> Figure:
    titles = {
        "nomogram": "chosen in each fold", "strategy": "chosen in each fold", "rad-score alone": "chosen in each fold",
        "rad-score": "one sequence, one region", "search": "one sequence, one region", "fused": "fused",
        "volume": "without texture", "clinical": "without texture",
    }  # fmt: skip
    groups: dict[str, dict[str, tuple[float, float, float]]] = {title: {} for title in titles.values()}
    for row in study["validation"]["candidates"]:
        groups[titles[row["kind"]]][row["name"]] = (row["auc"], row["auc_low"], row["auc_high"])
    filled = {title: rows for title, rows in groups.items() if rows}
    nomogram = NOMOGRAM if any(row["kind"] == "nomogram" for row in study["validation"]["candidates"]) else None
    return comparison_figure(filled, chosen=nomogram or study["validation"]["chosen"]["name"])


def _model_and_others(study: Mapping[str, Any]) -> Figure | None:
    """The frozen model and the scores that it is compared with."""
    model, *others = study["validation"]["candidates"]
    if not others:
        return None
    areas = {row["name"]: (row["auc"], row["auc_low"], row["auc_high"]) for row in (model, *others)}
    groups = {"frozen model": [model["name"]], "compared with": [row["name"] for row in others]}
    return comparison_figure(
        {title: {name: areas[name] for name in names} for title, names in groups.items()}, chosen=model["name"]
    )


def _frequencies(study: Mapping[str, Any]) -> Figure | None:
    rows = study["selection_frequency"]
    if not rows:
        return None
    return selection_frequency_figure(
        [row["feature"] for row in rows],
        in_model=[row["in_model"] for row in rows],
        folds=[row["folds"] for row in rows],
        bootstraps=[row["bootstraps"] for row in rows],
    )


def _habitat_counts(study: Mapping[str, Any]) -> Figure | None:
    if not study["habitats"]:
        return None
    return habitat_count_figure(
        {
            name: {
                "k": [row["k"] for row in choice["candidates"]],
                "calinski_harabasz": [row["calinski_harabasz"] for row in choice["candidates"]],
                "silhouette": [row["silhouette"] for row in choice["candidates"]],
                "rejected": [row["k"] for row in choice["candidates"] if row["rejected"]],
                "chosen": choice["chosen"],
            }
            for name, choice in study["habitats"].items()
        }
    )


def _habitat_means(means: Mapping[str, HabitatMeans], study: Mapping[str, Any]) -> Figure | None:
    """Entropy and intensity of the habitats of each sequence, of the cases that have them all."""
    if not means:
        return None
    tests: dict[tuple[str, str], list[float]] = {}
    for row in study["habitat_tests"]:
        tests.setdefault((row["sequence"], row["quantity"]), []).append(row["p"])
    sequences: dict[str, HabitatValues] = {
        name: {
            "entropy": np.array(one.entropy),
            "intensity": np.array(one.intensity),
            "entropy_p": tests[name, "entropy"],
            "intensity_p": tests[name, "intensity"],
        }
        for name, one in means.items()
    }
    return habitat_boxplots(sequences, intensity_unit="prepared image")


def _optimism(differences: Sequence[float], study: Mapping[str, Any]) -> Figure | None:
    return optimism_figure(differences, apparent=study["optimism"]["apparent"]) if differences else None


def _permutation(permuted: Sequence[float], study: Mapping[str, Any]) -> Figure | None:
    found = study["permutation"]
    return None if found is None else permutation_figure(permuted, observed=found["observed"], p=found["p"])


def _curve(points: Sequence[CurvePoint]) -> Figure | None:
    if not points:
        return None
    seen, new = (
        [np.array([measure(row) for row in values]) for measure in (np.mean, np.min, np.max)]
        for values in ([point.training for point in points], [point.held_out for point in points])
    )
    cases = [point.cases for point in points]
    return learning_curve_figure(
        cases, (seen[0], seen[1], seen[2]), (new[0], new[1], new[2]), spread="range over repeats"
    )
