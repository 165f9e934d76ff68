"""Pictures of the slice views beside those that were looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import slicer
import vtk
from slice_pictures import without_legend
from vtk.util import numpy_support

from HabitatRadiomicsLib.scene import views
from HabitatRadiomicsLib.scene.result_nodes import ResultNodes

if TYPE_CHECKING:
    from standin.headless import StandIn
    from standin.slice_view import SliceView

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "HABITAT_RADIOMICS_UPDATE_PICTURES"
#: As painters see them: mean difference, of 255, and how many pixels differ by more than 30.
MEAN_LIMIT, SHARE_LIMIT = 1.5, 0.01
GOLDEN_PICTURES = {"maps-axial": ("T1W", None, "Red"), "core-sagittal": ("T2FS", "S2", "Yellow")}


def draw(application: StandIn, results: ResultNodes, picture: str) -> SliceView:
    sequence, region, name = GOLDEN_PICTURES[picture]
    if region is None:
        views.show_maps(slicer.mrmlScene, results, sequence)
    else:
        views.show_habitat(slicer.mrmlScene, results, sequence, region)
    # Filled, so that a fault in them is many pixels and not a line's.
    views.set_habitat_opacity(results, 0.5)
    return application.slice_views[name]


def read_picture(path: Path) -> np.ndarray:
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(path))
    reader.Update()
    image = reader.GetOutput()
    width, height, _ = image.GetDimensions()
    return numpy_support.vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, 3)[::-1].astype(int)


def is_like(picture: np.ndarray, golden: np.ndarray) -> bool:
    difference = np.abs(picture - golden)
    return difference.mean() <= MEAN_LIMIT and (difference.max(axis=2) > 30).mean() <= SHARE_LIMIT


@pytest.mark.parametrize("picture", GOLDEN_PICTURES)
def test_the_picture_is_the_golden_one(application: StandIn, results: ResultNodes, picture: str) -> None:
    """Drawn anew with the environment variable of :data:`UPDATE`; look at it then."""
    path = GOLDEN / f"{picture}.png"
    view = draw(application, results, picture)
    if os.environ.get(UPDATE):
        path.parent.mkdir(exist_ok=True)
        view.save(path)
    assert path.stat().st_size <= 60_000
    assert is_like(view.pixels().astype(int), read_picture(path))


@pytest.mark.parametrize("picture", GOLDEN_PICTURES)
@pytest.mark.parametrize("fault", ["no habitats", "no entropy", "no legend", "smoothed", "shifted", "other colours"])
def test_a_picture_with_a_fault_is_not_the_golden_one(
    application: StandIn, scene: object, results: ResultNodes, picture: str, fault: str
) -> None:
    view = draw(application, results, picture)
    sequence = GOLDEN_PICTURES[picture][0]
    segmentation, volume = results.habitats[sequence], results.entropy[sequence]
    if fault == "no habitats":
        segmentation.SetDisplayVisibility(False)
    elif fault == "no entropy":
        views.set_overlay(scene, results, volume, 0)
    elif fault == "no legend":
        without_legend(results)
    elif fault == "smoothed":
        volume.GetDisplayNode().SetInterpolate(1)
        views.set_overlay(scene, results, volume, 1)
    elif fault == "shifted":
        volume.SetOrigin(*np.add(volume.GetOrigin(), 6))
    else:
        segmentation.GetSegmentation().GetSegment("S2").SetColor(0.0, 0.6, 0.45)
    assert not is_like(view.pixels().astype(int), read_picture(GOLDEN / f"{picture}.png"))
