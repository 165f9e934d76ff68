"""How good scores and probabilities are, with intervals, and how many cases that takes.

In: outcomes and scores; out: measures with intervals. Knows nothing of images; imports ``system`` and ``errors``.
"""

from HabitatRadiomicsLib.statistics.calibration import (
    BrierScore,
    CalibrationTest,
    Recalibration,
    brier_score,
    hosmer_lemeshow_test,
    recalibration,
    spiegelhalter_test,
)
from HabitatRadiomicsLib.statistics.calibration_curve import (
    CalibrationGroup,
    SmoothCalibration,
    calibration_groups,
    smooth_calibration,
)
from HabitatRadiomicsLib.statistics.classification import Classification, Counts, classify, count_calls
from HabitatRadiomicsLib.statistics.decision_curve import DecisionCurve, decision_curve
from HabitatRadiomicsLib.statistics.delong import (
    AucCovariance,
    AucDifference,
    Comparison,
    auc_covariance,
    compare_aucs,
    holm,
)
from HabitatRadiomicsLib.statistics.intervals import Estimate, wilson
from HabitatRadiomicsLib.statistics.overlap import overlap_factor
from HabitatRadiomicsLib.statistics.performance import mean_auc, performance_table_row
from HabitatRadiomicsLib.statistics.permutation import PermutationTest, permutation_test
from HabitatRadiomicsLib.statistics.precision_recall import (
    PrecisionRecallCurve,
    average_precision,
    average_precision_with_interval,
    precision_recall_curve,
)
from HabitatRadiomicsLib.statistics.resampling import Run, Task, stratified_resample
from HabitatRadiomicsLib.statistics.roc import (
    AreaUnderCurve,
    auc_with_interval,
    sensitivity_and_specificity,
    with_interval,
    youden_cut_off,
)
from HabitatRadiomicsLib.statistics.roc_band import RocBand, roc_band
from HabitatRadiomicsLib.statistics.sample_size import (
    MinimumSampleSize,
    affordable_parameters,
    largest_cox_snell,
    minimum_sample_size,
    sample_size_lines,
)

__all__ = [
    "AreaUnderCurve",
    "AucCovariance",
    "AucDifference",
    "BrierScore",
    "CalibrationGroup",
    "CalibrationTest",
    "Classification",
    "Comparison",
    "Counts",
    "DecisionCurve",
    "Estimate",
    "MinimumSampleSize",
    "PermutationTest",
    "PrecisionRecallCurve",
    "Recalibration",
    "RocBand",
    "Run",
    "SmoothCalibration",
    "Task",
    "affordable_parameters",
    "auc_covariance",
    "auc_with_interval",
    "average_precision",
    "average_precision_with_interval",
    "brier_score",
    "calibration_groups",
    "classify",
    "compare_aucs",
    "count_calls",
    "decision_curve",
    "holm",
    "hosmer_lemeshow_test",
    "largest_cox_snell",
    "mean_auc",
    "minimum_sample_size",
    "overlap_factor",
    "performance_table_row",
    "permutation_test",
    "precision_recall_curve",
    "recalibration",
    "roc_band",
    "sample_size_lines",
    "sensitivity_and_specificity",
    "smooth_calibration",
    "spiegelhalter_test",
    "stratified_resample",
    "wilson",
    "with_interval",
    "youden_cut_off",
]
