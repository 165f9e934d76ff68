"""The fits that are foretold are those that are made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.features import feature_names_of
from HabitatRadiomicsLib.learning import lasso, radscore, search
from HabitatRadiomicsLib.learning.folds import outer_folds
from HabitatRadiomicsLib.learning.preparation import prepare_fold
from HabitatRadiomicsLib.learning.strategy import TrainingTable, learn
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.training.train import TrainingWork, training_work
from HabitatRadiomicsLib.validation.nested import cross_validate
from HabitatRadiomicsLib.validation.stability import assess_stability

from ..made_up_tables import FIRST_ORDER, alternating, protocol, table

_SEARCH = {"selectors": ["anova", "relief"], "classifiers": ["lda", "svm"], "features": [1, 2]}
_IMAGES = {**FIRST_ORDER, "images": {**FIRST_ORDER["images"], "log_sigmas": [1.0, 2.0]}}  # type: ignore[dict-item]


def _count(monkeypatch: pytest.MonkeyPatch, *places: tuple[Any, str]) -> list[str]:
    """Names of the functions that are called from now on, one for each call."""
    calls: list[str] = []
    for module, name in places:
        function = getattr(module, name)

        def counted(*given: Any, function: Any = function, name: str = name, **named: Any) -> Any:
            calls.append(name)
            return function(*given, **named)

        monkeypatch.setattr(module, name, counted)
    return calls


def _learning_table(settings: Protocol, keys: tuple[str, ...]) -> TrainingTable:
    columns = tuple(f"{key}_whole_{name}" for key in keys for name in feature_names_of(settings, "whole"))
    return TrainingTable(columns, *_values(len(columns)), patients=np.arange(40))


def _values(columns: int) -> tuple[np.ndarray, np.ndarray]:
    outcome = alternating(40)
    return np.random.default_rng(1).normal(size=(40, columns)) + 1.2 * outcome[:, None], outcome


@pytest.mark.parametrize("scouts", [None, {"minimum_auc": 0.5}])
@pytest.mark.parametrize("timepoints", [None, {"baseline": "first", "followup": "second"}])
def test_fits_of_a_search_are_those_that_are_made(
    scouts: dict[str, float] | None, timepoints: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = protocol(
        sequences=["CT"], timepoints=timepoints, features=_IMAGES, learning={"search": _SEARCH, "scouts": scouts}
    )
    keys = ("CT",) if timepoints is None else ("first_CT", "delta_CT")
    made = _count(monkeypatch, (search, "fitted_scores"), (search, "fit_within_limits"))
    learn(_learning_table(settings, keys), settings.learning, seed=0)
    expected = (8 * 3 + 1) * len(keys) * (1 if scouts is None else 4 * (3 + 1))
    assert training_work(settings, ["CT"], 40).fits == len(made) == expected


def test_fits_of_rad_scores_are_the_lasso_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = protocol(sequences=["T1W", "PET"], learning={"significance": 1.0})
    made = _count(monkeypatch, (radscore, "lasso_path"), (lasso, "lasso_path"))
    learn(_learning_table(settings, ("T1W", "PET")), settings.learning, seed=0)
    assert training_work(settings, [], 40).fits == len(made) == 3 * 4  # each by itself, and both


def test_trainings_are_those_that_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    from HabitatRadiomicsLib.validation import nested as validation
    from HabitatRadiomicsLib.validation import stability

    settings = protocol(
        sequences=["T1W"],
        learning={"significance": 1.0, "permutations": 2, "optimism_bootstraps": 3, "learning_curve": True},
    )
    work = training_work(settings, ["T1W"], 40)
    found = table(alternating(40), tuple(f"T1W_whole_{name}" for name in feature_names_of(settings, "whole")[:5]),
                  planted={0: 2.0})  # fmt: skip
    made = _count(monkeypatch, (validation, "learn"), (stability, "learn"))
    folds = outer_folds(found.outcome, found.patients, settings)
    list(cross_validate(folds, [found] * len(folds), settings))
    assert len(made) == work.validation == 6
    prepared = prepare_fold(found, np.arange(40), settings)
    learned = learn(prepared.training_table(found), settings.learning, seed=1)
    assess_stability(found, prepared, learned, settings)
    assert (work.permutations, work.bootstraps, work.curve) == (3 * 3, 3, 4 * 2 * 3)
    assert 1 + len(made) == work.trainings


@pytest.mark.parametrize(
    ("name", "fits", "trainings"),
    [
        ("delta-ct-egfr-tki", 2 * 6 * 5 * (24 * 5 + 1), 116),
        ("brain-metastasis-dti", 4 * (60 * 5 + 1), 116),
        ("spine-nomogram-mri", 3 * 6, 676),
        ("deep-radscore-ct", 3 * 6 + 3 * 6 + 7 * 5 + 1, 151),
    ],
)
def test_the_presets_work(name: str, fits: int, trainings: int) -> None:
    work = training_work(load_protocol(name), [], 125)
    assert (work.fits, work.trainings) == (fits, trainings)


def test_habitats_count_as_many_as_there_are_at_least() -> None:
    few = training_work(protocol(sequences=["T1W"], regions=["habitats"], habitats={"k_min": 3}), [], 40)
    assert few.fits == 3 * 4


def test_a_protocol_without_sequences_has_those_of_the_cohort() -> None:
    assert training_work(protocol(), ["T1W", "PET", "CT"], 40).fits == 4 * 4


def test_the_sentence_says_what_for() -> None:
    text = TrainingWork(15, 100, 0, 0, 7260, 0.1).sentence()
    assert text == (
        "842,160 fits: everything is learned 116 times (the model, 15 in the nested cross-validation, 100 for the "
        "permutations), each time in up to 7,260 fits; --jobs distributes them over processes."
    )


def test_a_long_search_leaves_measuring_little_of_the_bar() -> None:
    long, short = (training_work(load_protocol(name), ["T1W"], 125) for name in ("delta-ct-egfr-tki", "general-mri"))
    assert 0.05 <= long.measuring < 0.2 < short.measuring <= 0.8
    less = training_work(load_protocol("general-mri"), ["T1W"], 20).measuring
    assert less < training_work(load_protocol("general-mri"), ["T1W"], 500).measuring


def test_a_cohort_without_images_has_nothing_to_learn() -> None:
    assert training_work(protocol(), [], 0).fits == 0
