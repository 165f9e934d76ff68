"""What a study says of its habitats: whether they differ, and how many there were in each fold."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from HabitatRadiomicsLib.training.train import Training


def habitat_tests(training: Training) -> list[dict[str, Any]]:
    """Whether neighbouring habitats differ in entropy and intensity over the cases: Wilcoxon's signed-rank test.

    Habitats were made from both, so that a small p confirms the clustering and discovers nothing.
    """
    from scipy.stats import wilcoxon

    features = training.study.features
    rows = []
    for sequence in features.populations[0]:
        means = features.habitat_means(0, sequence)
        names = list(means)
        for column, quantity in ((1, "entropy"), (0, "intensity")):
            for first, second in pairwise(names):
                pairs = np.column_stack([means[first][:, column], means[second][:, column]])
                pairs = pairs[np.isfinite(pairs).all(axis=1)]
                if not len(pairs):  # no lesion has both
                    continue
                differ = len(pairs) > 1 and (pairs[:, 0] != pairs[:, 1]).any()
                p = float(wilcoxon(pairs[:, 0], pairs[:, 1]).pvalue) if differ else 1.0
                rows.append(
                    {
                        "sequence": sequence,
                        "quantity": quantity,
                        "habitats": [first, second],
                        "medians": dict(zip((first, second), np.median(pairs, axis=0).tolist())),
                        "cases": len(pairs),
                        "p": p,
                        "test": "Wilcoxon signed-rank",
                    }
                )
    return rows


def habitat_means(training: Training) -> dict[str, np.ndarray]:
    """Intensity and entropy of the habitats by sequence, of the cases that have them all: shape (cases, habitats, 2).

    Without the sequences that fewer than two cases have whole.
    """
    features = training.study.features
    by_sequence = {}
    for sequence in features.populations[0]:
        stacked = np.stack(list(features.habitat_means(0, sequence).values()), axis=1)
        complete = stacked[np.isfinite(stacked).all(axis=(1, 2))]
        if len(complete) > 1:
            by_sequence[sequence] = complete
    return by_sequence


def habitats_by_fold(training: Training) -> dict[str, dict[str, int]]:
    """How many folds had how many habitats, by sequence."""
    populations = training.study.features.populations
    by_sequence: dict[str, dict[str, int]] = {}
    for name in populations[0]:
        counts = Counter(
            "none" if (model := population[name]) is None else str(len(model.centroids))
            for population in populations[1:]
        )
        by_sequence[name] = dict(sorted(counts.items()))
    return by_sequence
