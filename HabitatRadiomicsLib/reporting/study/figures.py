"""The figures of a study document, by the names that files and report use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError, HabitatRadiomicsError
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.reporting.document import figure_numbers as numbers_of
from HabitatRadiomicsLib.reporting.document import sections
from HabitatRadiomicsLib.reporting.document.study import ExternalStudy, Flow, TrainingStudy
from HabitatRadiomicsLib.reporting.figures.cohort_figures import (
    HabitatValues,
    habitat_boxplots,
    habitat_count_figure,
    study_flow_figure,
    waterfall_figure,
)
from HabitatRadiomicsLib.reporting.figures.drawing import write_figure
from HabitatRadiomicsLib.reporting.figures.feature_figures import (
    beeswarm_figure,
    lasso_deviance_figure,
    lasso_path_figure,
    scout_figure,
    selection_frequency_figure,
    shap_bar_figure,
)
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure, odds_ratio_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import clustered_heatmap, correlation_heatmap, search_heatmap
from HabitatRadiomicsLib.reporting.figures.nomogram_figure import nomogram_figure
from HabitatRadiomicsLib.reporting.figures.performance_figures import (
    calibration_figure,
    corrected_calibration_figure,
    decision_curve_figure,
    learning_curve_figure,
    optimism_figure,
    permutation_figure,
    precision_recall_figure,
    roc_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from HabitatRadiomicsLib.reporting.figures.checks import Triple
    from HabitatRadiomicsLib.reporting.figures.performance_figures import (
        CalibrationGroups,
        PrecisionRecallLine,
        RocLine,
    )

_log = logging.getLogger(__name__)

#: What draws each figure, by name; the study has no such figure if that gives None.
_Drawings = Mapping[str, Callable[[], "Figure | None"]]

#: Headings of the kinds of scores in the figure that compares them.
_HEADINGS = {
    "nomogram": "chosen in each fold", "strategy": "chosen in each fold", "rad-score alone": "chosen in each fold",
    "rad-score": "one sequence, one region", "search": "one sequence, one region", "fused": "fused",
    "volume": "without texture", "clinical": "without texture",
}  # fmt: skip


@dataclass(frozen=True)
class StudyFigures:
    """The figures of a study.

    Attributes:
        pictures: PNG by name.
        not_drawn: by name, the reason why a figure that belongs to the study is missing.
    """

    pictures: Mapping[str, bytes]
    not_drawn: Mapping[str, str]


def write_figures(folder: Path, study: TrainingStudy | ExternalStudy, progress: Progress = silent) -> StudyFigures:
    """Write every figure of a study as PNG and SVG to a folder."""
    known = {row.figure: row.problem for row in study.figures_not_drawn}
    return _written(folder, _drawings(study), known, progress)


def _written(folder: Path, drawings: _Drawings, known: Mapping[str, str], progress: Progress = silent) -> StudyFigures:
    """Draw the figures that can be drawn.

    Args:
        known: the reasons why figures have no numbers.
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
        except HabitatRadiomicsError as error:  # too few cases or features for it; the report is complete without it
            not_drawn[name] = f"{error.where}: {error.problem}" if error.where else error.problem
            continue
        if figure is not None:
            pictures[name] = write_figure(figure, folder, name)[0]
    for name, reason in not_drawn.items():
        _log.info("no figure %s: %s", name, reason)
    return StudyFigures(pictures, not_drawn)


