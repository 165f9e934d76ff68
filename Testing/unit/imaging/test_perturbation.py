"""Perturbed copies: exact where a closed form exists, reproducible, and refused where the lesion leaves the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from pydantic import ValidationError

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.cases.geometry import check_same_grid
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient
from HabitatRadiomicsLib.errors import MaskError
from HabitatRadiomicsLib.extraction.regions import measure_regions
from HabitatRadiomicsLib.features import choose_engine
from HabitatRadiomicsLib.imaging import prepare
from HabitatRadiomicsLib.imaging.perturbation import moved_grid, noise_level, perturbation_names, perturbed_case
from HabitatRadiomicsLib.protocol import Preprocessing, RobustnessSettings, protocol_from
from HabitatRadiomicsLib.system.provenance import image_digest

_NOTHING = {"noise": 0, "translation": 0, "rotation_degrees": 0, "contour_mm": 0}
_STILL = (0.0, 0.0, 0.0)


def _settings(**only: Any) -> RobustnessSettings:
    """Three copies, perturbed only in the ways that are named."""
    return RobustnessSettings(**{"copies": 3, **_NOTHING, **only})


def _sequence(array: np.ndarray, mask: np.ndarray, spacing: tuple[float, float, float] = (1, 1, 1)) -> SequenceImage:
    """On an oblique grid."""
    images = []
    angle = np.deg2rad(12)
    for voxels in (array, mask.astype(np.uint8)):
        image = sitk.GetImageFromArray(voxels)
        image.SetSpacing(spacing)
        image.SetOrigin((-31.5, 12.25, 80.0))
        image.SetDirection((1, 0, 0, 0, np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle)))
        images.append(image)
    return SequenceImage("T1W", *images, warnings=("a warning",))


@pytest.fixture
def block() -> SequenceImage:
    array = np.random.default_rng(1).normal(300, 60, (14, 30, 30))
    mask = np.zeros(array.shape)
    mask[4:10, 9:20, 8:22] = 1
    mask[5, 9:12, 8:12] = 0
    return _sequence(array, mask, (0.9, 0.9, 3.0))


def _copies(case: Case, settings: RobustnessSettings, *, seed: int) -> dict[str, Case]:
    return dict(perturbed_case(case, settings, number, seed=seed) for number in range(1, settings.copies + 1))


def _copies_of(sequence: SequenceImage, settings: RobustnessSettings) -> dict[str, SequenceImage]:
    copies = _copies(Case("a", {sequence.name: sequence}), settings, seed=1)
    return {name: copy.sequences[sequence.name] for name, copy in copies.items()}


def _features(sequence: SequenceImage) -> dict[str, float]:
    protocol = protocol_from(
        {
            "name": "a",
            "title": "a",
            "sequences": ["T1W"],
            "features": {"images": {"wavelet": None, "square": False, "square_root": False, "logarithm": False,
                                    "exponential": False, "lbp_2d": False, "log_sigmas": []}},
        },
        where="test",
    )  # fmt: skip
    prepared = prepare(sequence, Preprocessing())
    return measure_regions(prepared, {"whole": prepared.mask}, protocol, choose_engine(protocol.features))


def _array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def _voxels(mask: sitk.Image) -> int:
    return int(_array(mask).sum())


def _centre(mask: sitk.Image) -> np.ndarray:
    index = np.argwhere(_array(mask)).mean(axis=0)[::-1]
    return np.array(mask.TransformContinuousIndexToPhysicalPoint(index.tolist()))


@pytest.mark.parametrize(("interpolator", "tolerance"), [("bspline", 1e-6), ("linear", 1e-5)])
def test_a_translation_by_whole_voxels_changes_no_feature(
    block: SequenceImage, interpolator: str, tolerance: float
) -> None:
    """To the places of grids, which are rounded to 1e-7 mm; linear interpolation has corners there."""
    moved = moved_grid(block, translation=(3.0, -2.0, 1.0), rotation_degrees=0, interpolator=interpolator)
    np.testing.assert_array_equal(_array(moved.mask)[:-1, 2:, :-3], _array(block.mask)[1:, :-2, 3:])
    there, here = _array(moved.image)[:-1, 2:, :-3], _array(block.image)[1:, :-2, 3:]
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-4)
    expected, found = _features(block), _features(moved)
    assert len(expected) == 14 + 2 * 93  # shape, the image and its gradient
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=tolerance, atol=tolerance)


def test_a_quarter_turn_turns_the_voxels() -> None:
    generator = np.random.default_rng(2)
    array, mask = generator.normal(size=(6, 21, 21)), np.zeros((6, 21, 21))
    mask[1:5, 6:15, 8:13] = 1
    sequence = _sequence(array, mask, (0.8, 0.8, 3.0))
    moved = moved_grid(sequence, translation=_STILL, rotation_degrees=90)
    np.testing.assert_allclose(_array(moved.image), np.rot90(array, axes=(1, 2)), atol=1e-8)
    np.testing.assert_array_equal(_array(moved.mask), np.rot90(mask, axes=(1, 2)))


def test_no_movement_is_the_same_image(block: SequenceImage) -> None:
    assert moved_grid(block, translation=_STILL, rotation_degrees=0.0) is block
    nearly = moved_grid(block, translation=(1e-12, 0, 0), rotation_degrees=1e-9)
    np.testing.assert_allclose(_array(nearly.image), _array(block.image), atol=1e-6)
    np.testing.assert_array_equal(_array(nearly.mask), _array(block.mask))


@pytest.mark.parametrize("interpolator", ["bspline", "linear"])
def test_half_a_voxel_on_a_ramp(interpolator: str) -> None:
    k, j, i = np.meshgrid(np.arange(20.0), np.arange(40.0), np.arange(40.0), indexing="ij")
    mask = (abs(i - 20) < 6) & (abs(j - 20) < 6) & (abs(k - 10) < 3)
    ramp = _sequence(2 * i - 3 * j + 5 * k, mask, (0.7, 1.1, 2.5))
    moved = moved_grid(ramp, translation=(0.5, 0.25, -0.5), rotation_degrees=0, interpolator=interpolator)
    inside = _array(ramp.mask) == 1
    np.testing.assert_allclose(_array(moved.image)[inside], (_array(ramp.image) + 1 - 0.75 - 2.5)[inside], atol=1e-3)


def test_the_patient_stays_where_it_is(block: SequenceImage) -> None:
    for angle in (-7.0, 3.0, 30.0):
        moved = moved_grid(block, translation=(0.4, -0.3, 0.0), rotation_degrees=angle)
        check_same_grid(moved.image, moved.mask, where="test")
        assert np.abs(_centre(moved.mask) - _centre(block.mask)).max() < 0.45
        directions = [np.array(image.GetDirection()).reshape(3, 3) for image in (block.image, moved.image)]
        np.testing.assert_allclose(directions[1][:, 2], directions[0][:, 2], atol=1e-9)
        turned = np.rad2deg(np.arccos(directions[0][:, 0] @ directions[1][:, 0]))
        assert turned == pytest.approx(abs(angle), abs=1e-4)
        assert _voxels(moved.mask) == pytest.approx(_voxels(block.mask), rel=0.03)
        assert moved.warnings == block.warnings


def test_a_lesion_that_leaves_the_image_is_refused(block: SequenceImage) -> None:
    array, mask = _array(block.image), np.zeros((14, 30, 30))
    mask[0:4, 9:20, 8:22] = 1
    at_edge = _sequence(array, mask)
    # Half a voxel beyond the first slice's centre is still that slice.
    assert _array(moved_grid(at_edge, translation=(0, 0, 0.5), rotation_degrees=0).mask).any()
    with pytest.raises(MaskError, match=r"T1W: The lesion lies at the edge .* 154 of its 616 voxels .* Crop the image"):
        moved_grid(at_edge, translation=(0, 0, 0.75), rotation_degrees=0)
    with pytest.raises(MaskError, match="616 of its 616 voxels"):
        moved_grid(at_edge, translation=(0, 0, 20), rotation_degrees=0)
    mask = np.zeros((14, 30, 30))
    mask[4:10, 0:11, 8:22] = 1
    with pytest.raises(MaskError, match="at the edge"):
        moved_grid(_sequence(array, mask), translation=_STILL, rotation_degrees=15)


def test_a_lesion_that_vanishes_is_refused(block: SequenceImage) -> None:
    mask = np.zeros((14, 30, 30))
    mask[6, 12:14, 12] = 1
    with pytest.raises(MaskError, match="T1W: Nothing is left of the lesion"):
        moved_grid(_sequence(_array(block.image), mask), translation=(0.4, 0, 0.4), rotation_degrees=0)


def test_noise_is_of_the_images_own_level(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T1W"]
    level = noise_level(sequence.image, sequence.mask)
    for copy in _copies_of(sequence, _settings(noise=2.0)).values():
        added = _array(copy.image) - _array(sequence.image)
        assert added.std() == pytest.approx(2 * level, rel=0.02)
        assert abs(added.mean()) < 0.1 * level
        assert image_digest(copy.mask) == image_digest(sequence.mask)


def test_each_amplitude_of_0_leaves_its_step_out(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T1W"]
    contour = _copies_of(sequence, _settings(contour_mm=1.0))
    assert all(copy.image is sequence.image for copy in contour.values())
    assert len({image_digest(copy.mask) for copy in contour.values()} | {image_digest(sequence.mask)}) == 4
    turned = _copies_of(sequence, _settings(rotation_degrees=5.0))
    shifted = _copies_of(sequence, _settings(translation=0.5))
    assert len({copy.image.GetDirection() for copy in turned.values()}) == 3
    assert {copy.image.GetDirection() for copy in shifted.values()} == {sequence.image.GetDirection()}
    for copy in shifted.values():
        steps = np.abs(sequence.image.TransformPhysicalPointToContinuousIndex(copy.image.GetOrigin()))
        assert (steps > 0).all()
        assert (steps <= 0.5).all()


def test_one_step_does_not_change_the_random_numbers_of_another(patient: SyntheticPatient) -> None:
    sequence = patient.case.sequences["T1W"]
    with_noise = _copies_of(sequence, RobustnessSettings(copies=3))
    without = _copies_of(sequence, RobustnessSettings(copies=3, noise=0))
    for name, copy in with_noise.items():
        assert image_digest(copy.mask) == image_digest(without[name].mask)
        assert image_digest(copy.image) != image_digest(without[name].image)


def _digests(cases: dict[str, Case]) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (name, key): (image_digest(sequence.image), image_digest(sequence.mask))
        for name, case in cases.items()
        for key, sequence in case.sequences.items()
    }


def test_a_case_gets_the_same_copies_whatever_is_beside_it(patient: SyntheticPatient) -> None:
    settings = RobustnessSettings(copies=2)
    expected = _digests(_copies(patient.case, settings, seed=7))
    assert len({mask for _, mask in expected.values()}) == 4
    assert _digests(_copies(patient.case, settings, seed=7)) == expected
    more = _digests(_copies(patient.case, RobustnessSettings(copies=3), seed=7))
    assert {place: more[place] for place in expected} == expected
    single = Case(patient.case.case_id, {"T2FS": patient.case.sequences["T2FS"]})
    alone = _digests(_copies(single, settings, seed=7))
    assert alone == {place: found for place, found in expected.items() if place[1] == "T2FS"}
    assert _digests(dict([perturbed_case(patient.case, settings, 2, seed=7)])).items() <= expected.items()
    for other in (
        _copies(Case("somebody-else", patient.case.sequences), settings, seed=7),
        _copies(patient.case, settings, seed=8),
    ):
        assert not set(_digests(other).values()) & set(expected.values())


def test_the_result_does_not_depend_on_threads(patient: SyntheticPatient) -> None:
    settings = RobustnessSettings(copies=1)
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        found = []
        for count in (1, 4):
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(count)
            found.append(_digests(_copies(patient.case, settings, seed=1)))
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    assert found[0] == found[1]


def test_sequences_move_alike_each_on_its_own_grid(patient: SyntheticPatient) -> None:
    for copy in _copies(patient.case, _settings(translation=0.5, rotation_degrees=5), seed=3).values():
        angles, fractions = [], []
        for name, moved in copy.sequences.items():
            source = patient.case.sequences[name]
            old, new = (np.array(image.GetDirection()).reshape(3, 3) for image in (source.image, moved.image))
            turn = old.T @ new
            angles.append(np.arctan2(turn[1, 0], turn[0, 0]))
            centre = _centre(source.mask)
            # Where the centre of rotation lies on either grid: what remains is the translation.
            places = [grid.TransformPhysicalPointToContinuousIndex(centre) for grid in (source.image, moved.image)]
            fractions.append(turn @ (np.subtract(*places) * source.image.GetSpacing()))
            fractions[-1] = np.array(fractions[-1]) / source.image.GetSpacing()
        assert angles[0] == pytest.approx(angles[1], abs=1e-7)
        np.testing.assert_allclose(fractions[0], fractions[1], atol=1e-5)
        assert (np.abs(fractions[0]) <= 0.5).all()


def test_sequences_of_one_grid_share_the_contours_error_and_not_the_noise(patient: SyntheticPatient) -> None:
    first = patient.case.sequences["T1W"]
    case = Case("a", {"T1W": first, "T2W": SequenceImage("T2W", first.image, first.mask)})
    for copy in _copies(case, RobustnessSettings(copies=2), seed=3).values():
        one, other = copy.sequences.values()
        assert image_digest(one.mask) == image_digest(other.mask)
        assert image_digest(one.image) != image_digest(other.image)


def test_default_copies_stay_near_the_lesion(patient: SyntheticPatient) -> None:
    settings = RobustnessSettings()
    assert perturbation_names(settings) == tuple(f"copy-{number:02d}" for number in range(1, 11))
    found = _copies(patient.case, settings, seed=1)
    assert tuple(found) == perturbation_names(settings)
    for case in found.values():
        assert case.case_id == patient.case.case_id
        for name, copy in case.sequences.items():
            source = patient.case.sequences[name]
            assert _voxels(copy.mask) == pytest.approx(_voxels(source.mask), rel=0.25)
            assert np.abs(_centre(copy.mask) - _centre(source.mask)).max() < 2.5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_NOTHING, "at least one of noise, translation, rotation_degrees and contour_mm"),
        ({"icc": "4,1"}, "1,1"),
        ({"threshold": 0}, "greater than 0"),
        ({"copies": 0}, "greater than or equal to 1"),
        ({"maximum_volume_change": 1.0}, "less than 1"),
        ({"translation": 2}, "less than or equal to 1"),
        ({"supervoxels": 10}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        RobustnessSettings.model_validate(change)


def test_a_protocol_can_ask_for_it() -> None:
    document = {"name": "a", "title": "a", "robustness": {"threshold": 0.75, "icc": "3,1", "copies": 4}}
    found = protocol_from(document, where="test").robustness
    assert found is not None
    assert (found.threshold, found.icc, found.copies) == (0.75, "3,1", 4)
    assert protocol_from({"name": "a", "title": "a"}, where="test").robustness is None
    assert RobustnessSettings().threshold == 0.8


def test_time_points_move_each_for_themselves(patient: SyntheticPatient) -> None:
    """As a patient does who lies in the scanner again and is outlined again; sequences of one time point move alike."""
    sequence = patient.case.sequences["T1W"]
    case = Case(
        patient.case.case_id, {f"{moment}_{name}": sequence for moment in ("baseline", "week6") for name in ("A", "B")}
    )
    settings = _settings(translation=0.5, rotation_degrees=5)
    _, copy = perturbed_case(case, settings, 1, seed=3)
    grids = {key: (moved.image.GetOrigin(), moved.image.GetDirection()) for key, moved in copy.sequences.items()}
    assert grids["baseline_A"] == grids["baseline_B"]
    assert grids["week6_A"] == grids["week6_B"]
    assert grids["baseline_A"] != grids["week6_A"]
    alone = Case(case.case_id, {"week6_A": sequence})
    _, again = perturbed_case(alone, settings, 1, seed=3)
    assert image_digest(again.sequences["week6_A"].image) == image_digest(copy.sequences["week6_A"].image)
