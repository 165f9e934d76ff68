"""The numbers that figures are drawn of, from a training or an external validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from HabitatRadiomicsLib.errors import HabitatRadiomicsError
from HabitatRadiomicsLib.learning.lasso import lasso_path
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.nomogram import EVIDENCE, NomogramPart
from HabitatRadiomicsLib.model.prediction import classifier_inputs
from HabitatRadiomicsLib.reporting.document import figure_numbers as numbers_of
from HabitatRadiomicsLib.reporting.document.habitats import habitat_means
from HabitatRadiomicsLib.reporting.document.learning import chosen_name, shown_name
from HabitatRadiomicsLib.reporting.document.parts import finite
from HabitatRadiomicsLib.scoring.explanation import explained_names, shap_of
from HabitatRadiomicsLib.statistics import (
    Estimate,
    average_precision,
    brier_score,
    calibration_groups,
    mean_auc,
    precision_recall_curve,
    recalibration,
    roc_band,
    smooth_calibration,
)
from HabitatRadiomicsLib.statistics.roc import RocBand
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.external import ExternalValidation
from HabitatRadiomicsLib.validation.nested import CLINICAL, RAD_SCORE_ALONE, STRATEGY, VOLUME

#: Bootstrap samples of a band that is drawn, and of one of which the middle only is.
_DRAWN, _MIDDLE = 2000, 2
#: Of fewer cases a smooth calibration curve shows chance as shape.
_ENOUGH_TO_SMOOTH = 100

_Numbers = TypeVar("_Numbers")


class _Attempts:
    """Tries what may be impossible with these cases, and keeps the reason when it is."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def __call__(self, figures: tuple[str, ...], numbers: Callable[[], _Numbers]) -> _Numbers | None:
        try:
            return numbers()
        except HabitatRadiomicsError as error:
            text = f"{error.where}: {error.problem}" if error.where else error.problem
            self.problems |= dict.fromkeys(figures, text)
            return None


def figures_part(numbers: numbers_of.FigureNumbers, problems: Mapping[str, str]) -> dict[str, Any]:
    """The parts ``figures_not_drawn`` and ``figures`` of a study."""
    missing = [{"figure": name, "problem": problem} for name, problem in problems.items()]
    return {"figures_not_drawn": missing, "figures": numbers}


