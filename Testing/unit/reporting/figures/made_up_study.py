"""The figures of a study that never was: numbers by a generator, names as real ones, no case of anyone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.stats import rankdata

from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK, HabitatCount
from HabitatRadiomicsLib.reporting.document.figure_numbers import Lasso
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
    scout_figure,
    selection_frequency_figure,
    shap_bar_figure,
)
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure, odds_ratio_figure
from HabitatRadiomicsLib.reporting.figures.heatmaps import clustered_heatmap, correlation_heatmap, search_heatmap
from HabitatRadiomicsLib.reporting.figures.performance_figures import (
    CalibrationGroups,
    PrecisionRecallLine,
    RocLine,
    calibration_figure,
    corrected_calibration_figure,
    decision_curve_figure,
    learning_curve_figure,
    optimism_figure,
    permutation_figure,
    precision_recall_figure,
    roc_figure,
)

NAMES = (
    "T2FS_S2_wavelet-LLH_glcm_MCC", "T2FS_S2_log-sigma-3-0-mm-3D_glszm_SmallAreaHighGrayLevelEmphasis",
    "T1W_S1_original_firstorder_Entropy", "T1W_ring_wavelet-HHH_gldm_LargeDependenceLowGrayLevelEmphasis",
    "T2FS_whole_original_shape_Sphericity", "T1W_S2_squareroot_glrlm_ShortRunEmphasis",
    "T2FS_S1_lbp-2D_firstorder_90Percentile", "age (years)",
)  # fmt: skip
MANY_NAMES = tuple(f"T1W_S{1 + i % 2}_wavelet-{'LH'[i % 2]}LH_glcm_Autocorrelation{i}" for i in range(40))
CASES = 42


def outcome_and_scores(shift: float = 1.3, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    outcome = (np.arange(CASES) % 3 == 0).astype(int)
    return outcome, np.round(random.normal(size=CASES) + shift * outcome, 2)


def roc_line(shift: float, seed: int) -> RocLine:
    outcome, scores = outcome_and_scores(shift, seed)
    cut_offs = np.append(np.inf, np.unique(scores)[::-1])
    calls = scores >= cut_offs[:, None]
    positives = outcome.sum()
    area = (rankdata(scores)[outcome == 1].sum() - positives * (positives + 1) / 2) / positives / (CASES - positives)
    return {
        "specificity": 1 - calls[:, outcome == 0].mean(axis=1),
        "sensitivity": calls[:, outcome == 1].mean(axis=1),
        "auc": (area, max(0.0, area - 0.12), min(1.0, area + 0.12)),
    }


def roc() -> Any:
    lines = {
        "fused, S1 + S2": roc_line(1.8, 1),
        "T2FS, whole lesion": roc_line(0.9, 2),
        "clinical": roc_line(0.4, 3),
        "volume alone, which has a very long name that nobody could fit into one line": roc_line(0.1, 4),
    }
    at = np.linspace(0, 1, 101)
    first = lines["fused, S1 + S2"]
    middle = np.interp(1 - at, 1 - np.asarray(first["specificity"]), np.asarray(first["sensitivity"]))
    band = (at, np.clip(middle - 0.13, 0, 1), np.clip(middle + 0.1, 0, 1))
    return roc_figure(lines, band=band, operating_point=(1 - 1 / 28, 12 / 14))


def precision_recall_line(shift: float, seed: int) -> PrecisionRecallLine:
    outcome, scores = outcome_and_scores(shift, seed)
    calls = scores >= np.unique(scores)[::-1, None]
    precision, recall = (calls * outcome).sum(axis=1) / calls.sum(axis=1), calls[:, outcome == 1].mean(axis=1)
    average = float((precision * np.diff(recall, prepend=0)).sum())
    return {"recall": recall, "precision": precision, "average_precision": average}


def precision_recall() -> Any:
    lines = {"fused": precision_recall_line(1.8, 1), "T2FS, whole lesion": precision_recall_line(0.8, 2)}
    return precision_recall_figure(lines, prevalence=1 / 3)


def calibration() -> Any:
    outcome, scores = outcome_and_scores()
    risks = 1 / (1 + np.exp(-scores))
    groups: CalibrationGroups = {
        "predicted": [0.2, 0.42, 0.63, 0.88],
        "observed": [0.1, 0.3, 0.36, 0.7],
        "low": [0.02, 0.11, 0.15, 0.4],
        "high": [0.4, 0.6, 0.65, 0.89],
        "cases": [10, 10, 11, 11],
    }
    x = np.linspace(0.1, 0.95, 30)
    return calibration_figure(
        risks, outcome, groups, curve=(x, x**1.4), slope=(0.81, 0.4, 1.22), intercept=(-0.6, -1.3, 0.1), brier=0.187
    )


def decision_curve() -> Any:
    outcome, scores = outcome_and_scores(2.0)
    at = np.arange(1, 100) / 100
    odds = at / (1 - at)
    models = {}
    for name, risks in (("fused", 1 / (1 + np.exp(1 - scores))), ("clinical", np.full(CASES, 0.33))):
        acted = risks >= at[:, None]
        models[name] = ((acted * outcome).sum(axis=1) - odds * (acted * (1 - outcome)).sum(axis=1)) / CASES
    return decision_curve_figure(at, models, 1 / 3 - 2 / 3 * odds)


def lasso_path_numbers(features: int) -> tuple[np.ndarray, np.ndarray]:
    penalties = 0.3 * np.exp(-np.linspace(0, 4, 60))
    random = np.random.default_rng(5)
    start = random.uniform(0, 0.3, features) * (np.arange(features) < 14)
    slope = random.normal(size=features)
    return penalties, np.maximum(0, start[None, :] - penalties[:, None]) * slope[None, :] * 8


def lasso_of(
    penalties: Any, coefficients: Any, names: Any, *, minimum: float, one_standard_error: float, **deviance: Any
) -> Lasso:
    """Without a deviance, that of no error at all."""
    measured = {"deviance": np.ones(len(penalties)), "deviance_se": np.zeros(len(penalties)), **deviance}
    return Lasso(
        names=tuple(names), penalties=np.array(penalties), coefficients=np.array(coefficients, dtype=float),
        validated_penalties=np.array(penalties), minimum=minimum, one_standard_error=one_standard_error,
        **{key: np.array(values) for key, values in measured.items()},
    )  # fmt: skip


def lasso_path(features: int = 40) -> Any:
    penalties, coefficients = lasso_path_numbers(features)
    names = (NAMES + MANY_NAMES)[:features]
    return lasso_path_figure(lasso_of(penalties, coefficients, names, minimum=0.031, one_standard_error=0.09))


def lasso_deviance() -> Any:
    penalties, coefficients = lasso_path_numbers(40)
    x = np.log(penalties)
    deviance = 1.05 + 0.06 * (x + 3.5) ** 2 * np.where(x < -3.5, 1.5, 1)
    lasso = lasso_of(
        penalties, coefficients, MANY_NAMES, minimum=float(np.exp(-3.5)), one_standard_error=0.09, deviance=deviance,
        deviance_se=0.05 + 0.02 * np.abs(x + 3),
    )  # fmt: skip
    return lasso_deviance_figure(lasso)


def habitat_count() -> Any:
    return habitat_count_figure(
        {
            "T1W": habitat_choice([512.2, 480.0, 455.1, 460.7, 470.2], [0.47, 0.41, 0.36, 0.33, 0.31], (4, 5, 6), 2),
            "T2FS": habitat_choice([612.2, 680.0, 655.1, 660.7, 640.2], [0.42, 0.45, 0.36, 0.35, 0.31], (6,), 3),
        }
    )


def habitat_choice(ratios: list[float], silhouettes: list[float], rejected: tuple[int, ...], chosen: int) -> ChoiceOfK:
    counts = [
        HabitatCount(k=k, calinski_harabasz=ratio, silhouette=mean, rejected="nearly empty" if k in rejected else None)
        for k, (ratio, mean) in enumerate(zip(ratios, silhouettes), start=2)
    ]
    return ChoiceOfK(chosen=chosen, rule="the smallest sum of ranks", candidates=tuple(counts))


def habitat_values(habitats: int, seed: int) -> HabitatValues:
    random = np.random.default_rng(seed)
    steps = np.arange(habitats)
    return {
        "entropy": 3 + 0.8 * steps + 0.3 * random.normal(size=(CASES, 1)) + 0.2 * random.normal(size=(CASES, habitats)),
        "intensity": 0.4 * steps + random.normal(size=(CASES, 1)) + 0.5 * random.normal(size=(CASES, habitats)),
        "entropy_p": [2e-9] * (habitats - 1),
        "intensity_p": [0.013] * (habitats - 1),
    }


def boxplots() -> Any:
    return habitat_boxplots({"T1W": habitat_values(2, 1), "T2FS": habitat_values(3, 2)})


def waterfall() -> Any:
    outcome, scores = outcome_and_scores(2.0)
    return waterfall_figure(scores, outcome, cut_off=0.91, event="lung metastases")


def shap_numbers(features: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(8)
    values = random.normal(size=(CASES, features))
    return values * random.normal(size=features) * np.exp(-np.arange(features) / 8), values


def shap_bars() -> Any:
    return shap_bar_figure(shap_numbers(8)[0], NAMES)


def shap_bars_of_many() -> Any:
    return shap_bar_figure(shap_numbers(40)[0], MANY_NAMES)


def beeswarm() -> Any:
    return beeswarm_figure(*shap_numbers(8), NAMES)


def beeswarm_of_many() -> Any:
    return beeswarm_figure(*shap_numbers(40), MANY_NAMES)


def table(features: int) -> np.ndarray:
    random = np.random.default_rng(9)
    outcome, _ = outcome_and_scores()
    loadings = random.normal(size=(3, features))
    values = random.normal(size=(CASES, 3)) @ loadings + random.normal(size=(CASES, features)) + outcome[:, None]
    return (values - values.mean(axis=0)) / values.std(axis=0)


def correlations(features: int = 8) -> Any:
    names = NAMES if features == len(NAMES) else MANY_NAMES[:features]
    return correlation_heatmap(np.corrcoef(table(features).T), names)


def clustered(features: int = 8) -> Any:
    names = NAMES if features == len(NAMES) else MANY_NAMES[:features]
    return clustered_heatmap(table(features), outcome_and_scores()[0], names, event="lung metastases")


def selection_frequency() -> Any:
    return selection_frequency_figure(
        NAMES, in_model=[True, True, True, False, False, True, False, False],
        folds=[1, 0.9, 0.8, 0.5, 0.4, 0.7, 0.1, 0.0], bootstraps=[0.93, 0.85, 0.61, 0.42, 0.33, 0.58, 0.12, 0.02],
    )  # fmt: skip


def comparison() -> Any:
    return comparison_figure(
        {
            "one sequence, one region": {
                "T1W, whole": (0.55, 0.36, 0.74), "T1W, S1": (0.52, 0.33, 0.71), "T1W, S2": (0.61, 0.42, 0.79),
                "T2FS, whole": (0.68, 0.5, 0.85), "T2FS, S1": (0.6, 0.42, 0.78), "T2FS, S2": (0.73, 0.56, 0.9),
                "T2FS, ring": (0.49, 0.3, 0.68),
            },
            "fused": {"T1W + T2FS, S1 + S2": (0.77, 0.61, 0.93)},
            "for comparison": {"volume alone": (0.58, 0.4, 0.77), "clinical alone": (0.62, 0.43, 0.81)},
        },
        chosen="T1W + T2FS, S1 + S2",
    )  # fmt: skip


def learning_curve() -> Any:
    cases = np.array([15, 20, 25, 30, 35, 40])
    training, unseen = 1.0 - 0.002 * (cases - 15), 0.72 - 2.2 / cases
    return learning_curve_figure(
        cases, (training, training - 0.04, np.minimum(1, training + 0.02)), (unseen, unseen - 0.15, unseen + 0.13)
    )


def permutation() -> Any:
    return permutation_figure(np.random.default_rng(3).normal(0.5, 0.08, 1000), observed=0.71, p=0.006)


def optimism() -> Any:
    return optimism_figure(np.random.default_rng(4).normal(0.09, 0.05, 500), apparent=0.86)


def corrected_calibration() -> Any:
    predicted = np.linspace(0.05, 0.9, 50)
    apparent = predicted + 0.05 * np.sin(6 * predicted)
    corrected = 0.5 + 0.8 * (apparent - 0.5)
    risks = np.random.default_rng(6).beta(2, 2, 80)
    return corrected_calibration_figure(
        predicted, apparent, corrected, risks=risks, samples=1000, mean_absolute_error=0.043, hosmer_lemeshow_p=0.41
    )


def odds_ratios() -> Any:
    return odds_ratio_figure(
        {
            "all factors that entered": {
                "rad-score": ((6.2, 2.5, 15.1), 1e-5), "age (years)": ((1.05, 1.01, 1.1), 0.02),
                "visceral metastases: yes": ((2.9, 0.8, 9.9), 0.09),
                "carcinoembryonic antigen before the first line of treatment (ng/ml)": ((0.99, 0.97, 1.02), 0.6),
            },
            "final model": {"rad-score": ((6.9, 2.8, 22340.0), 1e-5), "age (years)": ((1.05, 1.01, 1.1), 0.02)},
        }
    )  # fmt: skip


def search() -> Any:
    selectors = ("anova", "kruskal-wallis", "mutual-information", "tree-importance", "lasso", "relief", "rfe")
    classifiers = ("svm", "knn", "random-forest", "naive-bayes", "logistic-regression", "mlp", "lda")
    generator = np.random.default_rng(8)
    ways = [(selector, classifier) for selector in selectors for classifier in classifiers]
    areas = {way: (float(generator.uniform(0.4, 0.9)), 3 * int(generator.integers(1, 5))) for way in ways}
    return search_heatmap(areas, chosen=("relief", "lda"))


def scouts() -> Any:
    return scout_figure(
        {
            "original": (0.81, 0.09, "kruskal-wallis + logistic-regression"),
            "log-sigma-1-5-mm-3D": (0.97, 0.2, "mutual-information + random-forest"),
            "wavelet-LLH": (0.55, 0.1, "rfe + svm"),
        },
        minimum=0.6,
    )


def flow() -> Any:
    excluded = {
        "no outcome recorded": 6,
        "image or mask cannot be read, or they do not lie on the same grid": 3,
        "lesion smaller than 100 voxels": 4,
    }
    return study_flow_figure(55, excluded, events=14, non_events=28, event="lung metastases")


FIGURES: dict[str, Callable[[], Any]] = {
    "roc": roc,
    "precision_recall": precision_recall,
    "calibration": calibration,
    "decision_curve": decision_curve,
    "lasso_path": lasso_path,
    "lasso_deviance": lasso_deviance,
    "habitat_count": habitat_count,
    "habitat_boxplots": boxplots,
    "waterfall": waterfall,
    "shap_bars": shap_bars,
    "shap_bars_of_many": shap_bars_of_many,
    "beeswarm": beeswarm,
    "beeswarm_of_many": beeswarm_of_many,
    "correlations": correlations,
    "correlations_of_many": lambda: correlations(40),
    "clustered": clustered,
    "clustered_of_many": lambda: clustered(40),
    "selection_frequency": selection_frequency,
    "comparison": comparison,
    "learning_curve": learning_curve,
    "permutation": permutation,
    "optimism": optimism,
    "corrected_calibration": corrected_calibration,
    "odds_ratios": odds_ratios,
    "search": search,
    "scouts": scouts,
    "flow": flow,
}
