"""Limits of the ring, voxel by voxel on anisotropic grids, and from a label image to the measured region."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.reading import checked_sequence
from HabitatRadiomicsLib.cases.synthetic.chest_ct import labels_of, synthetic_ct_patient
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.imaging import prepare, ring_of
from HabitatRadiomicsLib.imaging.perturbation import moved_grid
from HabitatRadiomicsLib.imaging.ring import body_of, limited_ring
from HabitatRadiomicsLib.protocol import Protocol, RingLimits

_SPACING = (0.7, 1.3, 2.9)


def _image(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(_SPACING)
    return image


def _protocol(**settings: object) -> Protocol:
    plain = {"name": "ct", "title": "CT", "regions": ["ring"], "ring_mm": 5, "ring_limits": {}}
    return Protocol.model_validate({**plain, **settings})


def _parts(tissue: np.ndarray) -> list[set[tuple[int, ...]]]:
    """Voxels connected by faces, in the order of their first voxel: a flood, one voxel at a time."""
    found, seen = [], set()
    for start in product(*map(range, tissue.shape)):
        if not tissue[start] or start in seen:
            continue
        part, queue = {start}, deque([start])
        while queue:
            place = queue.popleft()
            for axis, step in product(range(tissue.ndim), (-1, 1)):
                beside = tuple(value + step * (axis == other) for other, value in enumerate(place))
                inside = all(0 <= value < size for value, size in zip(beside, tissue.shape))
                if inside and tissue[beside] and beside not in part:
                    part.add(beside)
                    queue.append(beside)
        seen |= part
        found.append(part)
    return found


def _body(voxels: np.ndarray, air_below: float) -> np.ndarray:
    parts = _parts(voxels >= air_below)
    largest = max(parts, key=len)  # the first of equal ones
    body = np.zeros(voxels.shape, dtype=bool)
    body[tuple(np.array(sorted(largest)).T)] = True
    for k in range(len(body)):
        for hole in _parts(~body[k]):
            rows, columns = zip(*hole)
            if (
                min(rows) > 0
                and min(columns) > 0
                and max(rows) < body.shape[1] - 1
                and max(columns) < body.shape[2] - 1
            ):
                body[k][rows, columns] = True
    return body


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limits", [{}, {"body": False}, {"other_labels": False}, {"air_below": -250.0}])
def test_each_voxel_of_the_ring_is_judged_alone(seed: int, limits: dict[str, object]) -> None:
    generator = np.random.default_rng(seed)
    voxels = np.rint(generator.normal(-350, 300, (5, 9, 11))).astype(np.int16)
    ring = (generator.random(voxels.shape) < 0.5).astype(np.uint8)
    others = (generator.random(voxels.shape) < 0.2).astype(np.uint8)
    settings = RingLimits.model_validate(limits)
    found = sitk.GetArrayFromImage(limited_ring(_image(ring), _image(voxels), settings, _image(others)))
    body = _body(voxels, float(settings.air_below))
    expected = np.zeros(ring.shape, dtype=np.uint8)
    for place in product(*map(range, ring.shape)):
        air = voxels[place] < settings.air_below
        out = settings.body and not body[place]
        other = settings.other_labels and others[place]
        expected[place] = bool(ring[place]) and not (air or out or other)
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.sum() < ring.sum()


def test_air_in_the_body_is_body_and_tables_are_not() -> None:
    voxels = np.full((3, 12, 14), -1000.0)
    voxels[:, 2:9, 2:12] = 40
    voxels[:, 4:7, 4:7] = -850  # lung, closed in every slice
    voxels[1, 5, 11] = -850  # a notch in the skin is outside
    voxels[:, 11, :] = 100  # the table
    body = body_of(voxels, -400)
    expected = np.zeros(voxels.shape, dtype=bool)
    expected[:, 2:9, 2:12] = True
    expected[1, 5, 11] = False
    np.testing.assert_array_equal(body, expected)
    # Without a threshold for air Otsu's gives the same here.
    voxels += np.random.default_rng(1).normal(0, 15, voxels.shape)
    np.testing.assert_array_equal(body_of(voxels, None), expected)
    assert body_of(np.full((2, 3, 3), 7.0), None).all()


def test_the_ring_of_a_tumour_at_the_chest_wall_stays_in_its_tissue() -> None:
    sequence = synthetic_ct_patient(3, seed=11).case.sequences["CT"]
    prepared = prepare(sequence, _protocol().preprocessing)
    wide = sitk.GetArrayFromImage(ring_of(prepared, _protocol(ring_limits=None))) == 1
    ring = sitk.GetArrayFromImage(ring_of(prepared, _protocol())) == 1
    voxels = sitk.GetArrayFromImage(sequence.image)
    other = sitk.GetArrayFromImage(sequence.others) == 1
    np.testing.assert_array_equal(ring, wide & (voxels >= -400) & ~other)
    assert (wide & other).any()
    assert (wide & (voxels < -400)).any()
    with_air = _protocol(ring_limits={"air_below": None, "other_labels": False})
    inside = sitk.GetArrayFromImage(ring_of(prepared, with_air)) == 1
    np.testing.assert_array_equal(inside, wide & body_of(voxels, None))


def test_limits_are_about_hounsfield_units_whatever_the_protocol_makes_of_them() -> None:
    sequence = synthetic_ct_patient(2, seed=11).case.sequences["CT"]
    plain = ring_of(prepare(sequence, _protocol().preprocessing), _protocol())
    normalised = _protocol(
        preprocessing={"window": {"lower": -160, "upper": 240}, "normalisation": {"scope": "roi", "scale": 1}}
    )
    found = ring_of(prepare(sequence, normalised.preprocessing), normalised)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(plain))


def test_limits_follow_a_resampled_image() -> None:
    sequence = synthetic_ct_patient(2, seed=11).case.sequences["CT"]
    protocol = _protocol(preprocessing={"resampling": {"spacing": [1, 1, 2], "interpolator": "linear"}})
    prepared = prepare(sequence, protocol.preprocessing)
    assert prepared.others is not None
    assert prepared.others.GetSize() == prepared.mask.GetSize()
    wide = sitk.GetArrayFromImage(ring_of(prepared, protocol.model_copy(update={"ring_limits": None}))) == 1
    ring = sitk.GetArrayFromImage(ring_of(prepared, protocol)) == 1
    other = sitk.GetArrayFromImage(prepared.others) == 1
    voxels = sitk.GetArrayFromImage(prepared.image)
    np.testing.assert_array_equal(ring, wide & (voxels >= -400) & ~other & body_of(voxels, -400))


def test_nothing_left_is_told_with_what_took_it() -> None:
    voxels = np.full((3, 8, 8), 40.0)
    voxels[:, :, 6:] = -1000
    ring, others = np.zeros((2, *voxels.shape), dtype=np.uint8)
    ring[1, 2:5, 5:7] = 1
    others[1, :, 5] = 1
    with pytest.raises(RegionError) as caught:
        limited_ring(_image(ring), _image(voxels), RingLimits(), _image(others))
    lost = "3 are air, 0 are outside of the body, 3 are in another label"
    assert str(caught.value).startswith(f"ring: Nothing is left of the ring: of its 6 voxels {lost}.")


def test_other_labels_come_from_the_masks_file() -> None:
    sequence = synthetic_ct_patient(0, seed=11).case.sequences["CT"]
    labels = labels_of(sequence)
    read = checked_sequence("CT", sequence.image, labels, label=1)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read.mask), sitk.GetArrayFromImage(sequence.mask))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read.others), sitk.GetArrayFromImage(sequence.others))
    assert checked_sequence("CT", sequence.image, sequence.mask).others is None
    # The node as the lesion: the tumour is what is beside it.
    other_way = checked_sequence("CT", sequence.image, labels, label=2)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(other_way.others), sitk.GetArrayFromImage(sequence.mask))


def test_other_labels_come_along_to_the_images_grid_and_to_moved_ones() -> None:
    sequence = synthetic_ct_patient(0, seed=11).case.sequences["CT"]
    larger = sitk.ConstantPad(labels_of(sequence), [4, 4, 2], [4, 4, 2], 0)
    read = checked_sequence("CT", sequence.image, larger, label=1, resample_mask=True)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(read.others), sitk.GetArrayFromImage(sequence.others))
    moved = moved_grid(sequence, translation=(1.0, 0.0, 0.0), rotation_degrees=0)
    expected = sitk.GetArrayFromImage(sequence.others)[:, :, 1:]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(moved.others)[:, :, :-1], expected)
    assert moved_grid(replace(sequence, others=None), translation=(1.0, 0.0, 0.0), rotation_degrees=0).others is None
