"""What a study document says of habitats and of selection, against other ways to count."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.batch import CaseProblem
from HabitatRadiomicsLib.deep import load_network
from HabitatRadiomicsLib.outputs import json_text
from HabitatRadiomicsLib.stability import BootstrapFindings
from HabitatRadiomicsLib.study import compared, habitat_tests, sample_size, selection_frequency, shown_name
from HabitatRadiomicsLib.study_parts import told

from .made_up_tables import cohort, protocol


def _training(means: dict[str, np.ndarray]) -> Any:
    features = SimpleNamespace(populations=[{"T1W": None}], habitat_means=lambda training_set, sequence: means)
    return SimpleNamespace(study=SimpleNamespace(features=features))


def _exact_p(differences: np.ndarray) -> float:
    """Wilcoxon's signed-rank test by all signs."""
    ranks = np.argsort(np.argsort(np.abs(differences))) + 1
    middle = ranks.sum() / 2
    observed = abs(ranks[differences > 0].sum() - middle)
    sums = [ranks[np.array(signs)].sum() for signs in product([False, True], repeat=len(ranks))]
    return float(np.mean(np.abs(np.array(sums) - middle) >= observed - 1e-9))


def test_neighbouring_habitats_are_compared_pair_by_pair_over_the_cases_that_have_both() -> None:
    generator = np.random.default_rng(3)
    means = {name: generator.normal(place, 1, (9, 2)) for place, name in enumerate(("S1", "S2", "S3"))}
    means["S2"][4] = np.nan
    rows = habitat_tests(_training(means))
    assert [(row["quantity"], *row["habitats"]) for row in rows] == [
        ("entropy", "S1", "S2"), ("entropy", "S2", "S3"), ("intensity", "S1", "S2"), ("intensity", "S2", "S3"),
    ]  # fmt: skip
    rest = np.delete(np.arange(9), 4)
    for row in rows:
        first, second = (means[name][rest, 1 if row["quantity"] == "entropy" else 0] for name in row["habitats"])
        assert row["cases"] == 8
        assert row["p"] == pytest.approx(_exact_p(first - second))
        assert list(row["medians"].values()) == [np.median(first), np.median(second)]


def test_habitats_that_no_lesion_has_together_or_that_are_alike_leave_a_document_of_numbers() -> None:
    nan = np.full((4, 2), np.nan)
    apart = {"S1": np.vstack([nan, np.ones((4, 2))]), "S2": np.vstack([np.ones((4, 2)), nan])}
    assert habitat_tests(_training(apart)) == []
    alike = {"S1": np.ones((4, 2)), "S2": np.ones((4, 2))}
    rows = habitat_tests(_training(alike))
    assert [row["p"] for row in rows] == [1.0, 1.0]
    assert json_text(rows)


def test_selection_is_counted_over_folds_and_samples_of_the_chosen_candidate() -> None:
    folds = [
        SimpleNamespace(features={"T1W whole": ("a", "b"), "T1W S1": ("z",)}),
        SimpleNamespace(features={"T1W whole": ("a",)}),
        SimpleNamespace(features={"T1W S1": ("z",)}),
        SimpleNamespace(features={"T1W whole": ()}),
    ]
    training: Any = SimpleNamespace(
        learned=SimpleNamespace(chosen=SimpleNamespace(name="T1W whole")),
        validation=SimpleNamespace(folds=folds),
        stability=SimpleNamespace(bootstrap=BootstrapFindings(0.9, 0.1, 4, 4, {"a": 0.75, "c": 0.25})),
        model=SimpleNamespace(
            features=[
                SimpleNamespace(name="b", is_clinical=False),
                SimpleNamespace(name="clinical:age", is_clinical=True),
            ]
        ),
    )
    assert selection_frequency(training) == [
        {"feature": "b", "folds": 0.25, "bootstraps": 0.0, "in_model": True},
        {"feature": "a", "folds": 0.5, "bootstraps": 0.75, "in_model": False},
        {"feature": "c", "folds": 0.0, "bootstraps": 0.25, "in_model": False},
    ]


@pytest.mark.parametrize(
    ("regions", "sequences", "groups"),
    [(["whole"], ["T1W"], 1), (["whole", "ring", "S2"], ["T1W"], 3), (["whole", "habitats"], ["T1W", "T2FS"], 6)],
)
def test_candidate_features_are_counted_with_as_many_habitats_as_there_are_at_least(
    regions: list[str], sequences: list[str], groups: int
) -> None:
    lines = sample_size(cohort([0, 1] * 20), protocol(regions=regions, sequences=sequences))
    assert lines[0].startswith(f"The cohort has 40 cases with 20 events for {18 * groups} candidate parameters")


def test_of_two_time_points_values_at_the_first_and_changes_are_counted() -> None:
    settings = protocol(sequences=["CT", "PET"], timepoints={})
    lines = sample_size(cohort([0, 1] * 20), settings)
    assert f"for {18 * 2 * 2} candidate parameters" in lines[0]


def test_deep_features_are_counted_as_many_as_the_network_has() -> None:
    settings = protocol(sequences=["CT"], regions=["whole", "patch"], deep={"network": "synthetic-demo"})
    network = load_network("synthetic-demo")
    lines = sample_size(cohort([0, 1] * 20), settings)
    assert f"for {18 + network.dimensions} candidate parameters" in lines[0]


@pytest.mark.parametrize(
    ("where", "shown"),
    [
        ("CT whole", True), ("baseline CT whole", True), ("follow-up T2-FS S12", True), ("CT patch", True),
        ("images.csv row 3", False), ("Maria CT whole ring", False), ("CT S0", False), ("/data/CT whole", False),
    ],
)  # fmt: skip
def test_of_where_a_problem_lies_only_keys_and_regions_are_told(where: str, shown: bool) -> None:
    text = told(CaseProblem("P1", "features", "Too small.", where))
    assert text == (f"{where}: Too small." if shown else "Too small.")


@pytest.mark.parametrize(("nomogram", "name"), [(None, "chosen score"), (object(), "nomogram")])
def test_what_each_fold_chose_is_called_a_nomogram_where_the_model_is_one(nomogram: object, name: str) -> None:
    training: Any = SimpleNamespace(learned=SimpleNamespace(nomogram=nomogram))
    assert shown_name(training, "chosen score") == name
    assert shown_name(training, "T1W whole") == "T1W whole"


def test_scores_that_only_some_folds_have_are_not_among_those_compared() -> None:
    held_out = dict.fromkeys(["chosen score", "T1W S1", "T1W S2", "volume alone", "T1W S3"])
    candidates = [SimpleNamespace(name="T1W S1"), SimpleNamespace(name="T1W S2")]
    training: Any = SimpleNamespace(
        learned=SimpleNamespace(candidates=candidates), validation=SimpleNamespace(held_out=held_out)
    )
    assert compared(training) == ["chosen score", "T1W S1", "T1W S2", "volume alone"]
