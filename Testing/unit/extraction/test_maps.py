"""Habitats of one patient: on the scale of the baseline they are the same tissue at both time points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.extraction.habitat_changes import HabitatChange, habitat_changes, habitat_volumes
from HabitatRadiomicsLib.extraction.maps import make_maps, scale_for
from HabitatRadiomicsLib.habitats import HabitatMap
from HabitatRadiomicsLib.protocol import ChoiceOfK, HabitatModel, Protocol

from ..two_time_points import protocol

_SIZE, _SPACING = (10, 40, 40), (0.8, 0.8, 2.5)
_ML = float(np.prod(_SPACING)) / 1000
#: HU; the noise is far smaller than what lies between the tissues.
_MARGIN, _CORE, _NECROSIS, _NOISE = 40.0, 90.0, 0.0, 3.0
#: Intensities above the baseline's mean are core, whatever their entropy; of equal entropy the darker one is S1.
_BY_INTENSITY = HabitatModel(
    sequence="CT", centroids=((-1.0, 0.0), (1.0, 0.0)), patients=9, superpixels=270,
    choice=ChoiceOfK(chosen=2, rule="planted", candidates=()),
)  # fmt: skip

_Draw = Callable[[np.ndarray], np.ndarray]


def _distance() -> np.ndarray:
    k, j, i = np.indices(_SIZE)
    return np.sqrt(((k - 4.5) / 4.2) ** 2 + ((j - 19.5) / 16) ** 2 + ((i - 19.5) / 16) ** 2)


def _image(draw: _Draw, seed: int = 1, spacing: tuple[float, ...] = _SPACING) -> SequenceImage:
    """An ellipsoid whose tissue is drawn by the distance from its centre, 1 at its edge."""
    distance = _distance()
    voxels = draw(distance) + np.random.default_rng(seed).normal(0, _NOISE, _SIZE)
    image = sitk.GetImageFromArray(np.rint(np.where(distance < 1, voxels, -700)).astype(np.int16))
    mask = sitk.GetImageFromArray((distance < 1).astype(np.uint8))
    for part in (image, mask):
        part.SetSpacing(spacing)
    return SequenceImage("CT", image, mask)


def _core(reach: float) -> _Draw:
    return lambda distance: np.where(distance < reach, _CORE, _MARGIN)


def _necrotic(core: float, necrosis: float) -> _Draw:
    return lambda distance: np.where(distance < necrosis, _NECROSIS, _core(core)(distance))


def _case(before: SequenceImage, later: SequenceImage) -> Case:
    images = {"baseline_CT": before, "follow-up_CT": later}
    return Case("P", {key: replace(image, name=key) for key, image in images.items()})


def _protocol(scale: str | None, **more: object) -> Protocol:
    return protocol(timepoints={"habitat_scale": scale}, habitats={}, **more)


def _changes(case: Case, settings: Protocol) -> tuple[dict[str, HabitatMap], dict[str, HabitatChange]]:
    maps = make_maps(case, settings)[1]
    return maps, {row.habitat: row for row in habitat_changes("P", habitat_volumes(maps), settings)}


@pytest.mark.parametrize("population", [{}, {"CT": _BY_INTENSITY}])
def test_a_copy_of_the_baseline_has_its_habitats_and_no_change(population: dict[str, HabitatModel]) -> None:
    image = _image(_core(0.6))
    settings = _protocol("baseline").model_copy(update={"population": population})
    maps, changes = _changes(_case(image, image), settings)
    before, later = maps.values()
    for one, other in ((before.labels, later.labels), (before.entropy, later.entropy)):
        assert sitk.GetArrayFromImage(one).tobytes() == sitk.GetArrayFromImage(other).tobytes()
    assert later.scale == before.scale
    assert before.scale.lesion == "baseline_CT"
    assert {row.change_ml for row in changes.values()} == {0.0}


def test_tissue_that_changed_is_counted_to_the_voxel_and_a_scale_of_its_own_misses_it() -> None:
    """Most of the core turns into what the margin is. On its own scale a lesion that is nearly all margin falls into
    its darker and its brighter noise."""
    case = _case(_image(_core(0.7)), _image(_core(0.25), seed=2))
    cores = [(_distance() < reach).sum() * _ML for reach in (0.7, 0.25)]
    lesion = (_distance() < 1).sum() * _ML
    compared, own = (
        _changes(case, _protocol(scale).model_copy(update={"population": {"CT": _BY_INTENSITY}}))[1]
        for scale in ("baseline", "own")
    )
    assert [compared["S2"].baseline_ml, compared["S2"].followup_ml] == pytest.approx(cores, abs=1e-9)
    assert compared["S1"].change_ml == pytest.approx(cores[0] - cores[1], abs=1e-9)
    assert compared["whole"].change_ml == pytest.approx(0, abs=1e-9)
    assert own["S2"].baseline_ml == compared["S2"].baseline_ml
    assert own["S2"].followup_ml > cores[1] + 0.1 * lesion
    assert {row.scale for row in compared.values()} == {"baseline"}
    assert {row.scale for row in own.values()} == {"own"}


@pytest.mark.parametrize("seed", [1, 5])
def test_growing_necrosis_is_counted_by_the_patients_own_habitats(seed: int) -> None:
    """The habitats at baseline that are necrotic there, found by their mean intensity. The necrosis is large enough at
    baseline to show what its inside looks like, in windows that hold nothing else; tissues lie more than ten SD of the
    noise apart, so that superpixels straddle no two of them, but for voxels of a rim: less than one in a hundred."""
    case = _case(_image(_necrotic(0.8, 0.45), seed=seed), _image(_necrotic(0.8, 0.65), seed=seed + 1))
    truth = [(_distance() < reach).sum() * _ML for reach in (0.45, 0.65)]
    grown = {}
    for scale in ("baseline", "own"):
        maps, changes = _changes(case, _protocol(scale))
        dark = [row.name for row in maps["baseline_CT"].statistics if row.intensity_mean < (_NECROSIS + _MARGIN) / 2]
        assert sum(changes[name].baseline_ml for name in dark) == pytest.approx(truth[0], rel=0.01)
        assert maps["follow-up_CT"].model is maps["baseline_CT"].model
        grown[scale] = sum(changes[name].change_ml for name in dark)
    assert grown["baseline"] == pytest.approx(truth[1] - truth[0], rel=0.01)
    assert grown["own"] != pytest.approx(truth[1] - truth[0], rel=0.2)


def test_nothing_chosen_takes_the_baselines_scale_where_intensities_can_be_compared() -> None:
    case = _case(_image(_core(0.6)), _image(_core(0.4), seed=2))
    lesions = {"follow-up_CT": "baseline_CT", "baseline_CT": "baseline_CT"}
    found = make_maps(case, _protocol(None))[1]
    assert {name: row.scale.lesion for name, row in found.items()} == lesions
    over_lesion = {"normalisation": {"scope": "roi"}}
    found = make_maps(case, _protocol(None, preprocessing=over_lesion))[1]
    assert {name: row.scale.lesion for name, row in found.items()} == {name: name for name in lesions}


def test_a_missing_baseline_is_refused_in_a_sentence() -> None:
    alone = Case("P", {"follow-up_CT": replace(_image(_core(0.5)), name="follow-up_CT")})
    with pytest.raises(RegionError, match=r"found on the scale of baseline CT, which is missing\.") as error:
        make_maps(alone, _protocol("baseline"))
    assert (error.value.where, error.value.remedy) == (
        "follow-up CT", "Give baseline_CT, or let the protocol say timepoints: {habitat_scale: own}.",
    )  # fmt: skip
    assert list(make_maps(alone, _protocol("own"))[1]) == ["follow-up_CT"]
    baseline = Case("P", {"baseline_CT": replace(_image(_core(0.5)), name="baseline_CT")})
    assert list(make_maps(baseline, _protocol("baseline"))[1]) == ["baseline_CT"]
    # A name without a time point is nobody's follow-up.
    assert scale_for("CT", {}, _protocol("baseline")) is None


def test_a_baseline_of_one_intensity_gives_no_scale() -> None:
    flat = _image(_core(0.5))
    flat = SequenceImage("CT", sitk.Cast(flat.mask, sitk.sitkInt16) * 50, flat.mask)
    settings = _protocol("baseline").model_copy(update={"population": {"CT": _BY_INTENSITY}})
    with pytest.raises(RegionError, match="baseline CT, where the lesion has a single intensity"):
        make_maps(_case(flat, _image(_core(0.5))), settings)


@pytest.mark.parametrize(
    ("later", "told"),
    [
        (_image(_core(0.6), spacing=(0.6, 0.6, 2.5)), "voxels measure 0.6 x 0.6 mm, and 0.8 x 0.8 mm at baseline CT"),
        (_image(lambda distance: _core(0.6)(distance) + 1024), "100% of the lesion lies beyond 3 SD of baseline CT"),
    ],
)
def test_what_speaks_against_a_comparison_is_told(later: SequenceImage, told: str) -> None:
    before = _image(_core(0.6))
    found = make_maps(_case(before, later), _protocol("baseline"))[1]
    assert any(told in warning for warning in found["follow-up_CT"].warnings), found["follow-up_CT"].warnings
    assert not any(told in warning for warning in found["baseline_CT"].warnings)
    own = make_maps(_case(before, later), _protocol("own"))[1]
    assert own["follow-up_CT"].warnings == ()
    # Slices of another thickness change no window that lies in a slice.
    thick = _image(_core(0.6), spacing=(0.8, 0.8, 5.0))
    assert make_maps(_case(before, thick), _protocol("baseline"))[1]["follow-up_CT"].warnings == ()
