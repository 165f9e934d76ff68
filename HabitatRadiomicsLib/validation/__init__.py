"""Performance on cases not used in training: of the training procedure by nested cross-validation, of a frozen model
on new patients.

In: a measured cohort and a protocol, or a cohort and a model; out: held-out scores, stability, external evaluations.
Imports ``learning``, ``scoring`` and the rooms before them.
"""
