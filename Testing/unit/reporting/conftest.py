"""A made-up study: realistic in shape and size, of no patient."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.protocol import load_protocol
from HabitatRadiomicsLib.statistics.characteristics import characteristics

_NAMES = ("T1W whole", "T1W S1", "T1W S2", "T2FS whole", "T2FS S1", "T2FS S2", "T1W+T2FS whole", "T1W+T2FS S2")


def _candidate(name: str, kind: str, auc: float, features: int | None, empty: int = 0) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "kind": kind, "features": features, "empty_folds": empty}
    values = {"auc": auc, "sensitivity": auc - 0.04, "specificity": auc + 0.03, "accuracy": auc - 0.01,
              "ppv": auc - 0.09, "npv": auc + 0.05, "f1": auc - 0.06, "auprc": auc - 0.08}  # fmt: skip
    for key, value in values.items():
        row |= {key: value, f"{key}_low": value - 0.12, f"{key}_high": min(value + 0.11, 1.0)}
    return row


@cache
def _characteristics() -> list[dict[str, Any]]:
    generator = np.random.default_rng(5)
    outcome = np.array([1] * 38 + [0] * 52)
    age = [f"{value:.0f}" for value in generator.normal(61, 9, 90)]
    marker = [f"{value:.1f}" for value in generator.lognormal(2, 1, 90)]
    marker[3] = marker[50] = marker[51] = ""
    sex = generator.choice(["female", "male"], 90).tolist()
    stage = generator.choice(["IVA", "IVB", "III"], 90, p=[0.55, 0.39, 0.06]).tolist()
    names = [f"Patient-{number:03}" for number in range(90)]
    columns = {"age (years)": age, "CEA (ng/ml)": marker, "sex": sex, "stage": stage, "hospital number": names}
    return [asdict(row) for row in characteristics(columns, outcome)]


@pytest.fixture
def study() -> dict[str, Any]:
    """A whole study document; each test has its own."""
    k = [{"k": n, "calinski_harabasz": 900.0 / n + 300, "silhouette": 0.5 - 0.03 * n, "rejected": None}
         for n in range(2, 7)]  # fmt: skip
    k[4]["rejected"] = "habitat S6 has less than 1% of the lesion in 31 of 90 patients"
    rule = "of the K that are not rejected, the one with the smallest sum of its ranks"
    candidates = [
        _candidate(name, "fused" if "+" in name else "rad-score", 0.62 + 0.02 * place, 4 + place, place % 3)
        for place, name in enumerate(_NAMES)
    ]
    candidates += [
        _candidate("volume alone", "volume", 0.58, None),
        _candidate("clinical variables alone", "clinical", 0.61, None),
        _candidate("chosen score", "strategy", 0.73, None),
    ]
    features = ["T1W_S2_original_glcm_Contrast", "T2FS_S2_wavelet-LLH_glcm_MCC", "T2FS_S2_original_shape_Sphericity"]
    protocol = load_protocol("t790m-spine-mri").document()
    protocol["robustness"] = {}
    return {
        "format_version": 1,
        "title": "T790M mutation in spinal metastases: a made-up study",
        "endpoint": {"name": "T790M mutation", "positive": "T790M-positive", "negative": "T790M-negative"},
        "notice": "Research use only. Not a medical device; not for diagnosis or treatment decisions.",
        "protocol": protocol,
        "versions": {"HabitatRadiomics": "0.4.0", "Python": "3.12.1", "numpy": "2.4.6", "scikit-learn": "1.8.0"},
        "engine": "built-in (numpy 2.4.6)",
        "flow": {
            "cases": 97,
            "excluded": [{"reason": "no T2FS image", "cases": 5}, {"reason": "lesion too small", "cases": 2}],
            "analysed": 90,
            "events": 38,
        },
        "characteristics": deepcopy(_characteristics()),
        "sample_size": {"lines": ["There are 38 events in 90 cases.", "That affords 2 candidate parameters."]},
        "validation": {
            "folds": 5,
            "repeats": 5,
            "nested": True,
            "frozen_habitats": False,
            "method": "5 repeats of 5-fold cross-validation, everything learned anew in each fold",
            "interval": "DeLong interval, corrected for overlapping training sets (Nadeau and Bengio)",
            "candidates": candidates,
            "chosen": {
                "name": "T1W+T2FS S2",
                "rule": "the largest AUC within the training cases",
                "frequency": {"T1W+T2FS S2": 19, "T2FS S2": 6},
            },
            "comparisons": [
                {"first": "chosen score", "second": second, "difference": 0.15 - 0.03 * place,
                 "low": 0.01 - 0.04 * place, "high": 0.29, "z": 2.1 - place, "p": 0.0357 + 0.2 * place,
                 "p_holm": 0.0714 + 0.2 * place}
                for place, second in enumerate(("volume alone", "clinical variables alone", "T1W+T2FS S2"))
            ],
            "habitats_by_fold": {"T1W": {"2": 20, "3": 5}, "T2FS": {"2": 25}},
        },
        "calibration": {"slope": 0.83, "slope_low": 0.41, "slope_high": 1.31, "intercept": -0.07, "citl": 0.02,
                        "brier": 0.208},
        "decision_curve": {"thresholds": [0.1, 0.2], "net_benefit": [0.3, 0.2]},
        "permutation": {"observed": 0.73, "p": 0.004975, "count": 200},
        "optimism": {"apparent": 0.86, "optimism": 0.12, "corrected": 0.74, "count": 200},
        "learning_curve": [
            {"cases": 36, "auc_mean": 0.64, "auc_sd": 0.06},
            {"cases": 72, "auc_mean": 0.73, "auc_sd": 0.03},
        ],
        "selection_frequency": [
            {"feature": name, "folds": 0.9 - 0.2 * place, "bootstraps": 0.8 - 0.25 * place, "in_model": place < 3}
            for place, name in enumerate([*features, "T1W_S2_log-sigma-3-0-mm-3D_firstorder_Kurtosis"])
        ],
        "robustness": {"threshold": 0.8, "kept": 5211, "of": 11802, "method": ""},
        "harmonisation": None,
        "habitats": {name: {"chosen": 2, "rule": rule, "candidates": k} for name in ("T1W", "T2FS")},
        "habitat_tests": [
            {"sequence": "T1W", "quantity": "entropy", "medians": {"S1": 2.81, "S2": 3.52}, "p": 1e-14,
             "test": "Wilcoxon signed-rank test"},
            {"sequence": "T1W", "quantity": "intensity", "medians": {"S1": -31.2, "S2": 48.9}, "p": 0.21,
             "test": "Wilcoxon signed-rank test"},
        ],
        "model": {
            "name": "T1W+T2FS S2",
            "features": [{"name": name, "coefficient": 0.61 - 0.4 * place, "mean": 12.3, "sd": 4.5}
                         for place, name in enumerate(features)],
            "intercept": -0.3412,
            "cutoff": {
                "value": -0.118,
                "rule": "largest sensitivity + specificity - 1 on the training scores",
                "training": {"sensitivity": 0.84, "specificity": 0.81},
                "held_out": {"sensitivity": 0.69, "specificity": 0.76},
            },
        },
        "problems": [{"step": "extraction", "count": 2, "problem": "The lesion has 12 voxels; 32 are needed."}],
        "warnings": ["T2FS: 3 masks were resampled to the image's grid."],
        "seed": 20240607,
        "inputs": {"images_sha256": "ab" * 32, "clinical_sha256": "cd" * 32},
    }  # fmt: skip
