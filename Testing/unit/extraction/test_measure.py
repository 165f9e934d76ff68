"""What is refused is told with its place in words: time point, sequence and region."""

from __future__ import annotations

from dataclasses import replace

import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.extraction.regions import measure_regions, regions_of
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.protocol import Preprocessing
from HabitatRadiomicsLib.reporting.document.parts import problem_text

from ..two_time_points import protocol


def _prepared(image: sitk.Image, mask: sitk.Image) -> PreparedSequence:
    return prepare(SequenceImage("follow-up_CT", image, mask), Preprocessing())


def test_a_region_that_is_too_small(tiny_image: sitk.Image, tiny_mask: sitk.Image) -> None:
    settings = protocol()
    features = settings.features.model_copy(update={"minimum_region_voxels": 10_000})
    settings = settings.model_copy(update={"features": features})
    with pytest.raises(RegionError) as error:
        measure_regions(_prepared(tiny_image, tiny_mask), {"whole": tiny_mask}, settings, choose_engine(features))
    assert error.value.where == "follow-up CT whole"
    # So a report may tell it: it is a place in the study, and no file of a patient.
    problem = CaseProblem("P1", "features", error.value.problem, error.value.where)
    assert problem_text(problem) == f"follow-up CT whole: {error.value.problem}"
    assert problem_text(replace(problem, where="/data/follow-up_CT whole")) == error.value.problem


def test_habitats_that_were_not_made(tiny_image: sitk.Image, tiny_mask: sitk.Image) -> None:
    with pytest.raises(RegionError) as error:
        regions_of(_prepared(tiny_image, tiny_mask), None, ["S1"], protocol())
    assert error.value.where == "follow-up CT"
