"""What a study document says of search, scouts, fusion and nomogram, of made-up tables."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from HabitatRadiomicsLib.learning.folds import outer_folds
from HabitatRadiomicsLib.learning.preparation import FoldTable, prepare_fold
from HabitatRadiomicsLib.learning.strategy import learn
from HabitatRadiomicsLib.reporting.document.learning import learning_parts, term_text
from HabitatRadiomicsLib.reporting.document.tables import write_tables
from HabitatRadiomicsLib.training.freezing import frozen_nomogram
from HabitatRadiomicsLib.validation.nested import cross_validate, gather

from ...made_up_tables import alternating, columns, protocol, table

_SEARCH = {"selectors": ["anova", "mutual-information"], "classifiers": ["lda", "svm"], "features": [1, 2]}
_NAMES = (*columns("CT_whole", "CT_ring", features=4), "CT_patch_original_deep_E001", "CT_patch_original_deep_E002")


def _training(learning: dict[str, Any], *, found: FoldTable | None = None) -> Any:
    """What a training keeps, as far as these parts look at it."""
    if found is None:
        planted = {1: 1.5, 5: 1.5, 8: 1.5, 9: 1.2}
        found = table(alternating(60), _NAMES, planted=planted, seed=3)
    settings = protocol(
        regions=["whole", "ring", "patch"], deep={"network": "synthetic-demo"}, learning={"repeats": 1, **learning}
    )
    prepared = prepare_fold(found, np.arange(len(found.outcome)), settings)
    learned = learn(prepared.training_table(found), settings.learning, seed=settings.seed)
    folds = outer_folds(found.outcome, found.patients, settings)
    validation = gather(list(cross_validate(folds, [found] * len(folds), settings)), len(found.outcome))
    part = None
    if learned.nomogram is not None:
        score = learned.nomogram
        part = frozen_nomogram(score.nomogram, score.inner, found.covariates, found.outcome, bootstraps=0, seed=1)
    return SimpleNamespace(
        protocol=settings, table=found, prepared=prepared, learned=learned, validation=validation,
        model=SimpleNamespace(nomogram=part),
    )  # fmt: skip


@cache
def _scouted() -> Any:
    return _training({"search": _SEARCH, "scouts": {"minimum_auc": 0.7}})


@cache
def _fused() -> Any:
    return _training({"fusion": {"classifiers": ["lda", "knn", "svm"], "deep_features": 2}})


@cache
def _joined() -> Any:
    return _training({"significance": 0.2, "nomogram": {"bootstraps": 0}}, found=_with_age(10))


def test_a_lasso_has_none_of_these_parts() -> None:
    assert learning_parts(_training({})) == dict.fromkeys(("search", "scouts", "fusion", "nomogram"))


def test_every_combination_of_a_search_has_a_row_and_each_candidate_one_that_was_chosen() -> None:
    training = _training({"search": _SEARCH})
    found = learning_parts(training)["search"]
    assert len(found.rows) == 3 * 2 * 2 * 2
    for name in ("CT whole", "CT ring", "CT patch"):
        own = [row for row in found.rows if row.candidate == name]
        (chosen,) = (row for row in own if row.chosen == "yes")
        assert chosen.auc == max(row.auc for row in own)
    assert found.candidate == training.learned.chosen.name
    assert sum(found.frequency.values()) == found.folds == 3
    assert sum(found.selectors.values()) == sum(found.classifiers.values()) == 3
    assert set(found.selectors) <= {"anova", "mutual-information"}
    assert set(found.classifiers) <= {"lda", "svm"}


def test_scouts_say_which_images_went_on() -> None:
    found = learning_parts(_scouted())["scouts"]
    assert found.minimum_auc == 0.7
    assert {row.passed for row in found.rows} == {"yes", "no"}
    for row in found.rows:
        assert (row.auc >= 0.7) == (row.passed == "yes")
    whole = [row.image for row in found.rows if row.candidate == "CT whole"]
    assert whole == [f"log-sigma-{number}-0-mm-3D" for number in range(4)]


def test_a_fused_score_tells_its_classifiers_inputs_and_their_rank_correlations() -> None:
    training = _fused()
    found = learning_parts(training)["fusion"]
    assert [row.classifier for row in found.rows] == ["lda", "knn", "svm"]
    assert [row.chosen for row in found.rows].count("yes") == 1
    assert found.candidate == "CT whole+ring+patch"
    assert found.inputs[:2] == ("rad-score CT whole", "rad-score CT ring")
    assert set(found.inputs[2:]) == set(_NAMES[8:])
    deep = training.prepared.values[:, [_NAMES.index(name) for name in found.inputs[2:]]]
    inner = np.array(found.correlation)[2:, 2:]
    assert inner[0, 1] == pytest.approx(spearmanr(deep).statistic)
    assert np.array(found.correlation).shape == (4, 4)
    assert sum(found.frequency.values()) == 3


def _with_age(effect: float) -> FoldTable:
    found = table(alternating(90), _NAMES, planted={1: 1.0}, seed=3)
    ages = np.random.default_rng(7).normal(60, 8, 90) + effect * found.outcome
    covariates = tuple({"age": f"{age:.1f}", "sex": "fm"[place // 2 % 2]} for place, age in enumerate(ages))
    return replace(found, covariates=covariates)


def test_a_nomogram_tells_its_tables_and_what_was_left_out() -> None:
    found = learning_parts(_joined())["nomogram"]
    assert found.fitted
    assert [(row.factor, row.left_out is None) for row in found.univariate] == [("age", True), ("sex", False)]
    assert [row.variable for row in found.left_out] == ["sex"]
    final = [row for row in found.odds_ratios if row.model == "nomogram"]
    assert [row.what for row in final] == ["rad-score (per SD)", "age"]
    for row in final:
        assert row.odds_ratio == pytest.approx(np.exp(row.coefficient))
        assert row.odds_ratio_high == pytest.approx(np.exp(row.coefficient + 1.959964 * row.standard_error))
    assert sum(found.frequency.values()) == sum(found.clinical_frequency.values()) == 3
    assert found.problem is None


def test_a_nomogram_that_could_not_be_fitted_says_why() -> None:
    outcome = alternating(60)
    found = table(outcome, _NAMES, seed=3)
    values = found.values.copy()
    values[:, 1] = outcome + 0.01 * values[:, 1]  # it separates the outcomes
    training = _training({"nomogram": {"bootstraps": 0}}, found=replace(found, values=values))
    part = learning_parts(training)["nomogram"]
    assert not part.fitted
    assert part.problem == training.learned.nomogram_problem != ""
    assert part.frequency == {"no nomogram": 3}


@pytest.mark.parametrize(
    ("term", "text"), [("clinical:age", "age"), ("clinical:stage=II", "stage: II"), ("clinical:a=b=c", "a: b=c")]
)
def test_a_clinical_term_is_told_in_words(term: str, text: str) -> None:
    assert term_text(term) == text


def test_the_parts_are_tables_too(tmp_path: Path) -> None:
    searched, fused, joined = (learning_parts(training) for training in (_scouted(), _fused(), _joined()))
    typed = {**searched, "fusion": fused["fusion"], "nomogram": joined["nomogram"]}
    parts = {name: part.model_dump(exclude_unset=True) for name, part in typed.items()}
    write_tables(tmp_path, {"validation": {"candidates": []}, "model": {"features": []}, **parts})

    def header(name: str) -> str:
        return (tmp_path / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0]

    assert header("search") == "candidate,selector,classifier,features,auc,sd,chosen"
    assert header("scouts") == "candidate,image,selector,classifier,features,auc,sd,passed"
    assert header("fusion") == "candidate,classifier,auc,sd,chosen"
    assert header("input_correlation") == "input," + ",".join(parts["fusion"]["inputs"])
    assert header("nomogram_univariate").startswith("factor,kind,test,statistic,p")
    assert header("nomogram_odds_ratios").startswith("model,term,what,coefficient,standard_error,odds_ratio")
    assert header("nomogram_left_out") == "variable,reason"
    assert not (tmp_path / "nomogram_calibration.csv").exists()
