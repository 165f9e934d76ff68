"""From a feature table and outcomes to a rad-score.

In: a table and outcomes; out: fitted scores, by folds, selection, LASSO, classifiers or a nomogram. Imports
``model``, ``statistics`` and the rooms before them.
"""

from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.learning.classifiers import fit_classifier, make_classifier
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
from HabitatRadiomicsLib.learning.relief import relief_weights
from HabitatRadiomicsLib.learning.scouts import Scout, ScoutedScore, fit_scouts
from HabitatRadiomicsLib.learning.search import ClassifierScore, SearchedScore, SearchResult, fit_search
from HabitatRadiomicsLib.learning.selection import Selection, select_features, selection_steps, univariate_p
from HabitatRadiomicsLib.learning.selectors import rank_features
from HabitatRadiomicsLib.learning.strategy import Learned, TrainingTable, fit_candidate, held_out_scores, learn

__all__ = [
    "Candidate",
    "ClassifierScore",
    "CrossValidatedPath",
    "LassoPath",
    "Learned",
    "PlattScaling",
    "RadScore",
    "Scout",
    "ScoutedScore",
    "SearchResult",
    "SearchedScore",
    "Selection",
    "Split",
    "TrainingTable",
    "calibrate",
    "candidates_of",
    "coefficient_covariance",
    "cross_validated_path",
    "fit_candidate",
    "fit_classifier",
    "fit_rad_score",
    "fit_scouts",
    "fit_search",
    "held_out_scores",
    "lasso_logistic",
    "lasso_path",
    "learn",
    "make_classifier",
    "rank_features",
    "relief_weights",
    "select_features",
    "selection_steps",
    "stratified_folds",
    "univariate_p",
]
