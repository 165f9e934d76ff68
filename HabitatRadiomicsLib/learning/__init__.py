"""From a feature table and outcomes to a rad-score.

In: a table and outcomes; out: fitted scores, by folds, selection, LASSO, classifiers or a nomogram. Imports
``model``, ``statistics`` and the rooms before them.
"""

from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.lasso import LassoPath, lasso_path
from HabitatRadiomicsLib.learning.radscore import calibrate

__all__ = [
    "LassoPath",
    "calibrate",
    "lasso_path",
    "stratified_folds",
]
