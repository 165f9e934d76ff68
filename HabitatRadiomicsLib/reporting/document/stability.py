"""What a study says of chance: how often features were selected, permutations, optimism, and fewer cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from HabitatRadiomicsLib.reporting.document.learning import chosen_name
from HabitatRadiomicsLib.training.train import Training


def selection_frequency(training: Training) -> list[dict[str, Any]]:
    """How often each feature of the chosen candidate was selected, over folds and over bootstrap samples."""
    name = chosen_name(training)
    folds = training.validation.folds
    counts = Counter(feature for result in folds for feature in result.features.get(name, ()))
    bootstrap = training.stability.bootstrap
    samples: Mapping[str, float] = {} if bootstrap is None else bootstrap.selected
    in_model = {feature.name for feature in training.model.features if not feature.is_clinical}
    names = sorted({*counts, *samples, *in_model})
    rows = [
        {
            "feature": feature,
            "folds": counts[feature] / len(folds),
            "bootstraps": samples.get(feature, 0.0),
            "in_model": feature in in_model,
        }
        for feature in names
    ]
    return sorted(rows, key=lambda row: (-float(row["in_model"]), -row["folds"], -row["bootstraps"], row["feature"]))


def stability_part(training: Training) -> dict[str, Any]:
    """Permutation test, optimism and learning curve; None of what the protocol does not ask for."""
    found = training.stability
    permutation, bootstrap = found.permutation, found.bootstrap
    return {
        "permutation": None
        if permutation is None
        else {"observed": permutation.observed, "p": permutation.p, "count": len(permutation.permuted)},
        "optimism": None
        if bootstrap is None
        else {
            "apparent": bootstrap.apparent,
            "optimism": bootstrap.optimism,
            "corrected": bootstrap.corrected,
            "count": bootstrap.samples,
        },
        "learning_curve": [
            {
                "cases": point.cases,
                "auc_mean": float(np.mean(point.held_out)),
                "auc_sd": float(np.std(point.held_out, ddof=1)) if len(point.held_out) > 1 else 0.0,
            }
            for point in found.curve
        ]
        or None,
    }
