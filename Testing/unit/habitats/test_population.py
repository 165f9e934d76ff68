"""Superpixels and population habitats: planted clusters are found, K is chosen with reasons, labels are frozen."""

from __future__ import annotations

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.habitats import LesionScale, Superpixels, assign_habitats, fit_habitats
from HabitatRadiomicsLib.habitats.superpixels import cluster_superpixels
from HabitatRadiomicsLib.protocol import HabitatSettings

_CENTRES = np.array([[0.8, -1.0], [-1.5, 0.3], [1.0, 1.6]])


def _patient(generator: np.random.Generator, centres: np.ndarray, shares: tuple[float, ...] = ()) -> Superpixels:
    """Ten superpixels around each centre; ``shares`` of the voxels, equal by default."""
    shares = shares or (1 / len(centres),) * len(centres)
    means = np.vstack([centre + generator.normal(0, 0.1, (10, 2)) for centre in centres])
    sizes = np.repeat([int(1000 * share) for share in shares], 10)
    return Superpixels(np.zeros(0, dtype=int), means, sizes, len(means))


def _clustered(intensity: np.ndarray, entropy: np.ndarray, settings: HabitatSettings, *, seed: int) -> Superpixels:
    """On the lesion's own scale."""
    scale = LesionScale.of("T1W", (0.0, 1.0), intensity, entropy)
    return cluster_superpixels(intensity, entropy, settings, scale, seed=seed)


def test_planted_habitats_are_found_and_ordered_by_entropy() -> None:
    generator = np.random.default_rng(1)
    shuffled = _CENTRES[[2, 0, 1]]
    model = fit_habitats("T1W", [_patient(generator, shuffled) for _ in range(6)], HabitatSettings(), seed=1)
    assert model.choice.chosen == 3
    assert model.names == ("S1", "S2", "S3")
    np.testing.assert_allclose(model.centroids, _CENTRES, atol=0.1)
    assert [row.k for row in model.choice.candidates] == list(range(2, 11))
    best = max(model.choice.candidates, key=lambda row: row.silhouette)
    assert best.k == 3


def test_a_habitat_that_is_nearly_empty_in_many_patients_is_rejected_with_the_reason() -> None:
    generator = np.random.default_rng(2)
    patients = [_patient(generator, _CENTRES, (0.6, 0.395, 0.005)) for _ in range(6)]
    model = fit_habitats("T1W", patients, HabitatSettings(), seed=1)
    reasons = {row.k: row.rejected for row in model.choice.candidates}
    assert model.choice.chosen == 2
    assert reasons[2] is None
    assert reasons[3] == "habitat S3 has less than 1% of the lesion in 6 of 6 patients"


def test_no_acceptable_k_is_told() -> None:
    generator = np.random.default_rng(3)
    patients = [_patient(generator, _CENTRES[:2], (0.999, 0.001)) for _ in range(4)]
    with pytest.raises(RegionError, match=r"already at K = 2, habitat S2 has less than 1% .* 4 of 4 patients"):
        fit_habitats("T1W", patients, HabitatSettings(), seed=1)


def test_too_few_superpixels() -> None:
    lonely = Superpixels(np.zeros(0, dtype=int), np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([5, 5]), 2)
    with pytest.raises(RegionError, match="2 superpixels are too few"):
        fit_habitats("T1W", [lonely], HabitatSettings(), seed=1)


def test_nearest_centroid_with_ties_to_the_first() -> None:
    centroids = [(0.0, -1.0), (0.0, 1.0)]
    means = np.array([[0.0, -0.9], [5.0, 0.2], [3.0, 0.0]])
    assert assign_habitats(means, centroids).tolist() == [0, 1, 0]


def test_a_patient_alone_gets_the_labels_that_it_gets_in_a_cohort() -> None:
    generator = np.random.default_rng(4)
    patients = [_patient(generator, _CENTRES + generator.normal(0, 0.4, (3, 2))) for _ in range(5)]
    model = fit_habitats("T1W", patients, HabitatSettings(), seed=1)
    together = assign_habitats(np.vstack([patient.means for patient in patients]), model.centroids)
    alone = np.concatenate([assign_habitats(patient.means, model.centroids) for patient in patients])
    np.testing.assert_array_equal(together, alone)


def test_superpixels_are_z_scored_and_seeded() -> None:
    generator = np.random.default_rng(5)
    intensity, entropy = generator.normal(100, 20, 2000), generator.normal(3, 0.5, 2000)
    one = _clustered(intensity, entropy, HabitatSettings(), seed=7)
    other = _clustered(intensity * 3 + 50, entropy, HabitatSettings(), seed=7)
    assert len(one.sizes) == 30
    assert one.sizes.sum() == 2000
    np.testing.assert_array_equal(one.labels, other.labels)  # scale and offset of the scanner do not matter
    np.testing.assert_array_equal(one.labels, _clustered(intensity, entropy, HabitatSettings(), seed=7).labels)
    z = (intensity - intensity.mean()) / intensity.std()
    np.testing.assert_allclose(one.means[4, 0], z[one.labels == 4].mean(), atol=1e-12)


