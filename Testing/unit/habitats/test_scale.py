"""Scales of lesions: their moments, z-scores on another lesion's, and entropies between another lesion's limits."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import SequenceImage
from HabitatRadiomicsLib.habitats import LesionScale, describe_lesion, lesion_scale
from HabitatRadiomicsLib.habitats.entropy import grey_limits, local_entropy
from HabitatRadiomicsLib.imaging import PreparedSequence
from HabitatRadiomicsLib.protocol import EntropySettings, HabitatSettings

_ROI = np.zeros((4, 20, 20), dtype=np.uint8)
_ROI[:, 3:17, 2:18] = 1


def _prepared(voxels: np.ndarray, name: str = "baseline_CT") -> PreparedSequence:
    image, mask = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(_ROI)
    return PreparedSequence(name, image, mask, SequenceImage(name, image, mask))


def _voxels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(60, 20, _ROI.shape).astype(np.float32)


def test_moments_are_the_lesions() -> None:
    voxels, settings = _voxels(1), HabitatSettings()
    scale = lesion_scale(_prepared(voxels), settings)
    inside = voxels[_ROI == 1].astype(float)
    entropy = local_entropy(voxels, _ROI == 1, settings.entropy)
    assert (scale.lesion, scale.limits) == ("baseline_CT", (inside.min(), inside.max()))
    np.testing.assert_allclose(
        [scale.intensity_mean, scale.intensity_sd, scale.entropy_mean_bits, scale.entropy_sd_bits],
        [inside.mean(), inside.std(), entropy.mean(), entropy.std()],
        rtol=1e-12,
    )


def test_the_order_of_the_voxels_changes_no_bit() -> None:
    generator = np.random.default_rng(2)
    intensity, entropy = generator.normal(size=5000), generator.normal(size=5000)
    turned = generator.permutation(5000)
    assert LesionScale.of("CT", (0, 1), intensity, entropy) == LesionScale.of(
        "CT", (0, 1), intensity[turned], entropy[turned]
    )


def test_z_scores_are_cut_and_a_spread_of_nothing_counts_as_one() -> None:
    scale = LesionScale("CT", 0, 100, intensity_mean=50, intensity_sd=10, entropy_mean_bits=3, entropy_sd_bits=0)
    intensity, entropy = np.array([50, 70, 0], dtype=np.int16), np.array([3.0, 2.5, 9.0])
    np.testing.assert_array_equal(scale.z_scores(intensity, entropy, None), [[0, 0], [2, -0.5], [-5, 6]])
    np.testing.assert_array_equal(scale.z_scores(intensity, entropy, 3.0), [[0, 0], [2, -0.5], [-3, 3]])


def test_a_lesion_on_its_own_scale_is_as_without_one() -> None:
    prepared, settings = _prepared(_voxels(3)), HabitatSettings()
    alone = describe_lesion(prepared, settings, seed=1)
    given = describe_lesion(prepared, settings, seed=1, scale=lesion_scale(prepared, settings))
    assert given.scale == alone.scale
    assert given.entropy.tobytes() == alone.entropy.tobytes()
    assert given.superpixels.means.tobytes() == alone.superpixels.means.tobytes()
    np.testing.assert_array_equal(given.superpixels.labels, alone.superpixels.labels)


@pytest.mark.parametrize(
    "settings",
    [
        EntropySettings(),
        EntropySettings(scope="image", levels=8, window=5),
        EntropySettings(definition="matlab", levels=256, scope="image", window=5),
    ],
)
def test_entropy_between_the_limits_of_another_lesion(settings: EntropySettings) -> None:
    """Counted window by window; what lies beyond the limits belongs to the outermost level."""
    before, later = _voxels(4), 1.5 * _voxels(5) - 20
    roi = _ROI == 1
    scope = before[roi] if settings.scope == "roi" else before
    limits = grey_limits(before, roi, settings)
    assert limits == (scope.min(), scope.max())
    relative = (later.astype(float) - limits[0]) / (limits[1] - limits[0])
    if settings.definition == "matlab":
        levels = np.floor(np.clip(relative, 0, 1) * 255 + 0.5)
    else:
        levels = np.clip(np.floor(relative * settings.levels), 0, settings.levels - 1)
    counted = roi if settings.scope == "roi" else np.ones_like(roi)
    found = local_entropy(later, roi, settings, limits=limits)
    reach = settings.window // 2
    for place, (k, j, i) in enumerate(np.argwhere(roi)):
        if settings.definition == "matlab" and not (reach <= j < 20 - reach and reach <= i < 20 - reach):
            continue  # there, windows are mirrored at the image's edge
        window = (k, slice(max(j - reach, 0), j + reach + 1), slice(max(i - reach, 0), i + reach + 1))
        share = np.unique(levels[window][counted[window]], return_counts=True)[1] / counted[window].sum()
        assert found[place] == pytest.approx(-(share * np.log2(share)).sum(), abs=1e-12)
    assert not np.allclose(found, local_entropy(later, roi, settings))
