"""Maps of one lesion: on the input's grid, inside the lesion, with numbers that add up."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.habitats import describe_lesion, fit_habitats, map_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.protocol import HabitatSettings, Preprocessing, Resampling


def _prepared(patient: SyntheticPatient, **settings: object) -> PreparedSequence:
    return prepare(patient.case.sequences["T2FS"], Preprocessing.model_validate(settings))


def _same_grid(one: sitk.Image, other: sitk.Image) -> bool:
    grids = [(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection()) for image in (one, other)]
    return grids[0] == grids[1]


def test_maps_have_the_geometry_of_an_oblique_input(patient: SyntheticPatient) -> None:
    prepared = _prepared(patient)
    found = map_habitats(prepared, HabitatSettings(), None, seed=1)
    assert prepared.source.image.GetDirection() != (1, 0, 0, 0, 1, 0, 0, 0, 1)
    assert _same_grid(found.labels, prepared.source.image)
    assert _same_grid(found.entropy, prepared.source.image)
    inside = sitk.GetArrayViewFromImage(prepared.source.mask) == 1
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(found.labels) > 0, inside)
    assert (sitk.GetArrayViewFromImage(found.entropy)[~inside] == 0).all()


def test_entropy_of_an_oblique_anisotropic_image_equals_brute_force(patient: SyntheticPatient) -> None:
    """Read from the map by place, as a viewer would; windows are counted by hand in the image's own slices."""
    prepared = _prepared(patient)
    found = map_habitats(prepared, HabitatSettings(), None, seed=1)
    image = sitk.GetArrayFromImage(prepared.source.image).astype(float)
    roi = sitk.GetArrayFromImage(prepared.source.mask) == 1
    low, high = image[roi].min(), image[roi].max()
    levels = np.minimum(np.floor((image - low) * 32 / (high - low)), 31)
    for k, j, i in np.argwhere(roi)[::37]:
        window = (k, slice(max(j - 4, 0), j + 5), slice(max(i - 4, 0), i + 5))
        p = np.unique(levels[window][roi[window]], return_counts=True)[1] / roi[window].sum()
        place = prepared.source.image.TransformIndexToPhysicalPoint((int(i), int(j), int(k)))
        value = found.entropy[found.entropy.TransformPhysicalPointToIndex(place)]
        assert abs(value - -(p * np.log2(p)).sum()) < 1e-5  # the map is stored in single precision


def test_statistics_add_up(patient: SyntheticPatient) -> None:
    prepared = _prepared(patient)
    found = map_habitats(prepared, HabitatSettings(), None, seed=1)
    mask = sitk.GetArrayViewFromImage(prepared.source.mask) == 1
    image = sitk.GetArrayViewFromImage(prepared.source.image)
    labels = sitk.GetArrayViewFromImage(found.labels)
    voxel_ml = np.prod(prepared.source.image.GetSpacing()) / 1000
    assert sum(row.voxels for row in found.statistics) == mask.sum()
    np.testing.assert_allclose(sum(row.volume_ml for row in found.statistics), mask.sum() * voxel_ml)
    np.testing.assert_allclose(sum(row.fraction for row in found.statistics), 1)
    np.testing.assert_allclose(found.statistics[0].intensity_mean, image[labels == 1].mean())
    entropies = [row.entropy_mean_bits for row in found.statistics]
    assert entropies == sorted(entropies)


def test_resampled_lesions_come_back_to_the_input_grid(patient: SyntheticPatient) -> None:
    prepared = _prepared(patient, resampling=Resampling(spacing=(1.5, 1.5, 3.0)))
    population = load_model("t790m-spine-demo").protocol.population["T2FS"]
    found = map_habitats(prepared, HabitatSettings(), population, seed=1)
    assert prepared.image.GetSize() != prepared.source.image.GetSize()
    assert _same_grid(found.labels, prepared.source.image)
    inside = sitk.GetArrayViewFromImage(prepared.source.mask) == 1
    # No voxel of the lesion is left without a habitat at the rim, where the two masks differ.
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(found.labels) > 0, inside)
    native = map_habitats(_prepared(patient), HabitatSettings(), population, seed=1)
    agreement = (sitk.GetArrayViewFromImage(found.labels) == sitk.GetArrayViewFromImage(native.labels))[inside].mean()
    assert agreement > 0.85


