"""How good scores are, with intervals."""

from HabitatRadiomicsLib.evaluation.roc import (
    AreaUnderCurve,
    auc_with_interval,
    sensitivity_and_specificity,
    with_interval,
    youden_cut_off,
)

__all__ = [
    "AreaUnderCurve",
    "auc_with_interval",
    "sensitivity_and_specificity",
    "with_interval",
    "youden_cut_off",
]
