"""From a feature table and outcomes to a rad-score.

In: a table and outcomes; out: fitted scores, by folds, selection, LASSO, classifiers or a nomogram. Imports ``model``,
``statistics`` and the rooms before them.

In all functions, ``values`` has shape (cases, columns), of the training cases only unless stated otherwise;
``outcome`` is 0 or 1 of each case, shape (cases,); ``groups`` names the patient of each case, and cases of a patient
stay together in every split.
"""
