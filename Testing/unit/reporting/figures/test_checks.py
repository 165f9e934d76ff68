"""Numbers from which no honest figure can be drawn are refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.reporting.document.figure_numbers import Lasso
from HabitatRadiomicsLib.reporting.figures.checks import (
    distinct_names,
    estimate,
    matrix,
    numbers,
    ordered,
    two_classes,
)
from HabitatRadiomicsLib.reporting.figures.cohort_figures import (
    HabitatValues,
    habitat_boxplots,
    habitat_count_figure,
    study_flow_figure,
    waterfall_figure,
)
from HabitatRadiomicsLib.reporting.figures.feature_figures import (
    beeswarm_figure,
    lasso_deviance_figure,
    lasso_path_figure,
    selection_frequency_figure,
    shap_bar_figure,
)
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import clustered_heatmap, correlation_heatmap
from HabitatRadiomicsLib.reporting.figures.performance_figures import (
    CalibrationGroups,
    RocLine,
    calibration_figure,
    decision_curve_figure,
    learning_curve_figure,
    optimism_figure,
    permutation_figure,
    precision_recall_figure,
    roc_figure,
)

from .made_up_study import habitat_choice, lasso_of

_NAN = float("nan")
_ROC: RocLine = {"specificity": [1, 1, 0], "sensitivity": [0, 1, 1], "auc": (1.0, 0.8, 1.0)}
_GROUPS: CalibrationGroups = {
    "predicted": [0.5], "observed": [0.5], "low": [0.2], "high": [0.8], "cases": [4],
}  # fmt: skip
_VALUES: HabitatValues = {
    "entropy": np.ones((3, 2)), "intensity": np.ones((3, 2)), "entropy_p": [0.5], "intensity_p": [0.5],
}  # fmt: skip
_RISKS = ([0.1, 0.9], np.array([0, 1]))
_SUMS: dict[str, Any] = {"slope": (1, 0, 2), "intercept": (0, -1, 1), "brier": 0.1}
_ONES = np.ones((2, 2))


def _lasso(**changes: Any) -> Lasso:
    whole = lasso_of([0.1, 0.2], _ONES, ["a", "b"], minimum=0.1, one_standard_error=0.1)
    return Lasso.model_validate(whole.model_dump() | changes)


_REFUSED: dict[str, Callable[[], Any]] = {
    "no ROC curve": lambda: roc_figure({}),
    "ROC, missing": lambda: roc_figure({"a": {**_ROC, "sensitivity": [0, _NAN, 1]}}),
    "ROC, up and down": lambda: roc_figure({"a": {**_ROC, "specificity": [1, 0.5, 0.7]}}),
    "ROC, of two lengths": lambda: roc_figure({"a": {**_ROC, "specificity": [1, 0]}}),
    "ROC, area": lambda: roc_figure({"a": {**_ROC, "auc": (0.9, 1.0, 0.8)}}),
    "ROC, band": lambda: roc_figure({"a": _ROC}, band=([1, 0], [0.5, 0.5], [0.4, 1])),
    "no precision-recall curve": lambda: precision_recall_figure({}, prevalence=0.3),
    "precision, missing": lambda: precision_recall_figure(
        {"a": {"recall": [0.5, 1], "precision": [_NAN, 1], "average_precision": 0.5}}, prevalence=0.3
    ),
    "recall, up and down": lambda: precision_recall_figure(
        {"a": {"recall": [0.5, 1, 0.7], "precision": [1, 1, 1], "average_precision": 0.5}}, prevalence=0.3
    ),
    "risks, missing": lambda: calibration_figure([0.1, _NAN], np.array([0, 1]), _GROUPS, **_SUMS),
    "risks, one class": lambda: calibration_figure([0.1, 0.2], np.array([1, 1]), _GROUPS, **_SUMS),
    "risks, above 1": lambda: calibration_figure([0.1, 1.2], np.array([0, 1]), _GROUPS, **_SUMS),
    "calibration, groups": lambda: calibration_figure(*_RISKS, {**_GROUPS, "low": [0.9]}, **_SUMS),
    "calibration, slope": lambda: calibration_figure(*_RISKS, _GROUPS, **{**_SUMS, "slope": (1, 2, _NAN)}),
    "calibration, Brier": lambda: calibration_figure(*_RISKS, _GROUPS, **{**_SUMS, "brier": _NAN}),
    "no decision curve": lambda: decision_curve_figure([0.1], {}, [0.3]),
    "decision, missing": lambda: decision_curve_figure([0.1, 0.2], {"a": [0.3, _NAN]}, [0.3, 0.2]),
    "decision, thresholds": lambda: decision_curve_figure([0.2, 0.1], {"a": [0.3, 0.2]}, [0.3, 0.2]),
    "LASSO, no penalty": lambda: lasso_path_figure(_lasso(penalties=(0.1, 0.0))),
    "LASSO, names": lambda: lasso_path_figure(_lasso(names=("a", "a"))),
    "LASSO, lambda": lambda: lasso_path_figure(_lasso(minimum=0.0)),
    "deviance, no penalty": lambda: lasso_deviance_figure(_lasso(validated_penalties=(0.1, -0.1))),
    "deviance, missing": lambda: lasso_deviance_figure(_lasso(deviance=(1.0,))),
    "deviance, errors": lambda: lasso_deviance_figure(_lasso(deviance_se=(0.0, -1.0))),
    "no habitats": lambda: habitat_count_figure({}),
    "habitats, chosen not tried": lambda: habitat_count_figure({"T1W": habitat_choice([10, 9], [0.5, 0.4], (), 5)}),
    "habitats, chosen rejected": lambda: habitat_count_figure({"T1W": habitat_choice([10, 9], [0.5, 0.4], (2,), 2)}),
    "no boxes": lambda: habitat_boxplots({}),
    "boxes, missing": lambda: habitat_boxplots({"T1W": {**_VALUES, "entropy": np.full((3, 2), _NAN)}}),
    "boxes, one habitat": lambda: habitat_boxplots({"T1W": {**_VALUES, "entropy": np.ones((3, 1))}}),
    "boxes, p": lambda: habitat_boxplots({"T1W": {**_VALUES, "entropy_p": [0.1, 0.1]}}),
    "waterfall, one class": lambda: waterfall_figure([1, 2], np.array([0, 0]), cut_off=1),
    "waterfall, missing": lambda: waterfall_figure([1, _NAN], np.array([0, 1]), cut_off=1),
    "waterfall, cut-off": lambda: waterfall_figure([1, 2], np.array([0, 1]), cut_off=_NAN),
    "SHAP, missing": lambda: shap_bar_figure(_ONES * _NAN, ["a", "b"]),
    "SHAP, names twice": lambda: shap_bar_figure(_ONES, ["a", "a"]),
    "SHAP, no case": lambda: shap_bar_figure(np.ones((0, 2)), ["a", "b"]),
    "bees, values": lambda: beeswarm_figure(_ONES, np.ones((3, 2)), ["a", "b"]),
    "bees, missing": lambda: beeswarm_figure(_ONES, _ONES * _NAN, ["a", "b"]),
    "correlations, shape": lambda: correlation_heatmap(np.ones((2, 3)), ["a", "b", "c"]),
    "correlations, range": lambda: correlation_heatmap(_ONES * 2, ["a", "b"]),
    "correlations, not symmetric": lambda: correlation_heatmap(np.array([[1, 0.5], [0.4, 1]]), ["a", "b"]),
    "correlations, missing": lambda: correlation_heatmap(_ONES * _NAN, ["a", "b"]),
    "clusters, one class": lambda: clustered_heatmap(_ONES, np.array([1, 1]), ["a", "b"]),
    "clusters, missing": lambda: clustered_heatmap(_ONES * _NAN, np.array([0, 1]), ["a", "b"]),
    "frequency, above 1": lambda: selection_frequency_figure(["a"], in_model=[True], folds=[2], bootstraps=[1]),
    "frequency, missing": lambda: selection_frequency_figure(["a"], in_model=[True], folds=[1], bootstraps=[_NAN]),
    "no candidate": lambda: comparison_figure({"empty": {}}),
    "candidate, missing": lambda: comparison_figure({"g": {"a": (_NAN, 0.1, 0.2)}}),
    "candidate, unknown": lambda: comparison_figure({"g": {"a": (0.15, 0.1, 0.2)}}, chosen="b"),
    "learning, order": lambda: learning_curve_figure([9, 8], (_H, _H, _H), (_H, _H, _H)),
    "learning, band": lambda: learning_curve_figure([8, 9], (_H, [0.9, 0.9], _H), (_H, _H, _H)),
    "learning, missing": lambda: learning_curve_figure([8, 9], ([0.5, _NAN], _H, _H), (_H, _H, _H)),
    "permutations, missing": lambda: permutation_figure([0.5, _NAN], observed=0.5, p=0.5),
    "permutations, p": lambda: permutation_figure([0.5], observed=0.5, p=1.5),
    "permutations, observed": lambda: permutation_figure([0.5], observed=_NAN, p=0.5),
    "optimism, missing": lambda: optimism_figure([0.1, _NAN], apparent=0.9),
    "flow, sum": lambda: study_flow_figure(10, {"a": 2}, events=3, non_events=4),
    "flow, negative": lambda: study_flow_figure(10, {"a": -2}, events=6, non_events=6),
}
_H = [0.5, 0.5]


@pytest.mark.parametrize("name", _REFUSED)
def test_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        _REFUSED[name]()
    assert caught.value.problem.rstrip().endswith(".")


def test_what_is_wrong_is_named() -> None:
    with pytest.raises(EvaluationError, match=r"my scores: 1 of 2 numbers are missing"):
        numbers([1, _NAN], "my scores")
    with pytest.raises(EvaluationError, match="needs 3 numbers; there are 2"):
        numbers([1, 2], "scores", length=3)
    with pytest.raises(EvaluationError, match="values that are not numbers"):
        numbers(["a"], "scores")  # type: ignore[list-item]
    with pytest.raises(EvaluationError, match="do not lie between 0 and 1"):
        numbers([0.5, 2], "scores", within=(0, 1))
    with pytest.raises(EvaluationError, match="All 2 cases have the same outcome"):
        two_classes([1, 1], length=2)
    with pytest.raises(EvaluationError, match="must be 0 or 1"):
        two_classes([1, 2], length=2)
    with pytest.raises(EvaluationError, match="are repeated: a"):
        distinct_names(["a", "b", "a"], length=3)
    with pytest.raises(EvaluationError, match="shape"):
        matrix([1.0, 2.0], "table")  # type: ignore[list-item]


def test_what_is_right_passes_unchanged() -> None:
    assert numbers([1, 2], "scores", length=2).tolist() == [1.0, 2.0]
    assert matrix([[1, 2]], "table", rows=1, columns=2).shape == (1, 2)
    assert two_classes([0, 1, 1], length=3).tolist() == [False, True, True]
    # A bootstrap's percentiles may lie beside the value.
    assert estimate((0.9, 0.5, 0.8), "AUC") == (0.9, 0.5, 0.8)
    ordered(np.array([0.0]), np.array([0.0]), "band")
