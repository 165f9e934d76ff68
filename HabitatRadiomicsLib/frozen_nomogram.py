"""A nomogram as a part of a model file, with how well its risks fit the cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.evaluation import hosmer_lemeshow_test
from HabitatRadiomicsLib.evaluation.calibration import CalibrationTest
from HabitatRadiomicsLib.evaluation.corrected_calibration import CorrectedCalibration, corrected_calibration
from HabitatRadiomicsLib.learning.nomogram import Nomogram
from HabitatRadiomicsLib.learning.nomogram_score import NomogramScore
from HabitatRadiomicsLib.model.nomogram_from_fit import nomogram_part
from HabitatRadiomicsLib.model.nomogram_part import NomogramPart


def frozen_nomogram(
    score: NomogramScore,
    covariates: Sequence[Mapping[str, str]],
    outcome: np.ndarray,
    *,
    bootstraps: int,
    seed: int,
    clinical: Nomogram | None = None,
) -> NomogramPart:
    """What a model file says of a nomogram.

    Args:
        covariates, outcome: of the training cases, in the order of ``score.inner``.
        bootstraps: for the corrected calibration; 0: none.
        clinical: the model of clinical factors alone, of the same cases.
    """
    return nomogram_part(
        score.nomogram,
        calibration=_calibration(score, covariates, outcome, bootstraps, seed),
        hosmer_lemeshow=_hosmer_lemeshow(score.nomogram.probability(score.inner, covariates), outcome),
        clinical=clinical,
    )


def _calibration(
    score: NomogramScore, covariates: Sequence[Mapping[str, str]], outcome: np.ndarray, bootstraps: int, seed: int
) -> CorrectedCalibration | None:
    """None where it was not asked for, or cannot be had of these cases."""
    if not bootstraps:
        return None
    columns = score.nomogram.columns(score.inner, covariates)
    try:
        return corrected_calibration(columns, outcome, bootstraps=bootstraps, seed=seed)
    except EvaluationError:
        return None


def _hosmer_lemeshow(probability: np.ndarray, outcome: np.ndarray) -> CalibrationTest | None:
    """None where the cases are too few, or too alike, for its groups."""
    try:
        return hosmer_lemeshow_test(outcome, probability)
    except EvaluationError:
        return None
