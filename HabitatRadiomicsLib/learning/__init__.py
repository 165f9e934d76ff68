"""From a feature table and outcomes to a rad-score."""

from HabitatRadiomicsLib.learning.lasso import LassoPath, lasso_logistic, lasso_path
from HabitatRadiomicsLib.learning.radscore import (
    PlattScaling,
    RadScore,
    calibrate,
    coefficient_covariance,
    fit_rad_score,
    stratified_folds,
)
from HabitatRadiomicsLib.learning.selection import select_features

__all__ = [
    "LassoPath",
    "PlattScaling",
    "RadScore",
    "calibrate",
    "coefficient_covariance",
    "fit_rad_score",
    "lasso_logistic",
    "lasso_path",
    "select_features",
    "stratified_folds",
]
