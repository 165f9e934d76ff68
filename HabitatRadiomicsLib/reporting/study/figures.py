"""The figures of a training or an external validation, by the names under which files and report know them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.prediction import classifier_inputs
from HabitatRadiomicsLib.model.score_names import CLINICAL, NOMOGRAM, RAD_SCORE_ALONE, STRATEGY, VOLUME
from HabitatRadiomicsLib.reporting.document.study import shown_name
from HabitatRadiomicsLib.reporting.figures import (
    beeswarm_figure,
    clustered_heatmap,
    comparison_figure,
    correlation_heatmap,
    decision_curve_figure,
    habitat_count_figure,
    learning_curve_figure,
    optimism_figure,
    permutation_figure,
    selection_frequency_figure,
    shap_bar_figure,
    study_flow_figure,
    waterfall_figure,
)
from HabitatRadiomicsLib.reporting.figures.writing import write_figure
from HabitatRadiomicsLib.reporting.study.curves import calibration, precision_recall, roc
from HabitatRadiomicsLib.reporting.study.learning_figures import learning_drawings, nomogram_of
from HabitatRadiomicsLib.reporting.study.paths import habitat_boxplots_of, lasso_deviance_of, lasso_path_of
from HabitatRadiomicsLib.scoring.explanation.contributions import explained_names, shap_of
from HabitatRadiomicsLib.statistics import mean_auc
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.external import ExternalValidation

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


def write_training_figures(folder: Path, training: Training, study: Mapping[str, Any]) -> StudyFigures:
    """Every figure as PNG and SVG in a folder.

    Args:
        study: the training's document.
    """
    return _written(folder, _of_training(training, study))


def write_external_figures(folder: Path, found: ExternalValidation, study: Mapping[str, Any]) -> StudyFigures:
    """The same for an external validation."""
    return _written(folder, _of_external(found, study))


def _written(folder: Path, drawings: _Drawings) -> StudyFigures:
    pictures, not_drawn = {}, {}
    for name, draw in drawings.items():
        try:
            figure = draw()
        except HabitatRadiomicsError as error:  # too few cases or features for it; the report is whole without it
            _log.info("no figure %s: %s", name, error)
            not_drawn[name] = f"{error.where}: {error.problem}" if error.where else error.problem
            continue
        if figure is not None:
            pictures[name] = write_figure(figure, folder, name)[0]
    return StudyFigures(pictures, not_drawn)


def _of_training(training: Training, study: Mapping[str, Any]) -> _Drawings:
    model, outcome, validation = training.model, training.table.outcome, training.validation
    patients = training.table.patients
    event = model.endpoint.name
    held_out = validation.held_out[STRATEGY]
    # Beside a nomogram stands the rad-score that each fold made it of, else the score that was chosen in the end.
    beside = RAD_SCORE_ALONE if RAD_SCORE_ALONE in validation.held_out else study["validation"]["chosen"]["name"]
    shown = [name for name in (STRATEGY, beside, VOLUME, CLINICAL) if name in validation.held_out]
    scores = {shown_name(training, name): validation.held_out[name].scores for name in shown}
    middle = _middle_repeat(outcome, held_out.scores)
    return {
        "flow": partial(_flow, study, event),
        "roc": partial(roc, outcome, scores, study, model.protocol.seed, patients),
        "precision-recall": partial(precision_recall, outcome, scores, middle),
        "calibration": partial(calibration, outcome, validation.probabilities[middle]),
        "decision-curve": partial(_decision, study),
        "comparison": partial(_comparison, study),
        "waterfall": lambda: waterfall_figure(
            held_out.scores[middle] - held_out.cut_offs[middle], outcome, cut_off=0.0, event=event
        ),
        **_of_model(model, np.array(model.background), None, event, _model_outcome(training)),
        **learning_drawings(training, study),
        "selection-frequency": partial(_frequencies, study),
        "lasso-path": partial(lasso_path_of, training),
        "lasso-deviance": partial(lasso_deviance_of, training),
        "habitat-count": partial(_habitat_counts, study),
        "habitat-boxplots": partial(habitat_boxplots_of, training),
        "permutation": partial(_permutation, training),
        "optimism": partial(_optimism, training),
        "learning-curve": partial(_curve, training),
    }


def _of_external(found: ExternalValidation, study: Mapping[str, Any]) -> _Drawings:
    model, outcome, patients = found.model, found.outcome, found.patients
    event = model.endpoint.name
    scores = {name: row[None, :] for name, row in ((found.name, found.scores), *found.compared.items())}
    probability = found.probability
    return {
        "flow": partial(_flow, study, event),
        "roc": partial(roc, outcome, scores, study, model.protocol.seed, patients),
        "precision-recall": partial(precision_recall, outcome, scores, 0),
        "calibration": lambda: None if probability is None else calibration(outcome, probability),
        "decision-curve": partial(_decision, study),
        "comparison": partial(_model_and_others, study),
        "nomogram": partial(nomogram_of, model),
        "waterfall": lambda: waterfall_figure(found.scores, outcome, cut_off=model.cutoff.value, event=event),
        **_of_model(model, found.values, found.contributions, event, outcome),
    }


def _of_model(
    model: Model, values: np.ndarray, contributions: np.ndarray | None, event: str, outcome: np.ndarray
) -> _Drawings:
    names = [feature.name for feature in model.features]
    inputs = list(explained_names(model))
    standardised = model.standardised(values)
    shown = values if model.classifier is None else classifier_inputs(model, values)
    shap_values = shap_of(model, values)[1] if contributions is None else contributions
    unit = "log odds of the nomogram" if model.nomogram else "score" if model.classifier else "rad-score"
    return {
        "shap-bar": lambda: shap_bar_figure(shap_values, inputs, unit=unit),
        "beeswarm": lambda: beeswarm_figure(shap_values, shown, inputs, unit=unit),
        "correlation": lambda: correlation_heatmap(np.corrcoef(standardised.T), names) if len(names) > 1 else None,
        "clusters": lambda: clustered_heatmap(standardised, outcome, names, event=event) if len(names) > 1 else None,
    }


def _model_outcome(training: Training) -> np.ndarray:
    """Outcomes of the cases under ``background``: those that have the regions of the score."""
    assert training.learned.chosen is not None
    prepared = training.prepared
    return training.table.outcome[training.learned.chosen.measured(prepared.columns, prepared.values)]


def _middle_repeat(outcome: np.ndarray, scores: np.ndarray) -> int:
    """The repeat whose AUC is nearest to the mean: what is drawn of one repeat is neither the best nor the worst."""
    areas = np.array([mean_auc(outcome, row).auc for row in scores])
    return int(np.argmin(np.abs(areas - areas.mean())))


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


def _optimism(training: Training) -> Figure | None:
    found = training.stability.bootstrap
    if found is None or not found.differences:
        return None
    return optimism_figure(found.differences, apparent=found.apparent)


def _permutation(training: Training) -> Figure | None:
    found = training.stability.permutation
    return None if found is None else permutation_figure(found.permuted, observed=found.observed, p=found.p)


def _curve(training: Training) -> Figure | None:
    points = training.stability.curve
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
