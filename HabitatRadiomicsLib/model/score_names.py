"""What the scores of a study are called, in tables, figures and reports."""

from __future__ import annotations

#: The model that is built: in each fold the candidate that the training cases prefer.
STRATEGY = "chosen score"
VOLUME = "volume alone"
CLINICAL = "clinical variables alone"
#: Where a nomogram is asked for: the score that it was made of, chosen in each fold, without clinical factors.
RAD_SCORE_ALONE = "rad-score alone"
#: What a nomogram's row is called.
NOMOGRAM = "nomogram"
