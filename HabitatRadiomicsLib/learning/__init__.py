"""From a feature table and outcomes to a rad-score."""

from HabitatRadiomicsLib.learning.lasso import LassoPath, lasso_logistic, lasso_path
from HabitatRadiomicsLib.learning.radscore import RadScore, calibrate, coefficient_covariance, fit_rad_score
from HabitatRadiomicsLib.learning.selection import select_features

__all__ = [
    "LassoPath",
    "RadScore",
    "calibrate",
    "coefficient_covariance",
    "fit_rad_score",
    "lasso_logistic",
    "lasso_path",
    "select_features",
]
