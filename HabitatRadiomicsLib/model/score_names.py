"""Names of the scores of a study in tables, figures and reports."""

from __future__ import annotations

#: The model under study: in each fold the candidate that performs best in the training cases.
STRATEGY = "chosen score"
VOLUME = "volume alone"
CLINICAL = "clinical variables alone"
#: With a nomogram: its rad-score, chosen in each fold, without clinical factors.
RAD_SCORE_ALONE = "rad-score alone"
#: The row of a nomogram.
NOMOGRAM = "nomogram"