def test_core_and_margin_are_told_apart(patient: SyntheticPatient) -> None:
    """S2 of the demonstration's population is the planted core."""
    model = load_model("t790m-spine-demo")
    prepared = prepare(patient.case.sequences["T2FS"], model.protocol.preprocessing_of("T2FS"))
    found = map_habitats(prepared, model.protocol.habitats, model.protocol.population["T2FS"], seed=model.protocol.seed)
    image = sitk.GetArrayViewFromImage(prepared.source.image)
    labels = sitk.GetArrayViewFromImage(found.labels)
    lesion = image[labels > 0].astype(float)
    middle = (np.percentile(lesion, 5) + np.percentile(lesion, 90)) / 2
    core = (image > middle) & (labels > 0)
    dice = 2 * (core & (labels == 2)).sum() / (core.sum() + (labels == 2).sum())
    assert dice > 0.9


def test_without_a_population_the_output_says_so(patient: SyntheticPatient) -> None:
    prepared = _prepared(patient)
    found = map_habitats(prepared, HabitatSettings(), None, seed=1)
    assert found.model.of_one_patient
    assert any("own superpixels were clustered" in warning for warning in found.warnings)
    superpixels = describe_lesion(prepared, HabitatSettings(), seed=1).superpixels
    population = fit_habitats("T2FS", [superpixels, superpixels], HabitatSettings(), seed=1)
    applied = map_habitats(prepared, HabitatSettings(), population, seed=1)
    assert not any("own superpixels" in warning for warning in applied.warnings)


@pytest.mark.parametrize("storage", ["flipped along i", "flipped along j and k", "i and j exchanged"])
def test_habitats_do_not_depend_on_how_the_file_stores_its_axes(patient: SyntheticPatient, storage: str) -> None:
    def stored(image: sitk.Image) -> sitk.Image:
        if storage == "i and j exchanged":
            return sitk.PermuteAxes(image, [1, 0, 2])
        return sitk.Flip(image, [storage == "flipped along i", storage != "flipped along i", "k" in storage])

    sequence = patient.case.sequences["T2FS"]
    other = SequenceImage("T2FS", stored(sequence.image), stored(sequence.mask))
    one = map_habitats(_prepared(patient), HabitatSettings(), None, seed=1)
    two = map_habitats(prepare(other, Preprocessing()), HabitatSettings(), None, seed=1)
    assert one.model.centroids == two.model.centroids
    back = sitk.Resample(two.labels, one.labels, sitk.Transform(), sitk.sitkNearestNeighbor)
    np.testing.assert_array_equal(sitk.GetArrayViewFromImage(back), sitk.GetArrayViewFromImage(one.labels))


def test_a_large_field_of_view_changes_nothing_after_resampling(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T2FS"]
    settings = Preprocessing(resampling=Resampling(spacing=(1.5, 1.5, 4.0)))
    wide = SequenceImage(
        "T2FS",
        sitk.ConstantPad(sequence.image, [30, 30, 0], [30, 30, 0]),
        sitk.ConstantPad(sequence.mask, [30, 30, 0], [30, 30, 0]),
    )
    one, two = (map_habitats(prepare(each, settings), HabitatSettings(), None, seed=1) for each in (sequence, wide))
    back = sitk.Resample(two.labels, one.labels, sitk.Transform(), sitk.sitkNearestNeighbor)
    assert (sitk.GetArrayViewFromImage(back) == sitk.GetArrayViewFromImage(one.labels)).mean() > 0.995
