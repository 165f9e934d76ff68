"""Habitats of a population: superpixels of all patients clustered, K chosen, centroids frozen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.habitats.superpixels import Superpixels
from HabitatRadiomicsLib.protocol import ChoiceOfK, HabitatCount, HabitatModel, HabitatSettings
from HabitatRadiomicsLib.system.tasks import one_thread

RULE = (
    "of the K that are not rejected, the one with the smallest sum of its ranks by Calinski-Harabasz "
    "and by silhouette (both: higher is better); of equal ones the smallest"
)


def fit_habitats(
    sequence: str, patients: Sequence[Superpixels], settings: HabitatSettings, *, seed: int
) -> HabitatModel:
    """Cluster the pooled superpixels (Ward) and freeze the centroids.

    Each superpixel counts once, whatever its size, so that large lesions do not dominate. If there are more than
    ``settings.clustered_superpixels``, those of a random sample of the patients are clustered; whether a habitat is
    nearly empty is judged in all patients.

    Args:
        seed: of the sample.

    Raises:
        RegionError: there are too few superpixels, or no K is acceptable (with the reasons).
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from sklearn.metrics import calinski_harabasz_score, silhouette_score

    clustered = _sample(patients, settings.clustered_superpixels, seed)
    pooled = np.vstack([patient.means for patient in clustered])
    largest = min(settings.k_max, len(np.unique(pooled, axis=0)) - 1)
    if largest < settings.k_min:
        raise RegionError(
            f"{len(pooled)} superpixels are too few for {settings.k_min} habitats.",
            where=sequence,
            remedy="The lesion is too small, or too uniform, for habitats at this spacing.",
        )
    candidates: list[HabitatCount] = []
    centroids: dict[int, np.ndarray] = {}
    with one_thread():
        tree = linkage(pooled, method="ward")
        for k in range(settings.k_min, largest + 1):
            labels = fcluster(tree, k, criterion="maxclust")
            if len(np.unique(labels)) != k:  # ties in the tree: there is no partition into K clusters
                continue
            centroids[k] = _ordered_centroids(pooled, labels)
            candidates.append(
                HabitatCount(
                    k=k,
                    calinski_harabasz=float(calinski_harabasz_score(pooled, labels)),
                    silhouette=float(silhouette_score(pooled, labels)),
                    rejected=_reason_to_reject(centroids[k], patients, settings),
                )
            )
    chosen = _choose(candidates, sequence)
    return HabitatModel(
        sequence=sequence,
        centroids=tuple((float(intensity), float(entropy)) for intensity, entropy in centroids[chosen]),
        patients=len(patients),
        superpixels=sum(len(patient.means) for patient in patients),
        choice=ChoiceOfK(chosen=chosen, rule=RULE, candidates=tuple(candidates)),
    )


def assign_habitats(means: np.ndarray, centroids: np.ndarray | Sequence[tuple[float, float]]) -> np.ndarray:
    """Index of the nearest centroid for each superpixel mean, 0-based; the first of equally near ones.

    Each superpixel is assigned independently: the result for a patient does not depend on other patients.
    """
    differences = means[:, None, :] - np.asarray(centroids)[None, :, :]
    return np.argmin(differences[..., 0] ** 2 + differences[..., 1] ** 2, axis=1)


def _sample(patients: Sequence[Superpixels], limit: int, seed: int) -> Sequence[Superpixels]:
    """All patients, or a random draw of as many as fit into the limit; in their order.

    Patients are drawn as a whole: all superpixels of a patient describe its habitats better than some of them.
    """
    counts = np.array([len(patient.means) for patient in patients])
    if counts.sum() <= limit:
        return patients
    drawn = np.random.default_rng(seed).permutation(len(patients))
    taken = max(1, int(np.searchsorted(counts[drawn].cumsum(), limit, side="right")))
    return [patients[index] for index in np.sort(drawn[:taken])]


def _ordered_centroids(pooled: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cluster means, ordered by entropy, then intensity, ascending."""
    means = np.array([pooled[labels == label].mean(axis=0) for label in np.unique(labels)])
    return means[np.lexsort((means[:, 0], means[:, 1]))]


def _reason_to_reject(centroids: np.ndarray, patients: Sequence[Superpixels], settings: HabitatSettings) -> str | None:
    if len(patients) == 1:  # in a single patient a small habitat is a legitimate result
        return None
    fractions = np.array(
        [
            np.bincount(assign_habitats(patient.means, centroids), weights=patient.sizes, minlength=len(centroids))
            / patient.sizes.sum()
            for patient in patients
        ]
    )
    nearly_empty = (fractions < settings.nearly_empty_fraction).sum(axis=0)
    worst = int(np.argmax(nearly_empty))
    if nearly_empty[worst] <= settings.nearly_empty_cases * len(patients):
        return None
    return (
        f"habitat S{worst + 1} has less than {settings.nearly_empty_fraction:.0%} of the lesion "
        f"in {nearly_empty[worst]} of {len(patients)} patients"
    )


def _choose(candidates: Sequence[HabitatCount], sequence: str) -> int:
    accepted = [candidate for candidate in candidates if candidate.rejected is None]
    if not accepted:
        first, last = candidates[0], candidates[-1]
        raise RegionError(
            f"No number of habitats from {first.k} to {last.k} suits these lesions: already at K = {first.k}, "
            f"{first.rejected}.",
            where=sequence,
            remedy="A few extreme voxels may make a habitat of their own: give habitats a lower clip in the protocol "
            "(2.5, say), or loosen nearly_empty_fraction or nearly_empty_cases.",
        )
    by_ch = sorted(accepted, key=lambda candidate: -candidate.calinski_harabasz)
    by_silhouette = sorted(accepted, key=lambda candidate: -candidate.silhouette)
    return min(accepted, key=lambda candidate: (by_ch.index(candidate) + by_silhouette.index(candidate), candidate.k)).k