def _drawings(study: TrainingStudy | ExternalStudy) -> _Drawings:
    """The figures in the order of the files; those whose numbers are null or empty have no drawing."""
    numbers, event, candidates = study.figures, study.endpoint.name, study.validation.candidates
    common: _Drawings = {
        "flow": partial(_flow, study.flow, event),
        "roc": _of(numbers.roc, _roc),
        "precision-recall": _of(numbers.precision_recall, _precision_recall),
        "calibration": _of(numbers.calibration, _calibration),
        "decision-curve": _of(study.decision_curve, partial(_decision_curve, kind=candidates[0].kind)),
    }
    explained = _explanation(numbers.explanation, event)
    waterfall = _of(
        numbers.waterfall,
        lambda bars: waterfall_figure(np.array(bars.scores), np.array(bars.outcome), cut_off=bars.cut_off, event=event),
    )
    nomogram = _of(
        numbers.nomogram,
        lambda part: nomogram_figure(part.scale(), outcome=study.endpoint.positive, names=part.axis_names),
    )
    if isinstance(study, ExternalStudy):
        comparison = partial(_model_and_others, study.validation.candidates)
        return {**common, "comparison": comparison, "nomogram": nomogram, "waterfall": waterfall, **explained}
    return {
        **common,
        "comparison": partial(_comparison, study.validation),
        "waterfall": waterfall,
        **explained,
        "search": _of(study.search, search_of),
        "scouts": _of(study.scouts, scouts_of),
        "input-correlation": _of(study.fusion, input_correlation_of),
        "nomogram": nomogram,
        "odds-ratios": _of(study.nomogram, odds_ratios_of),
        "corrected-calibration": _of(study.nomogram, partial(_corrected_calibration, risks=numbers.nomogram_risks)),
        "selection-frequency": _of(study.selection_frequency, _frequencies),
        "lasso-path": _of(numbers.lasso, lasso_path_figure),
        "lasso-deviance": _of(numbers.lasso, lasso_deviance_figure),
        "habitat-count": _of(study.habitats, habitat_count_figure),
        "habitat-boxplots": _of(numbers.habitats, partial(_habitat_means, tests=study.habitat_tests)),
        "permutation": _of(
            study.permutation, lambda test: permutation_figure(numbers.permuted, observed=test.observed, p=test.p)
        ),
        "optimism": _of(
            numbers.optimism and study.optimism,
            lambda optimism: optimism_figure(numbers.optimism, apparent=optimism.apparent),
        ),
        "learning-curve": _of(numbers.learning_curve, _learning_curve),
    }


def _of(numbers: Any, draw: Callable[[Any], Figure | None]) -> Callable[[], Figure | None]:
    return partial(draw, numbers) if numbers else lambda: None


def _flow(flow: Flow, event: str) -> Figure:
    excluded: dict[str, int] = {}
    for row in flow.excluded:
        excluded[row.reason] = excluded.get(row.reason, 0) + row.cases
    return study_flow_figure(
        flow.cases, excluded, events=flow.events, non_events=flow.analysed - flow.events, event=event
    )


def _roc(numbers: numbers_of.Roc) -> Figure:
    band, point = numbers.band, cast("tuple[float, float]", numbers.operating_point)
    curves = {name: cast("RocLine", curve.model_dump()) for name, curve in numbers.curves.items()}
    return roc_figure(curves, band=(band.specificity, band.low, band.high), operating_point=point)


def _precision_recall(numbers: numbers_of.PrecisionRecall) -> Figure:
    curves = {name: cast("PrecisionRecallLine", curve.model_dump()) for name, curve in numbers.curves.items()}
    return precision_recall_figure(curves, prevalence=numbers.prevalence)


def _calibration(numbers: numbers_of.CalibrationPoints) -> Figure:
    curve = numbers.curve
    return calibration_figure(
        numbers.probability, np.array(numbers.outcome), cast("CalibrationGroups", numbers.groups.model_dump()),
        curve=None if curve is None else (curve.predicted, curve.observed),
        slope=cast("Triple", numbers.slope), intercept=cast("Triple", numbers.intercept), brier=numbers.brier,
    )  # fmt: skip


def _decision_curve(curve: Mapping[str, Sequence[float]], kind: str) -> Figure:
    name = kind if kind in ("nomogram", "rad-score") else "score"
    others = {other: row for other, row in curve.items() if other not in ("thresholds", "model", "treat_all")}
    return decision_curve_figure(curve["thresholds"], {name: curve["model"], **others}, curve["treat_all"])


def _explanation(numbers: numbers_of.Explanation, event: str) -> _Drawings:
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


def _area(row: sections.Measures) -> Triple:
    return cast("Triple", (row.auc, row.auc_low, row.auc_high))


def _comparison(performance: sections.NestedPerformance) -> Figure:
    groups: dict[str, dict[str, Triple]] = {heading: {} for heading in _HEADINGS.values()}
    for row in performance.candidates:
        groups[_HEADINGS[row.kind]][row.name] = _area(row)
    nomogram = next((row.name for row in performance.candidates if row.kind == "nomogram"), None)
    filled = {heading: rows for heading, rows in groups.items() if rows}
    return comparison_figure(filled, chosen=nomogram or performance.chosen.name)


