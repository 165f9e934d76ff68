"""The figures of a study and of a patient, each drawn from plain numbers or from a part of the study document.

A function refuses numbers from which no honest figure can be drawn (none, missing, infinite, out of their range, in the
wrong order, or of lengths that do not fit) with an ``EvaluationError``; see ``checks``.
"""
