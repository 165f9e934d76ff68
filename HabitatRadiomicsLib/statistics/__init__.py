"""How good scores and probabilities are, with intervals, and how many cases that takes.

In: outcomes and scores; out: measures with intervals. Knows nothing of images; imports ``system``, ``errors`` and, for
Table 1, ``cases.cohort.clinical_columns``.

In all functions, ``outcome`` is 0 or 1 of each case, shape (cases,); ``scores`` are higher where 1 is more likely, and
``probability`` lies between 0 and 1, both of the same shape. ``clusters`` names the patient of each case: where
patients have several cases, variances are Obuchowski's, proportions have the interval of `clustered_wilson`, and
bootstraps draw patients with all their cases. Intervals are 95% intervals. Input that does not fit together raises an
`EvaluationError`, see `checking`; docstrings name other reasons only.
"""

from HabitatRadiomicsLib.statistics.calibration import (
    brier_score,
    calibration_groups,
    hosmer_lemeshow_test,
    recalibration,
    smooth_calibration,
    spiegelhalter_test,
)
from HabitatRadiomicsLib.statistics.decision_curve import decision_curve
from HabitatRadiomicsLib.statistics.delong import compare_aucs
from HabitatRadiomicsLib.statistics.intervals import Estimate
from HabitatRadiomicsLib.statistics.performance import count_calls, mean_auc, performance_table_row
from HabitatRadiomicsLib.statistics.precision_recall import average_precision, precision_recall_curve
from HabitatRadiomicsLib.statistics.resampling import stratified_resample
from HabitatRadiomicsLib.statistics.roc import (
    AreaUnderCurve,
    auc_with_interval,
    roc_band,
    sensitivity_and_specificity,
    youden_cut_off,
)
from HabitatRadiomicsLib.statistics.sample_size import sample_size_lines

__all__ = [
    "AreaUnderCurve",
    "Estimate",
    "auc_with_interval",
    "average_precision",
    "brier_score",
    "calibration_groups",
    "compare_aucs",
    "count_calls",
    "decision_curve",
    "hosmer_lemeshow_test",
    "mean_auc",
    "performance_table_row",
    "precision_recall_curve",
    "recalibration",
    "roc_band",
    "sample_size_lines",
    "sensitivity_and_specificity",
    "smooth_calibration",
    "spiegelhalter_test",
    "stratified_resample",
    "youden_cut_off",
]
