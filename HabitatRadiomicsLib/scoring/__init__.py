"""Applies a frozen model to one patient or to a cohort.

In: a case and a model; out: a ``ScoreResult`` with contributions and warnings. Imports ``extraction``, ``model`` and
the rooms before them, never ``learning``.
"""
