"""Tumour habitats, radiomic features, rad-scores and their explanation.

The rooms of the library, each importing only rooms above it, are listed in
``Testing/unit/test_house.py``, which also holds them to that order.
"""

__version__ = "0.2.0"

#: Shown wherever a score is shown.
RESEARCH_USE_ONLY = "Research use only. Not a medical device; not for diagnosis or treatment decisions."

#: What stands behind a model, by the kind of its evidence.
EVIDENCE_IN_WORDS = {
    "trained-on-patients": "trained on patients",
    "published-coefficients": "published coefficients",
    "synthetic-demonstration": "synthetic demonstration, no patient behind it",
}