def _model_and_others(candidates: Sequence[sections.FrozenRow]) -> Figure | None:
    """The frozen model and the scores that it is compared with."""
    model, *others = candidates
    if not others:
        return None
    groups = {"frozen model": [model], "compared with": others}
    return comparison_figure(
        {heading: {row.name: _area(row) for row in rows} for heading, rows in groups.items()},
        chosen=model.name,
    )


def search_of(search: sections.Search) -> Figure:
    """Selectors and classifiers of the chosen candidate, each combination with its best number of features."""
    rows = [row for row in search.rows if row.candidate == search.candidate]
    best: dict[tuple[str, str], tuple[float, int]] = {}
    for row in rows:
        combination = (row.selector, row.classifier)
        if combination not in best or row.auc > best[combination][0]:
            best[combination] = (row.auc, row.features)
    chosen = next(((row.selector, row.classifier) for row in rows if row.chosen == "yes"), None)
    return search_heatmap(best, chosen=chosen)


def scouts_of(scouts: sections.Scouts) -> Figure:
    """The scout models of the chosen candidate."""
    rows = [row for row in scouts.rows if row.candidate == scouts.candidate]
    bars = {row.image: (row.auc, row.sd, f"{row.selector} + {row.classifier}") for row in rows}
    return scout_figure(bars, minimum=scouts.minimum_auc)


def input_correlation_of(fusion: sections.Fusion) -> Figure | None:
    """The correlations of the inputs of a fused score."""
    if len(fusion.inputs) < 2 or not fusion.correlation:
        return None
    values = np.array(fusion.correlation, dtype=float)
    if not np.isfinite(values).all():
        raise EvaluationError("An input does not vary over the training cases.", where="input-correlation")
    return correlation_heatmap(values, fusion.inputs, coefficient="Spearman")


def odds_ratios_of(part: sections.Nomogram) -> Figure | None:
    """The model with all factors that entered, and the nomogram if it differs."""
    if not part.odds_ratios:
        return None
    groups: dict[str, dict[str, tuple[Triple, float]]] = {}
    for row in part.odds_ratios:
        if row.odds_ratio_low is None or row.odds_ratio_high is None:
            raise EvaluationError("An odds ratio has no finite interval.", where=row.what)
        triple = (row.odds_ratio, row.odds_ratio_low, row.odds_ratio_high)
        groups.setdefault(row.model, {})[row.what] = (triple, row.p)
    first, last = groups["all factors that entered"], groups["nomogram"]
    return odds_ratio_figure({"nomogram": last} if set(first) == set(last) else groups)


def _corrected_calibration(part: sections.Nomogram, risks: Sequence[float]) -> Figure | None:
    curve, test = part.calibration, part.hosmer_lemeshow
    if curve is None:
        return None
    return corrected_calibration_figure(
        curve.predicted, curve.apparent, curve.corrected, risks=risks, samples=curve.samples,
        mean_absolute_error=curve.mean_absolute_error, hosmer_lemeshow_p=test.p if test else None,
    )  # fmt: skip


def _frequencies(rows: Sequence[sections.FrequencyRow]) -> Figure:
    return selection_frequency_figure(
        [row.feature for row in rows],
        in_model=[row.in_model for row in rows],
        folds=[row.folds for row in rows],
        bootstraps=[row.bootstraps for row in rows],
    )


def _habitat_means(means: Mapping[str, numbers_of.HabitatMeans], tests: Sequence[sections.HabitatTest]) -> Figure:
    """Entropy and intensity of the habitats of each sequence, of the cases that have all of them."""
    p_values: dict[tuple[str, str], list[float]] = {}
    for row in tests:
        p_values.setdefault((row.sequence, row.quantity), []).append(row.p)
    sequences: dict[str, HabitatValues] = {
        name: {
            "entropy": np.array(one.entropy),
            "intensity": np.array(one.intensity),
            "entropy_p": p_values[name, "entropy"],
            "intensity_p": p_values[name, "intensity"],
        }
        for name, one in means.items()
    }
    return habitat_boxplots(sequences)


def _learning_curve(points: Sequence[numbers_of.CurvePoint]) -> Figure:
    seen, new = (
        [np.array([measure(row) for row in values]) for measure in (np.mean, np.min, np.max)]
        for values in ([point.training for point in points], [point.held_out for point in points])
    )
    cases = [point.cases for point in points]
    return learning_curve_figure(cases, (seen[0], seen[1], seen[2]), (new[0], new[1], new[2]))
