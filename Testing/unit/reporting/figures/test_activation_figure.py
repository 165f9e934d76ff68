"""The heat in the picture lies where the activation is, over the slice that the network saw."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.synthetic.chest_ct import synthetic_ct_patient
from HabitatRadiomicsLib.features.deep import lesion_patch, load_network
from HabitatRadiomicsLib.features.deep.activation import activation_image
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.protocol import Preprocessing
from HabitatRadiomicsLib.reporting.figures.drawing import png_bytes
from HabitatRadiomicsLib.reporting.figures.slice_figures import activation_figure, largest_slice


def _prepared() -> PreparedSequence:
    settings = Preprocessing.model_validate({"resampling": {"spacing": [1, 1, 4]}})
    return prepare(synthetic_ct_patient(1, seed=21).case.sequences["CT"], settings)


def test_heat_is_shown_where_it_is() -> None:
    prepared = _prepared()
    network = load_network("synthetic-demo")
    patch, placement = lesion_patch(prepared.image, prepared.mask, network.metadata.patch)
    output = network.run(patch)
    assert network.metadata.head_weight is not None
    heat = activation_image(output, network.metadata.head_weight, placement, prepared.image)
    figure = activation_figure(prepared, heat, "areas that raise the score")
    view = largest_slice(prepared.mask)
    assert view.index == placement.slice_index
    plain, heated = figure.axes[:2]
    grey, shown = heated.get_images()
    np.testing.assert_array_equal(grey.get_array(), view.of(prepared.image))
    np.testing.assert_array_equal(shown.get_array(), view.of(heat))
    assert shown.get_extent() == grey.get_extent() == [0.0, view.width_mm, view.height_mm, 0.0]
    # Where there is no heat nothing is laid over the image.
    opacity = np.asarray(shown.get_alpha())
    np.testing.assert_array_equal(opacity == 0, view.of(heat) == 0)
    assert len(plain.get_images()) == 1
    assert plain.get_title().startswith("CT, slice ")


def test_the_picture_is_the_same_twice_also_without_heat() -> None:
    prepared = _prepared()
    empty = sitk.Cast(prepared.mask * 0, sitk.sitkFloat32)
    first, second = (png_bytes(activation_figure(prepared, empty, "nothing")) for _ in range(2))
    assert first == second
