"""Computes the numbers of figures from a training or an external validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from typing import Any, TypeVar

import numpy as np

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.learning.lasso import lasso_path
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.nomogram import EVIDENCE, NomogramPart
from HabitatRadiomicsLib.model.prediction import classifier_inputs
from HabitatRadiomicsLib.reporting.document import figure_numbers as numbers_of
from HabitatRadiomicsLib.reporting.document.learning import chosen_name, shown_name
from HabitatRadiomicsLib.reporting.document.sections import Measures
from HabitatRadiomicsLib.reporting.document.study import MissingFigure
from HabitatRadiomicsLib.scoring.explanation import explained_names, shap_of
from HabitatRadiomicsLib.statistics import (
    average_precision,
    brier_score,
    calibration_groups,
    mean_auc,
    precision_recall_curve,
    recalibration,
    roc_band,
    smooth_calibration,
)
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.external import ExternalValidation
from HabitatRadiomicsLib.validation.nested import CLINICAL, RAD_SCORE_ALONE, STRATEGY, VOLUME

#: Bootstrap samples of the band that is drawn, and of the others, of which only the middle is needed.
_DRAWN, _MIDDLE = 2000, 2
#: With fewer cases, a smooth calibration curve shows chance as shape.
_ENOUGH_TO_SMOOTH = 100

_Numbers = TypeVar("_Numbers")


class _Attempts:
    """Computes numbers that some cohorts do not allow, and keeps the reason where they do not."""

    def __init__(self) -> None:
        self.missing: list[MissingFigure] = []

    def __call__(self, compute: Callable[[], _Numbers], *figures: str) -> _Numbers | None:
        try:
            return compute()
        except HabitatRadiomicsError as error:
            text = f"{error.where}: {error.problem}" if error.where else error.problem
            self.missing += [MissingFigure(figure=name, problem=text) for name in figures]
            return None


def training_figures(training: Training, candidates: Sequence[Measures]) -> dict[str, Any]:
    """The parts ``figures`` and ``figures_not_drawn`` of a training.

    Args:
        candidates: the rows of the performance table.
    """
    model, outcome, validation = training.model, training.table.outcome, training.validation
    held_out, probabilities = validation.held_out[STRATEGY], validation.probabilities[STRATEGY]
    # A nomogram is shown with the rad-score that each fold made it of, any other score with the one chosen in the end.
    beside = RAD_SCORE_ALONE if RAD_SCORE_ALONE in validation.held_out else chosen_name(training)
    shown = [name for name in (STRATEGY, beside, VOLUME, CLINICAL) if name in validation.held_out]
    scores = {shown_name(training, name): validation.held_out[name].scores for name in shown}
    middle = _middle_repeat(outcome, held_out.scores)
    folds, stability = training.protocol.learning.folds, training.stability
    attempt = _Attempts()
    figures = numbers_of.FigureNumbers(
        roc=attempt(
            lambda: _roc(outcome, scores, candidates, model.protocol.seed, training.table.patients, folds), "roc"
        ),
        precision_recall=attempt(lambda: _precision_recall(outcome, scores, middle), "precision-recall"),
        calibration=attempt(lambda: _calibration(outcome, probabilities[middle]), "calibration"),
        waterfall=numbers_of.Waterfall(
            scores=held_out.scores[middle] - held_out.cut_offs[middle], outcome=outcome, cut_off=0.0
        ),
        explanation=_explanation(model, np.array(model.background), None, _model_outcome(training)),
        nomogram=_drawn_part(model),
        nomogram_risks=_nomogram_risks(training),
        lasso=attempt(lambda: _lasso(training), "lasso-path", "lasso-deviance"),
        habitats=_habitat_means(training),
        permuted=() if stability.permutation is None else stability.permutation.permuted,
        optimism=() if stability.bootstrap is None else stability.bootstrap.differences,
        learning_curve=stability.curve,
    )
    return {"figures": figures, "figures_not_drawn": attempt.missing}


def external_figures(validation: ExternalValidation, candidates: Sequence[Measures]) -> dict[str, Any]:
    """The parts ``figures`` and ``figures_not_drawn`` of an external validation; see `training_figures`."""
    model, outcome, probability = validation.model, validation.outcome, validation.probability
    scores = {validation.name: validation.scores[None, :]}
    scores |= {name: row[None, :] for name, row in validation.compared.items()}
    attempt = _Attempts()
    figures = numbers_of.FigureNumbers(
        roc=attempt(lambda: _roc(outcome, scores, candidates, model.protocol.seed, validation.patients, None), "roc"),
        precision_recall=attempt(lambda: _precision_recall(outcome, scores, 0), "precision-recall"),
        calibration=None if probability is None else attempt(lambda: _calibration(outcome, probability), "calibration"),
        waterfall=numbers_of.Waterfall(scores=validation.scores, outcome=outcome, cut_off=model.cutoff.value),
        explanation=_explanation(model, validation.values, validation.contributions, outcome),
        nomogram=_drawn_part(model),
    )
    return {"figures": figures, "figures_not_drawn": attempt.missing}


def _roc(
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    candidates: Sequence[Measures],
    seed: int,
    patients: np.ndarray,
    folds: int | None,
) -> numbers_of.Roc:
    """Mean curves over the repeats; the first with its band and its operating point.

    Args:
        scores: by model, shape (repeats, cases).
        patients: the patient of each case, for the intervals of the AUCs and the band.
        folds: of the cross-validation; None: of frozen scores.
    """
    bands = [
        roc_band(outcome, rows, count=_MIDDLE if place else _DRAWN, seed=seed, clusters=patients)
        for place, rows in enumerate(scores.values())
    ]
    areas = [mean_auc(outcome, rows, clusters=patients, folds=folds) for rows in scores.values()]
    first = next(row for row in candidates if row.name == next(iter(scores)))
    return numbers_of.Roc(
        curves={
            name: numbers_of.RocCurve(
                specificity=band.specificity, sensitivity=band.sensitivity, auc=(area.auc, area.low, area.high)
            )
            for name, band, area in zip(scores, bands, areas)
        },
        band=bands[0],
        operating_point=(first.specificity, first.sensitivity),
    )


def _precision_recall(outcome: np.ndarray, scores: Mapping[str, np.ndarray], repeat: int) -> numbers_of.PrecisionRecall:
    curves = {}
    for name, rows in scores.items():
        precision, recall = precision_recall_curve(outcome, rows[repeat])
        curves[name] = numbers_of.PrecisionRecallCurve(
            recall=recall, precision=precision, average_precision=average_precision(outcome, rows)
        )
    return numbers_of.PrecisionRecall(curves=curves, prevalence=outcome.mean())


def _calibration(outcome: np.ndarray, probability: np.ndarray) -> numbers_of.CalibrationPoints:
    groups = calibration_groups(outcome, probability)
    line = recalibration(outcome, probability)
    return numbers_of.CalibrationPoints(
        probability=probability,
        outcome=outcome,
        groups=numbers_of.CalibrationGroups(
            predicted=[group.predicted for group in groups],
            observed=[group.observed.value for group in groups],
            low=[group.observed.low for group in groups],
            high=[group.observed.high for group in groups],
            cases=[group.cases for group in groups],
        ),
        curve=smooth_calibration(outcome, probability) if len(outcome) >= _ENOUGH_TO_SMOOTH else None,
        slope=astuple(line.slope),
        intercept=astuple(line.intercept),
        brier=brier_score(outcome, probability).score,
    )


def _explanation(
    model: Model, values: np.ndarray, contributions: np.ndarray | None, outcome: np.ndarray
) -> numbers_of.Explanation:
    return numbers_of.Explanation(
        unit="log odds of the nomogram" if model.nomogram else "score" if model.classifier else "rad-score",
        inputs=explained_names(model),
        shap=shap_of(model, values)[1] if contributions is None else contributions,
        values=values if model.classifier is None else classifier_inputs(model, values),
        features=[feature.name for feature in model.features],
        standardised=model.standardised(values),
        outcome=outcome,
    )


def _drawn_part(model: Model) -> NomogramPart | None:
    """The nomogram without what its drawing does not need."""
    part = model.nomogram
    return None if part is None else NomogramPart.model_validate(part.model_dump(mode="json", exclude=set(EVIDENCE)))


def _nomogram_risks(training: Training) -> Sequence[float] | np.ndarray:
    score, part = training.learned.nomogram, training.model.nomogram
    if score is None or part is None or part.calibration is None:
        return ()
    return score.nomogram.probability(score.inner, training.table.covariates)


def _lasso(training: Training) -> numbers_of.Lasso | None:
    """Path of the columns that entered the final LASSO, on the penalties that were cross-validated."""
    score, chosen = training.learned.rad_score, training.learned.chosen
    if score is None or chosen is None:
        return None
    validated, prepared = score.validated, training.prepared
    columns = chosen.columns(prepared.columns)[score.selected]
    rows = chosen.measured(prepared.columns, prepared.values)
    values = prepared.values[rows][:, columns]
    standardised = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    path = lasso_path(standardised, training.table.outcome[rows], validated.penalties)
    return numbers_of.Lasso(
        names=[prepared.columns[column] for column in columns],
        penalties=path.penalties, coefficients=path.coefficients, validated_penalties=validated.penalties,
        deviance=validated.deviance, deviance_se=validated.deviance_se,
        minimum=validated.minimum, one_standard_error=validated.one_standard_error,
    )  # fmt: skip


def _habitat_means(training: Training) -> dict[str, numbers_of.HabitatMeans]:
    """Means of the cases that have all habitats, by sequence; without sequences of which fewer than two cases do."""
    features = training.study.features
    by_sequence = {}
    for sequence in features.populations[0]:
        stacked = np.stack(list(features.habitat_means(0, sequence).values()), axis=1)
        complete = stacked[np.isfinite(stacked).all(axis=(1, 2))]
        if len(complete) > 1:
            by_sequence[sequence] = numbers_of.HabitatMeans(entropy=complete[:, :, 1], intensity=complete[:, :, 0])
    return by_sequence


def _model_outcome(training: Training) -> np.ndarray:
    """Outcomes of the cases in the model's ``background``: those that have the regions of the score."""
    assert training.learned.chosen is not None
    prepared = training.prepared
    return training.table.outcome[training.learned.chosen.measured(prepared.columns, prepared.values)]


def _middle_repeat(outcome: np.ndarray, scores: np.ndarray) -> int:
    """The repeat whose AUC is nearest to the mean: figures of one repeat show neither the best nor the worst one."""
    areas = np.array([mean_auc(outcome, row).auc for row in scores])
    return int(np.argmin(np.abs(areas - areas.mean())))