def training_figures(training: Training, candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of a training.

    Args:
        candidates: the rows of the performance table.
    """
    model, outcome, validation = training.model, training.table.outcome, training.validation
    held_out = validation.held_out[STRATEGY]
    # Beside a nomogram stands the rad-score that each fold made it of, else the score that was chosen in the end.
    beside = RAD_SCORE_ALONE if RAD_SCORE_ALONE in validation.held_out else chosen_name(training)
    shown = [name for name in (STRATEGY, beside, VOLUME, CLINICAL) if name in validation.held_out]
    scores = {shown_name(training, name): validation.held_out[name].scores for name in shown}
    middle = _middle_repeat(outcome, held_out.scores)
    folds, stability = training.protocol.learning.folds, training.stability
    permutation, bootstrap = stability.permutation, stability.bootstrap
    attempt = _Attempts()
    numbers = numbers_of.FigureNumbers(
        roc=attempt(
            ("roc",),
            lambda: _roc(outcome, scores, candidates, model.protocol.seed, training.table.patients, folds),
        ),
        precision_recall=attempt(("precision-recall",), lambda: _precision_recall(outcome, scores, middle)),
        calibration=attempt(("calibration",), lambda: _calibration(outcome, validation.probabilities[middle])),
        waterfall=numbers_of.Waterfall(
            scores=(held_out.scores[middle] - held_out.cut_offs[middle]).tolist(),
            outcome=_whole(outcome),
            cut_off=0.0,
        ),
        explanation=_explanation(model, np.array(model.background), None, _model_outcome(training)),
        nomogram=_drawn_part(model),
        nomogram_risks=_nomogram_risks(training),
        lasso=attempt(("lasso-path", "lasso-deviance"), lambda: _lasso(training)),
        habitats={
            sequence: numbers_of.HabitatMeans(entropy=means[:, :, 1].tolist(), intensity=means[:, :, 0].tolist())
            for sequence, means in habitat_means(training).items()
        },
        permuted=() if permutation is None else _row(permutation.permuted),
        optimism=() if bootstrap is None else _row(bootstrap.differences),
        learning_curve=tuple(
            numbers_of.CurvePoint(cases=point.cases, training=point.training, held_out=point.held_out)
            for point in stability.curve
        ),
    )
    return figures_part(numbers, attempt.problems)


def external_figures(validation: ExternalValidation, candidates: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures of an external validation; ``candidates`` as for `training_figures`."""
    model, outcome, probability = validation.model, validation.outcome, validation.probability
    named = ((validation.name, validation.scores), *validation.compared.items())
    scores = {name: row[None, :] for name, row in named}
    attempt = _Attempts()
    numbers = numbers_of.FigureNumbers(
        roc=attempt(
            ("roc",), lambda: _roc(outcome, scores, candidates, model.protocol.seed, validation.patients, None)
        ),
        precision_recall=attempt(("precision-recall",), lambda: _precision_recall(outcome, scores, 0)),
        calibration=None
        if probability is None
        else attempt(("calibration",), lambda: _calibration(outcome, probability)),
        waterfall=numbers_of.Waterfall(
            scores=_row(validation.scores), outcome=_whole(outcome), cut_off=model.cutoff.value
        ),
        explanation=_explanation(model, validation.values, validation.contributions, outcome),
        nomogram=_drawn_part(model),
    )
    return figures_part(numbers, attempt.problems)


def _roc(
    outcome: np.ndarray,
    scores: Mapping[str, np.ndarray],
    candidates: list[dict[str, Any]],
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
    curves: dict[str, numbers_of.RocCurve] = {}
    bands: list[RocBand] = []
    for name, rows in scores.items():
        count = _MIDDLE if bands else _DRAWN
        band = roc_band(outcome, rows, count=count, seed=seed, clusters=patients)
        area = mean_auc(outcome, rows, clusters=patients, folds=folds)
        curves[name] = numbers_of.RocCurve(
            specificity=_row(band.specificity),
            sensitivity=_row(band.sensitivity),
            auc=(finite(area.auc), finite(area.low), finite(area.high)),
        )
        bands.append(band)
    first = next(row for row in candidates if row["name"] == next(iter(scores)))
    return numbers_of.Roc(
        curves=curves,
        band=numbers_of.Band(specificity=_row(bands[0].specificity), low=_row(bands[0].low), high=_row(bands[0].high)),
        operating_point=(first["specificity"], first["sensitivity"]),
    )


def _precision_recall(outcome: np.ndarray, scores: Mapping[str, np.ndarray], repeat: int) -> numbers_of.PrecisionRecall:
    curves = {}
    for name, rows in scores.items():
        precision, recall = precision_recall_curve(outcome, rows[repeat])
        curves[name] = numbers_of.PrecisionRecallCurve(
            recall=_row(recall),
            precision=_row(precision),
            average_precision=average_precision(outcome, rows),
        )
    return numbers_of.PrecisionRecall(curves=curves, prevalence=float(outcome.mean()))


def _calibration(outcome: np.ndarray, probability: np.ndarray) -> numbers_of.CalibrationPoints:
    groups = calibration_groups(outcome, probability)
    line, brier = recalibration(outcome, probability), brier_score(outcome, probability)
    smooth = smooth_calibration(outcome, probability)
    enough = len(outcome) >= _ENOUGH_TO_SMOOTH
    return numbers_of.CalibrationPoints(
        probability=_row(probability),
        outcome=_whole(outcome),
        groups=numbers_of.CalibrationGroups(
            predicted=[group.predicted for group in groups],
            observed=[group.observed.value for group in groups],
            low=[group.observed.low for group in groups],
            high=[group.observed.high for group in groups],
            cases=[group.cases for group in groups],
        ),
        curve=numbers_of.SmoothCurve(predicted=_row(smooth.predicted), observed=_row(smooth.observed))
        if enough
        else None,
        slope=_triple(line.slope),
        intercept=_triple(line.intercept),
        brier=brier.score,
    )


def _explanation(
    model: Model, values: np.ndarray, contributions: np.ndarray | None, outcome: np.ndarray
) -> numbers_of.Explanation:
    inputs = values if model.classifier is None else classifier_inputs(model, values)
    shap_values = shap_of(model, values)[1] if contributions is None else contributions
    return numbers_of.Explanation(
        unit="log odds of the nomogram" if model.nomogram else "score" if model.classifier else "rad-score",
        inputs=explained_names(model),
        shap=shap_values.tolist(),
        values=inputs.tolist(),
        features=[feature.name for feature in model.features],
        standardised=model.standardised(values).tolist(),
        outcome=_whole(outcome),
    )


def _drawn_part(model: Model) -> NomogramPart | None:
    """The nomogram without what its drawing does not need."""
    part = model.nomogram
    return None if part is None else NomogramPart.model_validate(part.model_dump(mode="json", exclude=set(EVIDENCE)))


def _nomogram_risks(training: Training) -> tuple[float, ...]:
    score = training.learned.nomogram
    if score is None or training.model.nomogram is None or training.model.nomogram.calibration is None:
        return ()
    return _row(score.nomogram.probability(score.inner, training.table.covariates))


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
        penalties=_row(path.penalties),
        coefficients=path.coefficients.tolist(),
        validated_penalties=_row(validated.penalties),
        deviance=_row(validated.deviance),
        deviance_se=_row(validated.deviance_se),
        minimum=validated.minimum,
        one_standard_error=validated.one_standard_error,
    )


def _model_outcome(training: Training) -> np.ndarray:
    """Outcomes of the cases under ``background``: those that have the regions of the score."""
    assert training.learned.chosen is not None
    prepared = training.prepared
    return training.table.outcome[training.learned.chosen.measured(prepared.columns, prepared.values)]


def _middle_repeat(outcome: np.ndarray, scores: np.ndarray) -> int:
    """The repeat whose AUC is nearest to the mean: what is drawn of one repeat is neither the best nor the worst."""
    areas = np.array([mean_auc(outcome, row).auc for row in scores])
    return int(np.argmin(np.abs(areas - areas.mean())))


def _row(values: Any) -> tuple[float, ...]:
    return tuple(np.asarray(values, dtype=float).tolist())


def _whole(outcome: np.ndarray) -> tuple[int, ...]:
    return tuple(int(value) for value in outcome)


def _triple(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    return finite(estimate.value), finite(estimate.low), finite(estimate.high)