def test_on_the_scale_of_another_lesion_equal_values_have_equal_places() -> None:
    """Twice as bright at follow-up: not another scanner, but other tissue."""
    generator = np.random.default_rng(5)
    intensity, entropy = generator.normal(100, 20, 2000), generator.normal(3, 0.5, 2000)
    before = LesionScale.of("baseline_CT", (0.0, 1.0), intensity, entropy)
    later = cluster_superpixels(intensity + 30, entropy - 1, HabitatSettings(clip=None), before, seed=7)
    center = np.average(later.means, axis=0, weights=later.sizes)
    np.testing.assert_allclose(center, [30 / intensity.std(), -1 / entropy.std()], atol=1e-12)


def test_small_lesions_get_fewer_superpixels() -> None:
    generator = np.random.default_rng(6)
    found = _clustered(generator.normal(size=95), generator.normal(size=95), HabitatSettings(), seed=1)
    assert (len(found.sizes), found.asked) == (9, 30)


def test_few_distinct_values_leave_no_empty_superpixel() -> None:
    intensity = np.repeat([0.0, 1.0, 2.0], 200)
    found = _clustered(intensity, np.ones(600), HabitatSettings(), seed=1)
    assert len(found.sizes) == 3
    assert found.sizes.min() > 0


def test_extreme_voxels_are_clipped() -> None:
    generator = np.random.default_rng(9)
    intensity, entropy = generator.normal(size=3000), generator.normal(size=3000)
    intensity[:20] = 40
    clipped = _clustered(intensity, entropy, HabitatSettings(), seed=1)
    assert clipped.means[:, 0].max() <= 3
    free = _clustered(intensity, entropy, HabitatSettings(clip=None), seed=1)
    assert free.means[:, 0].max() > 6


def test_one_patient_may_have_a_small_habitat_of_its_own() -> None:
    generator = np.random.default_rng(3)
    lonely = _patient(generator, _CENTRES[:2], (0.999, 0.001))
    assert fit_habitats("T1W", [lonely], HabitatSettings(), seed=1).choice.chosen == 2


def test_a_large_population_is_told_from_a_sample_of_whole_patients() -> None:
    """1,000 patients in the time and memory of a few; the planted habitats are found as they would be in all."""
    generator = np.random.default_rng(10)
    patients = [_patient(generator, _CENTRES[[2, 0, 1]]) for _ in range(1000)]
    model = fit_habitats("T1W", patients, HabitatSettings(clustered_superpixels=1500), seed=1)
    assert (model.patients, model.superpixels) == (1000, 30000)
    assert model.choice.chosen == 3
    np.testing.assert_allclose(model.centroids, _CENTRES, atol=0.02)
    # 50 patients of 30 superpixels: each centroid is the mean of 500 of them, 10 of each of the patients drawn.
    blocks = np.array(
        [[patient.means[10 * row : 10 * row + 10].sum(axis=0) for row in (1, 2, 0)] for patient in patients]
    )
    drawn = np.sort(np.random.default_rng(1).permutation(1000)[:50])
    np.testing.assert_allclose(model.centroids, blocks[drawn].sum(axis=0) / 500, atol=1e-12)


def test_the_sample_is_the_seeds() -> None:
    generator = np.random.default_rng(11)
    patients = [_patient(generator, _CENTRES) for _ in range(100)]
    settings = HabitatSettings(clustered_superpixels=600)
    one, again, other = (fit_habitats("T1W", patients, settings, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.centroids != other.centroids


def test_up_to_the_limit_all_superpixels_are_clustered() -> None:
    generator = np.random.default_rng(12)
    patients = [_patient(generator, _CENTRES) for _ in range(20)]
    at_limit = fit_habitats("T1W", patients, HabitatSettings(clustered_superpixels=600), seed=1)
    assert at_limit == fit_habitats("T1W", patients, HabitatSettings(clustered_superpixels=100_000), seed=2)
    above = fit_habitats("T1W", patients, HabitatSettings(clustered_superpixels=599), seed=1)
    assert at_limit.centroids != above.centroids


def test_a_habitat_is_nearly_empty_or_not_in_all_patients_not_in_those_drawn() -> None:
    generator = np.random.default_rng(13)
    drawn = set(np.random.default_rng(1).permutation(60)[:20].tolist())
    patients = [_patient(generator, _CENTRES, () if place in drawn else (0.6, 0.395, 0.005)) for place in range(60)]
    model = fit_habitats("T1W", patients, HabitatSettings(clustered_superpixels=600), seed=1)
    reasons = {row.k: row.rejected for row in model.choice.candidates}
    assert reasons[3] == "habitat S3 has less than 1% of the lesion in 40 of 60 patients"
    whole = [patient for place, patient in enumerate(patients) if place in drawn]
    assert fit_habitats("T1W", whole, HabitatSettings(), seed=1).choice.chosen == 3


def test_a_patient_with_more_superpixels_than_the_limit_is_taken_whole() -> None:
    generator = np.random.default_rng(14)
    patients = [_patient(generator, np.repeat(_CENTRES, 18, axis=0)) for _ in range(2)]  # 540 superpixels each
    model = fit_habitats("T1W", patients, HabitatSettings(clustered_superpixels=500, nearly_empty_fraction=0), seed=1)
    assert model.superpixels == 1080
    assert model.choice.chosen == 3


def test_fewer_superpixels_than_make_a_population_are_refused() -> None:
    with pytest.raises(ValueError, match="clustered_superpixels"):
        HabitatSettings(clustered_superpixels=100)
