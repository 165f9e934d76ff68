"""A patient's score from the lesions'."""

from __future__ import annotations

from itertools import permutations

import pytest

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.scoring.cohort import AGGREGATIONS, Aggregation, PatientScore, aggregate

SCORES = {"A-1": 0.5, "B": -1.0, "A-2": 2.0, "A-3": -4.0}
PATIENTS = {"A-1": "A", "A-2": "A", "A-3": "A"}
VOLUMES = {"A-1": 3.0, "B": 9.0, "A-2": 1.0, "A-3": 7.5}


@pytest.mark.parametrize(
    ("how", "score", "lesion"), [("maximum", 2.0, "A-2"), ("mean", -0.5, None), ("largest", -4.0, "A-3")]
)
def test_the_three_ways(how: Aggregation, score: float, lesion: str | None) -> None:
    first, second = aggregate(SCORES, PATIENTS, how, volumes=VOLUMES)
    assert first == PatientScore("A", score, ("A-1", "A-2", "A-3"), lesion)
    assert second == PatientScore("B", -1.0, ("B",), "B")  # of one lesion, each way is its score


@pytest.mark.parametrize("how", AGGREGATIONS)
def test_the_order_of_the_cases_decides_nothing_but_the_order(how: Aggregation) -> None:
    expected = {row.patient: row.score for row in aggregate(SCORES, PATIENTS, how, volumes=VOLUMES)}
    for order in permutations(SCORES):
        found = aggregate({case_id: SCORES[case_id] for case_id in order}, PATIENTS, how, volumes=VOLUMES)
        assert {row.patient: row.score for row in found} == expected


def test_of_equal_lesions_the_first_counts() -> None:
    scores = {"A-1": 1.0, "A-2": 1.0}
    assert aggregate(scores, PATIENTS, "maximum")[0].lesion == "A-1"
    assert aggregate({"A-1": 1.0, "A-2": 3.0}, PATIENTS, "largest", volumes={"A-1": 2, "A-2": 2})[0].score == 1.0


def test_largest_needs_volumes() -> None:
    with pytest.raises(EvaluationError, match="the volumes of A-3 are not known"):
        aggregate(SCORES, PATIENTS, "largest", volumes={"A-1": 1, "B": 1, "A-2": 1})
    with pytest.raises(EvaluationError, match="the volumes of A-1, B, A-2, A-3"):
        aggregate(SCORES, PATIENTS, "largest")


def test_no_scores_are_no_patients() -> None:
    assert aggregate({}, PATIENTS, "mean") == ()
