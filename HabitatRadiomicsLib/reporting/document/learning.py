"""The parts of a study document about ways of learning beyond the LASSO: search, scouts, fusion and nomogram."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from HabitatRadiomicsLib.features.catalogue import RAD_SCORE_TERM
from HabitatRadiomicsLib.features.description import RAD_SCORE_PREFIX
from HabitatRadiomicsLib.learning.fusion import FusedScore
from HabitatRadiomicsLib.learning.scouts import ScoutedScore
from HabitatRadiomicsLib.learning.search import SearchedScore
from HabitatRadiomicsLib.model.nomogram import NomogramPart
from HabitatRadiomicsLib.reporting.document import sections
from HabitatRadiomicsLib.statistics.logistic import OddsRatio
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.nested import CLINICAL, NOMOGRAM, STRATEGY


def learning_parts(training: Training) -> dict[str, Any]:
    """The parts ``search``, ``scouts``, ``fusion`` and ``nomogram``; None if the protocol does not request them."""
    builders = {"search": _search, "scouts": _scouts, "fusion": _fusion, "nomogram": _nomogram}
    requested = training.protocol.learning
    return {name: None if getattr(requested, name) is None else build(training) for name, build in builders.items()}


def _search(training: Training) -> sections.Search:
    """``frequency`` counts the chosen candidate's combinations, ``selectors`` and ``classifiers`` their halves."""
    name = chosen_name(training)
    combinations = _ways(training, name)
    halves = [combination.split(" + ") for combination in combinations]
    return sections.Search(
        candidate=name,
        rows=[
            sections.SearchRow(candidate=candidate, **asdict(row), chosen=_yes_no(row == score.result))
            for candidate, score in _scores(training, SearchedScore)
            for row in score.compared
        ],
        folds=len(training.validation.folds),
        frequency=_frequency(combinations),
        selectors=_frequency(selector for selector, _ in halves),
        classifiers=_frequency(classifier for _, classifier in halves),
    )


def _scouts(training: Training) -> sections.Scouts:
    settings = training.protocol.learning.scouts
    assert settings is not None
    rows = [
        sections.ScoutRow(
            candidate=name, image=scout.image, selector=scout.selector, classifier=scout.classifier,
            features=len(scout.columns), auc=scout.auc, sd=scout.sd, passed=_yes_no(scout.passed),
        )
        for name, score in _scores(training, ScoutedScore)
        for scout in score.scouts
    ]  # fmt: skip
    return sections.Scouts(candidate=chosen_name(training), minimum_auc=settings.minimum_auc, rows=rows)


def _fusion(training: Training) -> sections.Fusion:
    """The classifiers that were compared, the inputs of the chosen one, and their Spearman correlations over the
    training cases; no classifiers if nothing was fused."""
    folds = len(training.validation.folds)
    name, score = next(_scores(training, FusedScore), (None, None))
    if name is None or score is None:
        return sections.Fusion(candidate=None, rows=(), folds=folds, frequency={})
    prepared = training.prepared
    inputs = score.inputs(prepared.values)
    return sections.Fusion(
        candidate=name,
        rows=[
            sections.FusionRow(candidate=name, **asdict(row), chosen=_yes_no(row.classifier == score.classifier))
            for row in score.compared
        ],
        folds=folds,
        frequency=_frequency(_ways(training, name)),
        inputs=[
            *(RAD_SCORE_PREFIX + part.name for part in score.rad_scores),
            *(prepared.columns[column] for column in score.single),
        ],
        correlation=_spearman(inputs[np.isfinite(inputs).all(axis=1)]),
    )


def _spearman(inputs: np.ndarray) -> list[list[float]]:
    from scipy.stats import rankdata

    if len(inputs) < 3:
        return []
    with np.errstate(invalid="ignore", divide="ignore"):  # the correlation of an input that does not vary is undefined
        return np.atleast_2d(np.corrcoef(rankdata(inputs, axis=0), rowvar=False)).tolist()


def _nomogram(training: Training) -> sections.Nomogram:
    """The nomogram of the model file, and the number of outer folds in which each set of factors was selected; or the
    reason why there is none."""
    folds, part = training.validation.folds, training.model.nomogram
    parts: dict[str, Any] = {
        "folds": len(folds),
        "frequency": _frequency(result.ways.get(STRATEGY, "no nomogram") for result in folds),
        "clinical_frequency": _frequency(result.ways.get(CLINICAL, "none") for result in folds),
        "problem": training.learned.nomogram_problem or None,
    }
    if part is None:
        return sections.Nomogram(**parts, fitted=False)
    return sections.Nomogram(
        **parts,
        fitted=True,
        univariate=[
            sections.UnivariateRow(**row.model_dump(), left_out=part.left_out.get(row.factor))
            for row in part.univariate
        ],
        odds_ratios=odds_ratio_rows(part),
        left_out=[sections.LeftOut(variable=name, reason=reason) for name, reason in part.left_out.items()],
        intercept=part.intercept,
        calibration=part.calibration,
        hosmer_lemeshow=part.hosmer_lemeshow,
    )


def odds_ratio_rows(part: NomogramPart) -> list[sections.OddsRatioRow]:
    """A row for each term of the model with all factors that entered, then of the final model."""
    models = {"all factors that entered": part.multivariable, "nomogram": part.final}
    return [_odds_ratio(model, line) for model, lines in models.items() for line in lines]


def _odds_ratio(model: str, line: OddsRatio) -> sections.OddsRatioRow:
    ratio, low, high = line.ratio()
    text = "rad-score (per SD)" if line.term == RAD_SCORE_TERM else term_text(line.term)
    return sections.OddsRatioRow(
        model=model, **asdict(line), what=text, odds_ratio=ratio, odds_ratio_low=low, odds_ratio_high=high
    )


def term_text(term: str) -> str:
    """A clinical term in words: ``age``, ``stage: II``."""
    variable, _, level = term.partition(":")[2].partition("=")
    return f"{variable}: {level}" if level else variable


def _scores(training: Training, kind: Any) -> Iterator[tuple[str, Any]]:
    """The candidates whose score is of a kind."""
    yield from ((name, score) for name, score in training.learned.scores.items() if isinstance(score, kind))


def chosen_name(training: Training) -> str:
    """The candidate of the final model."""
    assert training.learned.chosen is not None
    return training.learned.chosen.name


def shown_name(training: Training, name: str) -> str:
    """The name of a score in tables and figures: the score chosen in each fold is a nomogram if the model is one."""
    return NOMOGRAM if name == STRATEGY and training.learned.nomogram is not None else name


def _ways(training: Training, name: str) -> list[str]:
    """How a candidate was learned in each fold in which it could be learned."""
    return [result.ways[name] for result in training.validation.folds if name in result.ways]


def _frequency(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _yes_no(value: bool) -> Literal["yes", "no"]:
    return "yes" if value else "no"
