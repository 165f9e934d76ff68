"""From a cohort to a frozen model.

In: a cohort with outcomes and a protocol; out: a model and all that its report needs. Imports ``validation`` and the
rooms before it.
"""
