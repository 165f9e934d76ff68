"""What a report says of the ways of learning beyond the LASSO: search, scouts, fusion and nomogram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from HabitatRadiomicsLib.features.catalogue import RAD_SCORE_TERM
from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX
from HabitatRadiomicsLib.learning.fusion import FusedScore
from HabitatRadiomicsLib.learning.scouts import ScoutedScore
from HabitatRadiomicsLib.learning.search import SearchedScore
from HabitatRadiomicsLib.model.nomogram import NomogramPart
from HabitatRadiomicsLib.reporting.document.parts import finite
from HabitatRadiomicsLib.statistics.logistic import OddsRatio
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.nested import CLINICAL, NOMOGRAM, STRATEGY


def learning_parts(training: Training) -> dict[str, Any]:
    """The parts ``search``, ``scouts``, ``fusion`` and ``nomogram``; None where the protocol asks for none."""
    settings = training.protocol.learning
    return {
        "search": None if settings.search is None else search_part(training),
        "scouts": None if settings.scouts is None else scouts_part(training),
        "fusion": None if settings.fusion is None else fusion_part(training),
        "nomogram": None if settings.nomogram is None else nomogram_part_of(training),
    }


def search_part(training: Training) -> dict[str, Any]:
    """Every combination of every candidate, as rows; and how often each was the best over the outer folds.

    ``frequency`` counts the chosen candidate's combinations, ``selectors`` and ``classifiers`` their halves.
    """
    rows = [
        {
            "candidate": name,
            "selector": row.selector,
            "classifier": row.classifier,
            "features": row.features,
            "auc": row.auc,
            "sd": row.sd,
            "chosen": "yes" if row == score.result else "no",
        }
        for name, score in _scores(training, SearchedScore)
        for row in score.compared
    ]
    ways = _ways(training, chosen_name(training))
    halves = [way.split(" + ") for way in ways]
    return {
        "candidate": chosen_name(training),
        "rows": rows,
        "folds": len(training.validation.folds),
        "frequency": dict(Counter(ways).most_common()),
        "selectors": dict(Counter(selector for selector, _ in halves).most_common()),
        "classifiers": dict(Counter(classifier for _, classifier in halves).most_common()),
    }


def scouts_part(training: Training) -> dict[str, Any]:
    """The scouts of every candidate, as rows, and the AUC that they had to reach."""
    settings = training.protocol.learning.scouts
    assert settings is not None
    rows = [
        {
            "candidate": name,
            "image": scout.image,
            "selector": scout.selector,
            "classifier": scout.classifier,
            "features": len(scout.columns),
            "auc": scout.auc,
            "sd": scout.sd,
            "passed": "yes" if scout.passed else "no",
        }
        for name, score in _scores(training, ScoutedScore)
        for scout in score.scouts
    ]
    return {"candidate": chosen_name(training), "minimum_auc": settings.minimum_auc, "rows": rows}


def fusion_part(training: Training) -> dict[str, Any]:
    """The classifiers that were compared, the inputs of the one that was taken, and their Spearman correlations over
    the training cases; no classifiers where nothing was fused."""
    found = next(_scores(training, FusedScore), None)
    if found is None:
        return {"candidate": None, "rows": [], "folds": len(training.validation.folds), "frequency": {}}
    name, score = found
    prepared = training.prepared
    inputs = score.inputs(prepared.values)
    rad = [RAD_SCORE_PREFIX + part.name for part in score.rad_scores]
    return {
        "candidate": name,
        "rows": [
            {
                "candidate": name,
                "classifier": row.classifier,
                "auc": row.auc,
                "sd": row.sd,
                "chosen": "yes" if row.classifier == score.classifier else "no",
            }
            for row in score.compared
        ],
        "folds": len(training.validation.folds),
        "frequency": dict(Counter(_ways(training, name)).most_common()),
        "inputs": [*rad, *(prepared.columns[column] for column in score.single)],
        "correlation": _spearman(inputs[np.isfinite(inputs).all(axis=1)]),
    }


def _spearman(inputs: np.ndarray) -> list[list[float | None]]:
    from scipy.stats import rankdata

    if len(inputs) < 3:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):  # of inputs that do not vary there is none
        found = np.atleast_2d(np.corrcoef(rankdata(inputs, axis=0), rowvar=False))
    return [[finite(value) for value in row] for row in found.tolist()]


def nomogram_part_of(training: Training) -> dict[str, Any]:
    """The nomogram of the model file with its odds ratios, and how often its factors stayed over the outer folds; or
    why there is none."""
    learned, folds = training.learned, training.validation.folds
    found: dict[str, Any] = {
        "folds": len(folds),
        "frequency": _factor_frequency(training, STRATEGY, "no nomogram"),
        "clinical_frequency": _factor_frequency(training, CLINICAL, "none"),
        "problem": learned.nomogram_problem or None,
    }
    part = training.model.nomogram
    if part is None:
        return {**found, "fitted": False}
    return {
        **found,
        "fitted": True,
        "univariate": [
            {**row.model_dump(mode="json"), "left_out": part.left_out.get(row.factor)} for row in part.univariate
        ],
        "odds_ratios": odds_ratio_rows(part),
        "left_out": [{"variable": name, "reason": reason} for name, reason in part.left_out.items()],
        "intercept": part.intercept,
        "calibration": None if part.calibration is None else part.calibration.model_dump(mode="json"),
        "hosmer_lemeshow": None if part.hosmer_lemeshow is None else part.hosmer_lemeshow.model_dump(mode="json"),
    }


def odds_ratio_rows(part: NomogramPart) -> list[dict[str, Any]]:
    """A row for each term of the model with all factors that entered, then of the final one."""
    models = {"all factors that entered": part.multivariable, "nomogram": part.final}
    return [{"model": model, **_odds_ratio(line)} for model, lines in models.items() for line in lines]


def _odds_ratio(line: OddsRatio) -> dict[str, Any]:
    ratio, low, high = line.ratio()
    clinical = line.term != RAD_SCORE_TERM
    return {
        "term": line.term,
        "what": term_text(line.term) if clinical else "rad-score (per SD)",
        "coefficient": line.coefficient,
        "standard_error": line.standard_error,
        "odds_ratio": ratio,
        "odds_ratio_low": finite(low),
        "odds_ratio_high": finite(high),
        "p": line.p,
    }


def term_text(term: str) -> str:
    """A clinical term as a reader would say it: ``age``, ``stage: II``."""
    variable, _, level = term.partition(":")[2].partition("=")
    return f"{variable}: {level}" if level else variable


def _scores(training: Training, kind: Any) -> Iterator[tuple[str, Any]]:
    """Candidates whose score is of a kind."""
    yield from ((name, score) for name, score in training.learned.scores.items() if isinstance(score, kind))


def chosen_name(training: Training) -> str:
    """The candidate of the final model."""
    assert training.learned.chosen is not None
    return training.learned.chosen.name


def shown_name(training: Training, name: str) -> str:
    """What tables and figures call a score: the one that was chosen in each fold is a nomogram where the model is."""
    return NOMOGRAM if name == STRATEGY and training.learned.nomogram is not None else name


def _ways(training: Training, name: str) -> list[str]:
    """Those of one candidate over the folds in which it could be learned."""
    return [result.ways[name] for result in training.validation.folds if name in result.ways]


def _factor_frequency(training: Training, name: str, absent: str) -> dict[str, int]:
    return dict(Counter(result.ways.get(name, absent) for result in training.validation.folds).most_common())
