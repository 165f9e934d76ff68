"""Patients at two time points, of no patient: tiny lesions whose core vanishes under treatment in half of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.model import Model, load_model
from HabitatRadiomicsLib.protocol import Protocol, protocol_from

MOMENTS = ("baseline", "follow-up")
_SIZE = (10, 32, 32)
_SPACING = (0.9, 0.9, 2.5)


def protocol(**more: Any) -> Protocol:
    """CT at baseline and follow-up, the whole lesion, few features."""
    plain = {
        "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
        "gradient": False, "lbp_2d": False, "log_sigmas": [],
    }  # fmt: skip
    settings = {
        "name": "two",
        "title": "Two time points",
        "sequences": ["CT"],
        "timepoints": {},
        "regions": ["whole"],
        "habitats": {"superpixels": 12, "k_max": 3},
        "features": {
            "classes": ["shape", "firstorder", "glcm"],
            "images": plain,
            "discretisation": {"bin_count": 16},
            "excluded": ["glcm_MCC", "glcm_SumAverage"],
        },
        "learning": {
            "folds": 2, "repeats": 1, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0,
            "learning_curve": False,
        },
    }  # fmt: skip
    return protocol_from({**settings, **more}, where="test")


def images_of(number: int, *, responds: bool, core_left: float = 0.0) -> dict[str, tuple[sitk.Image, sitk.Image]]:
    """Image and mask of one patient by time point: an ellipsoid with a bright, grainy core, at follow-up shrunken; of a
    patient who responds, with so much of the core left only."""
    generator = np.random.default_rng(number)
    scale = generator.uniform(0.9, 1.1)
    noise = {moment: generator.normal(0, 1, _SIZE) for moment in MOMENTS}
    found = {}
    for moment in MOMENTS:
        later = moment == MOMENTS[1]
        k, j, i = np.indices(_SIZE)
        distance = np.sqrt(((k - 4.5) / 3.2) ** 2 + ((j - 15.5) / 11) ** 2 + ((i - 15.5) / 11) ** 2)
        lesion = distance < scale * (0.92 if later else 1.0)
        reach = 0.6 * scale * (core_left if later and responds else 1.0)
        core = distance < reach
        voxels = 40 + 4 * noise[moment] + 25 * lesion + core * (30 + 14 * noise[moment])
        found[moment] = (_placed(np.rint(voxels).astype(np.int16)), _placed(lesion.astype(np.uint8)))
    return found


def write_cohort(folder: Path, count: int, *, core_left: float = 0.35) -> Path:
    """``images.csv`` and ``clinical.csv`` of patients who respond (outcome 1) and do not, in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, people = [], []
    for number in range(count):
        case_id, responds = f"P{number:02}", number % 2 == 1
        for moment, pair in images_of(number, responds=responds, core_left=core_left).items():
            names = [f"{case_id}-{moment}{kind}.nrrd" for kind in ("", "-mask")]
            for image, name in zip(pair, names):
                sitk.WriteImage(image, str(folder / name))
            rows.append([case_id, moment, "CT", *names])
        people.append([case_id, int(responds)])
    for name, header, lines in (
        ("images.csv", ["case_id", "timepoint", "sequence", "image", "mask"], rows),
        ("clinical.csv", ["case_id", "outcome"], people),
    ):
        with (folder / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *lines])
    return folder


def cohort_of(folder: Path) -> Cohort:
    """Both time points of each patient."""
    return load_cohort(folder / "images.csv", folder / "clinical.csv", timepoints=MOMENTS)


def model_of(settings: Protocol, names: Sequence[str]) -> Model:
    """A model of these features, its numbers of no meaning."""
    count = len(names)
    document = load_model("t790m-spine-demo").model_dump(mode="json")
    feature = {"mean": 1.0, "sd": 2.0, "coefficient": 0.5, "minimum": -1e9, "maximum": 1e9}
    return Model.model_validate(
        {
            **document,
            "protocol": settings.document(),
            "features": [{"name": name, **feature} for name in names],
            "coefficient_covariance": (0.01 * np.eye(count + 1)).tolist(),
            "background": np.random.default_rng(1).normal(1, 2, (8, count)).tolist(),
        }
    )


def _placed(voxels: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(_SPACING)
    return image
