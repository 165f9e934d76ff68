"""From a feature table and outcomes to a rad-score."""

from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.learning.clinical import ClinicalModel, fit_clinical
from HabitatRadiomicsLib.learning.folds import Split, stratified_folds
from HabitatRadiomicsLib.learning.lasso import LassoPath, lasso_logistic, lasso_path
from HabitatRadiomicsLib.learning.penalty import CrossValidatedPath, cross_validated_path
from HabitatRadiomicsLib.learning.radscore import (
    PlattScaling,
    RadScore,
    calibrate,
    coefficient_covariance,
    fit_rad_score,
)
from HabitatRadiomicsLib.learning.selection import Selection, select_features, selection_steps, univariate_p
from HabitatRadiomicsLib.learning.strategy import Learned, TrainingTable, fit_candidate, held_out_scores, learn

__all__ = [
    "Candidate",
    "ClinicalModel",
    "CrossValidatedPath",
    "LassoPath",
    "Learned",
    "PlattScaling",
    "RadScore",
    "Selection",
    "Split",
    "TrainingTable",
    "calibrate",
    "candidates_of",
    "coefficient_covariance",
    "cross_validated_path",
    "fit_candidate",
    "fit_clinical",
    "fit_rad_score",
    "held_out_scores",
    "lasso_logistic",
    "lasso_path",
    "learn",
    "select_features",
    "selection_steps",
    "stratified_folds",
    "univariate_p",
]
