"""The figures of a model-training study, each drawn from plain numbers."""

from HabitatRadiomicsLib.reporting.figures.calibration_figures import (
    CalibrationGroups,
    calibration_figure,
    corrected_calibration_figure,
)
from HabitatRadiomicsLib.reporting.figures.cohort_scores import beeswarm_figure, shap_bar_figure, waterfall_figure
from HabitatRadiomicsLib.reporting.figures.curves import (
    PrecisionRecallLine,
    RocLine,
    decision_curve_figure,
    precision_recall_figure,
    roc_figure,
)
from HabitatRadiomicsLib.reporting.figures.forest_plots import comparison_figure, odds_ratio_figure
from HabitatRadiomicsLib.reporting.figures.habitat_figures import (
    HabitatCounts,
    HabitatValues,
    habitat_boxplots,
    habitat_count_figure,
)
from HabitatRadiomicsLib.reporting.figures.heatmaps import clustered_heatmap, correlation_heatmap, search_heatmap
from HabitatRadiomicsLib.reporting.figures.selection_figures import (
    lasso_deviance_figure,
    lasso_path_figure,
    scout_figure,
    selection_frequency_figure,
)
from HabitatRadiomicsLib.reporting.figures.study_flow_figure import study_flow_figure
from HabitatRadiomicsLib.reporting.figures.validation_figures import (
    learning_curve_figure,
    optimism_figure,
    permutation_figure,
)

__all__ = [
    "CalibrationGroups",
    "HabitatCounts",
    "HabitatValues",
    "PrecisionRecallLine",
    "RocLine",
    "beeswarm_figure",
    "calibration_figure",
    "clustered_heatmap",
    "comparison_figure",
    "corrected_calibration_figure",
    "correlation_heatmap",
    "decision_curve_figure",
    "habitat_boxplots",
    "habitat_count_figure",
    "lasso_deviance_figure",
    "lasso_path_figure",
    "learning_curve_figure",
    "odds_ratio_figure",
    "optimism_figure",
    "permutation_figure",
    "precision_recall_figure",
    "roc_figure",
    "scout_figure",
    "search_heatmap",
    "selection_frequency_figure",
    "shap_bar_figure",
    "study_flow_figure",
    "waterfall_figure",
]
