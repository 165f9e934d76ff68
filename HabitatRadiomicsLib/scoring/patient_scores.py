"""One score for a patient of several lesions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from HabitatRadiomicsLib.errors import EvaluationError

#: The highest score of the lesions, their mean, or the score of the largest lesion.
Aggregation = Literal["maximum", "mean", "largest"]
AGGREGATIONS: tuple[Aggregation, ...] = get_args(Aggregation)


@dataclass(frozen=True)
class PatientScore:
    """The score of a patient, from those of the lesions.

    Attributes:
        lesions: the cases that were scored, in the cohort's order.
        lesion: the case whose score was taken; None for the mean of several.
    """

    patient: str
    score: float
    lesions: tuple[str, ...]
    lesion: str | None


def aggregate(
    scores: Mapping[str, float],
    patients: Mapping[str, str],
    how: Aggregation,
    *,
    volumes: Mapping[str, float] | None = None,
) -> tuple[PatientScore, ...]:
    """A score for each patient, in the order in which they first come.

    Args:
        scores: by case.
        patients: the patient of each case; a case that is not listed is a patient of its own.
        how: the rule; among equal cases the first counts.
        volumes: by case, of any unit; needed for ``largest``.

    Raises:
        EvaluationError: the volume of a case is needed and missing.
    """
    cases: dict[str, list[str]] = defaultdict(list)
    for case_id in scores:
        cases[patients.get(case_id, case_id)].append(case_id)
    if how == "largest":
        missing = [case_id for case_id in scores if volumes is None or case_id not in volumes]
        if missing:
            raise EvaluationError(
                f"The volumes of {', '.join(missing)} are not known, so that the largest lesion cannot be told."
            )
    return tuple(_of_patient(patient, own, scores, how, volumes or {}) for patient, own in cases.items())


def _of_patient(
    patient: str, cases: list[str], scores: Mapping[str, float], how: Aggregation, volumes: Mapping[str, float]
) -> PatientScore:
    if how == "mean":
        score = sum(scores[case_id] for case_id in cases) / len(cases)
        return PatientScore(patient, score, tuple(cases), cases[0] if len(cases) == 1 else None)
    lesion = max(cases, key=(scores if how == "maximum" else volumes).__getitem__)
    return PatientScore(patient, scores[lesion], tuple(cases), lesion)
