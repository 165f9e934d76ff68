"""Small forms of the presets with matching synthetic cohorts, for a demonstration in about a minute.

A small form keeps the preset's method (time points, scouts, search, nomogram, fusion) and many of its features. It has
fewer folds, repeats and combinations, and neither permutations nor a learning curve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from HabitatRadiomicsLib.cases.synthetic import (
    write_brain_metastases,
    write_lung_timepoints,
    write_spine_clinical,
    write_synthetic_cohort,
)
from HabitatRadiomicsLib.cases.synthetic.chest_ct import write_synthetic_ct_cohort
from HabitatRadiomicsLib.model import Endpoint
from HabitatRadiomicsLib.protocol import Protocol, load_protocol, protocol_from
from HabitatRadiomicsLib.training.freezing import Purpose


@dataclass(frozen=True)
class SmallPreset:
    """How a preset is reduced, and the synthetic cohort it is run on.

    Attributes:
        changes: values that replace those of the preset's document, by section.
        write: writes a synthetic cohort, given folder, number of patients, ``seed`` and ``effect``; returns the paths
            of its two tables.
        patients: enough to learn the simulated effect.
        effect: in the units of ``write``; much larger than in real patients.
        description: of the cohort, in a few words.
        endpoints: columns of its clinical table that are outcomes.
        seed: of the cohort.
    """

    changes: Mapping[str, Any]
    write: Callable[..., tuple[Path, Path]]
    patients: int
    effect: float
    description: str
    endpoints: tuple[str, ...] = ("outcome",)
    seed: int = 1

    def purpose(self, name: str | None) -> Purpose:
        """Name, title and purpose of the model of a preset; None: of the default demonstration."""
        title, cohort = f"Demonstration of {name}", self.description
        endpoint = Endpoint(name="a made-up outcome", positive="outcome likely", negative="outcome unlikely")
        if name is None:
            title, cohort = "T790M in spinal metastases, demonstration", _SPINE_COHORT
            endpoint = Endpoint(name="T790M mutation", positive="T790M-positive", negative="T790M-negative")
        return Purpose(
            name="t790m-spine-demo" if name is None else f"{name}-demo",
            title=title,
            intended_use="To show and test the program. It knows synthetic images only.",
            endpoint=endpoint,
            cohort=cohort,
            evidence="synthetic-demonstration",
            licence="MIT",
        )


_SPINE_COHORT = "30 synthetic spinal metastases made by code, T1W and T2FS, two sites"


def small_preset(name: str) -> Protocol:
    """The small form of a bundled preset."""
    return protocol_from(_changed(load_protocol(name).document(), SMALL_PRESETS[name].changes), where=name)


def _changed(document: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The document with other values, also within its sections."""
    changed = dict(document)
    for name, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(document[name], Mapping)
        changed[name] = _changed(document[name], value) if nested else value
    return changed


_QUICK: dict[str, Any] = {
    "folds": 3, "repeats": 1, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0, "learning_curve": False,
}  # fmt: skip
_ORIGINAL: dict[str, Any] = {
    "original": True, "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip
#: Without random forests, which take most of the time.
_SMALL_SEARCH: dict[str, Any] = {
    "features": [3], "selectors": ["anova", "lasso", "relief"], "classifiers": ["lda", "svm", "logistic-regression"],
}  # fmt: skip

SMALL_PRESETS: Mapping[str, SmallPreset] = {
    "delta-ct-egfr-tki": SmallPreset(
        {"learning": {**_QUICK, "search": {"features": [3], "selectors": ["anova", "kruskal-wallis", "relief"]}}},
        write_lung_timepoints, 24, 4.0, "synthetic lung nodules on CT at two time points",
    ),
    "spine-nomogram-mri": SmallPreset(
        {
            "preprocessing": {"bias_correction": None},
            "features": {"images": _ORIGINAL},
            "learning": {**_QUICK, "nomogram": {"bootstraps": 40}},
        },
        partial(write_spine_clinical, read_twice=12), 100, 1.2,
        "synthetic spinal metastases, T1W and T2FS, with clinical factors",
    ),
    "brain-metastasis-dti": SmallPreset(
        {"learning": {**_QUICK, "search": _SMALL_SEARCH}},
        write_brain_metastases, 14, 4.0,
        "synthetic brain metastases, ADC, FA and contrast-enhanced T1W, some patients with several",
    ),
    "deep-radscore-ct": SmallPreset(
        {
            "features": {"images": _ORIGINAL},
            "learning": {**_QUICK, "fusion": {"classifiers": ["svm", "knn", "naive-bayes", "logistic-regression"]}},
        },
        write_synthetic_ct_cohort, 30, 2.0, "synthetic lung tumours on CT", ("outcome", "endpoint_b"),
    ),
}  # fmt: skip
"""By the preset's name."""

#: The T790M study's form, which is already small; its model is bundled.
DEFAULT = SmallPreset({}, write_synthetic_cohort, 30, 1.0, "30 synthetic patients", seed=4)
