"""Volumes of habitats before and after."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.extraction.habitat_changes import (
    HabitatChange,
    habitat_changes,
    habitat_volumes,
    write_habitat_changes,
)
from HabitatRadiomicsLib.extraction.maps import make_maps
from HabitatRadiomicsLib.protocol import Protocol

from ..two_time_points import images_of, protocol

_TWO = protocol()


def _case() -> Case:
    keyed = {f"{moment}_CT": pair for moment, pair in images_of(3, responds=True).items()}
    return Case("P03", {key: SequenceImage(key, *pair) for key, pair in keyed.items()})


def test_every_habitat_is_compared_and_the_lesion() -> None:
    volumes = {"baseline_CT": {"S1": 4.0, "S2": 1.0, "S3": 0.0}, "follow-up_CT": {"S1": 3.0, "S2": 0.0, "S3": 0.5}}
    rows = habitat_changes("P1", volumes, _TWO)
    assert [(row.habitat, row.baseline_ml, row.followup_ml, row.change_ml, row.percent) for row in rows] == [
        ("S1", 4.0, 3.0, -1.0, -25.0),
        ("S2", 1.0, 0.0, -1.0, -100.0),
        ("S3", 0.0, 0.5, 0.5, None),
        ("whole", 5.0, 3.5, -1.5, -30.0),
    ]
    assert {(row.case_id, row.sequence, row.scale) for row in rows} == {("P1", "CT", "baseline")}
    own = habitat_changes("P1", volumes, protocol(timepoints={"habitat_scale": "own"}))
    assert [row.change_ml for row in own] == [row.change_ml for row in rows]
    assert {row.scale for row in own} == {"own"}


@pytest.mark.parametrize(
    ("volumes", "settings"),
    [
        ({"baseline_CT": {"S1": 1.0}}, _TWO),
        ({"follow-up_CT": {"S1": 1.0}}, _TWO),
        ({"baseline_CT": {"S1": 1.0}, "follow-up_PET": {"S1": 1.0}}, _TWO),
        ({"CT": {"S1": 1.0}}, protocol(timepoints=None)),
        ({}, _TWO),
    ],
)
def test_nothing_to_compare(volumes: dict[str, dict[str, float]], settings: Protocol) -> None:
    assert habitat_changes("P1", volumes, settings) == ()


def test_table_reads_back(tmp_path: Path) -> None:
    rows = [HabitatChange("P1", "CT", "S1", 0.3, 0.1, "baseline"), HabitatChange("P1", "CT", "S2", 0.0, 0.2, "own")]
    write_habitat_changes(rows, tmp_path / "changes.csv")
    with (tmp_path / "changes.csv").open(newline="", encoding="utf-8") as stream:
        first, second = csv.DictReader(stream)
    assert float(first["change_ml"]) == 0.1 - 0.3
    assert float(first["change_percent"]) == pytest.approx(-100 * 2 / 3)
    assert (first["scale"], second["scale"]) == ("baseline", "own")
    assert (second["case_id"], second["habitat"], second["change_percent"]) == ("P1", "S2", "")


def test_a_follow_up_is_split_by_the_patients_own_habitats_at_baseline() -> None:
    """Without a population, and in whichever order the images come; their volumes are the masks' own."""
    case = _case()
    _, maps = make_maps(case, protocol())
    baseline, followup = maps["baseline_CT"], maps["follow-up_CT"]
    assert followup.model is baseline.model
    assert baseline.model.sequence == "CT"
    assert any("own superpixels" in text for text in baseline.warnings)
    turned = Case(case.case_id, dict(reversed(case.sequences.items())))
    again = make_maps(turned, protocol())[1]
    assert list(again) == ["follow-up_CT", "baseline_CT"]
    assert again["follow-up_CT"].statistics == followup.statistics
    for key, volumes in habitat_volumes(maps).items():
        mask = case.sequences[key].mask
        voxels = int(sitk.GetArrayFromImage(mask).sum())
        assert sum(volumes.values()) == pytest.approx(voxels * float(np.prod(mask.GetSpacing())) / 1000)
        assert tuple(volumes) == baseline.model.names


def test_a_single_time_point_is_split_by_itself() -> None:
    case = _case()
    alone = Case(case.case_id, {"follow-up_CT": case.sequences["follow-up_CT"]})
    [found] = make_maps(alone, protocol(timepoints={"habitat_scale": "own"}))[1].values()
    assert any("own superpixels" in text for text in found.warnings)
