"""The figures of a model-training study, each drawn from plain numbers."""

from HabitatRadiomicsLib.reporting.figures.beeswarm_figure import beeswarm_figure
from HabitatRadiomicsLib.reporting.figures.calibration_figure import CalibrationGroups, calibration_figure
from HabitatRadiomicsLib.reporting.figures.clustered_heatmap import clustered_heatmap
from HabitatRadiomicsLib.reporting.figures.comparison_figure import comparison_figure
from HabitatRadiomicsLib.reporting.figures.corrected_calibration_figure import corrected_calibration_figure
from HabitatRadiomicsLib.reporting.figures.correlation_heatmap import correlation_heatmap
from HabitatRadiomicsLib.reporting.figures.decision_curve_figure import decision_curve_figure
from HabitatRadiomicsLib.reporting.figures.habitat_boxplots import HabitatValues, habitat_boxplots
from HabitatRadiomicsLib.reporting.figures.habitat_count_figure import HabitatCounts, habitat_count_figure
from HabitatRadiomicsLib.reporting.figures.lasso_figures import lasso_deviance_figure, lasso_path_figure
from HabitatRadiomicsLib.reporting.figures.learning_curve_figure import learning_curve_figure
from HabitatRadiomicsLib.reporting.figures.odds_ratio_figure import odds_ratio_figure
from HabitatRadiomicsLib.reporting.figures.permutation_figure import optimism_figure, permutation_figure
from HabitatRadiomicsLib.reporting.figures.precision_recall_figure import PrecisionRecallLine, precision_recall_figure
from HabitatRadiomicsLib.reporting.figures.roc_figure import RocLine, roc_figure
from HabitatRadiomicsLib.reporting.figures.scout_figure import scout_figure
from HabitatRadiomicsLib.reporting.figures.search_heatmap import search_heatmap
from HabitatRadiomicsLib.reporting.figures.selection_frequency_figure import selection_frequency_figure
from HabitatRadiomicsLib.reporting.figures.shap_bar_figure import shap_bar_figure
from HabitatRadiomicsLib.reporting.figures.study_flow_figure import study_flow_figure
from HabitatRadiomicsLib.reporting.figures.waterfall_figure import waterfall_figure

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
