"""What a study document says of sample size, problems, the scores that are compared, and of chance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.features.deep import load_network
from HabitatRadiomicsLib.reporting.document.learning import shown_name
from HabitatRadiomicsLib.reporting.document.parts import counted_problems, problem_text
from HabitatRadiomicsLib.reporting.document.study import ProblemCount
from HabitatRadiomicsLib.reporting.document.training import compared, sample_size, selection_frequency, stability_parts
from HabitatRadiomicsLib.validation.stability import BootstrapFindings, CurvePoint, Stability

from ...made_up_tables import cohort, protocol


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
    text = problem_text(CaseProblem("P1", "features", "Too small.", where))
    assert text == (f"{where}: Too small." if shown else "Too small.")


def test_what_an_unforeseen_error_says_is_not_told() -> None:
    """Its text may hold a path, and in that the name of a patient."""
    problem = CaseProblem("P1", "features", "Unexpected OSError: /data/Maria Muster/T1W.nrrd: no room.", "CT whole")
    assert problem_text(problem) == "CT whole: Unexpected OSError."
    assert counted_problems([problem, problem]) == [
        ProblemCount(step="features", count=2, problem="CT whole: Unexpected OSError.")
    ]


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
    assert [row.model_dump() for row in selection_frequency(training)] == [
        {"feature": "b", "folds": 0.25, "bootstraps": 0.0, "in_model": True},
        {"feature": "a", "folds": 0.5, "bootstraps": 0.75, "in_model": False},
        {"feature": "c", "folds": 0.0, "bootstraps": 0.25, "in_model": False},
    ]


def test_what_was_not_asked_for_is_null() -> None:
    training: Any = SimpleNamespace(stability=Stability(None, None, ()))
    assert stability_parts(training) == {"permutation": None, "optimism": None, "learning_curve": None}


def test_optimism_and_learning_curve_are_told_in_numbers() -> None:
    curve = (CurvePoint(8, (0.9, 0.8), (0.5, 0.7)), CurvePoint(16, (0.9,), (0.8,)))
    training: Any = SimpleNamespace(stability=Stability(None, BootstrapFindings(0.9, 0.1, 4, 5, {}), curve))
    found = stability_parts(training)
    assert found["optimism"].model_dump() == {
        "apparent": 0.9,
        "optimism": 0.1,
        "corrected": pytest.approx(0.8),
        "count": 4,
    }
    assert [point.model_dump() for point in found["learning_curve"]] == [
        {"cases": 8, "auc_mean": pytest.approx(0.6), "auc_sd": pytest.approx(0.02**0.5)},
        {"cases": 16, "auc_mean": 0.8, "auc_sd": 0.0},
    ]
