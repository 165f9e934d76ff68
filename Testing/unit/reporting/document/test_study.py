"""What a study document says of sample size, of where problems lie, and of the scores that are compared."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.features.deep import load_network
from HabitatRadiomicsLib.reporting.document.parts import told
from HabitatRadiomicsLib.reporting.document.study import compared, sample_size, shown_name

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
