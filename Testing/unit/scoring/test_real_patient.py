"""A model trained on a few real patients scores another one, from the shell."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.model.prediction import training_scores
from HabitatRadiomicsLib.reporting.figures.slice_figures import largest_slice
from HabitatRadiomicsLib.scoring.patient import score_case

_TRAINING = (
    "STS_002", "STS_003", "STS_010", "STS_012", "STS_023", "STS_028", "STS_006", "STS_041", "STS_050", "STS_018",
)  # fmt: skip
_NEW = "STS_032"

_PROTOCOL = """
name: sarcoma-test
title: Lung metastasis in soft-tissue sarcoma
sequences: [T1W, PET]
regions: [whole]
preprocessing:
  normalisation: {scope: roi, scale: 100, clip: 3}
sequence_preprocessing:
  PET: {}
features:
  classes: [firstorder, glcm]
  images: {wavelet: null, square: false, square_root: false, logarithm: false, exponential: false, gradient: false,
    lbp_2d: false, log_sigmas: [3.0]}
  sequence_discretisation:
    PET: {bin_width: 0.5}
learning: {folds: 3, repeats: 1, maximum_features: 4, significance: 0.3, bootstraps: 50, permutations: 0,
  optimism_bootstraps: 0, learning_curve: false}
"""


@pytest.fixture(scope="module")
def trained(sarcoma_cohort: Cohort, tmp_path_factory: pytest.TempPathFactory, sketches_in_module: None) -> Path:
    folder = tmp_path_factory.mktemp("sarcoma")
    (folder / "protocol.yaml").write_text(_PROTOCOL, encoding="utf-8")
    with (folder / "images.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case_id", "timepoint", "sequence", "image", "mask", "label"])
        for case in sarcoma_cohort.cases:
            if case.case_id in _TRAINING:
                writer.writerows(
                    [case.case_id, "baseline", row.sequence, row.image.resolve(), row.mask.resolve(), 1]
                    for row in case.images
                )
    with (folder / "clinical.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case_id", "outcome"])
        writer.writerows([case_id, sarcoma_cohort.outcomes[case_id]] for case_id in _TRAINING)
    arguments = [
        "--cohort",
        "images.csv",
        "--clinical",
        "clinical.csv",
        "--protocol",
        "protocol.yaml",
        "--out",
        "model",
    ]
    located = [str(folder / text) if not text.startswith("--") else text for text in arguments]
    assert main(["train", *located, "--endpoint", "lung metastasis", "--jobs", "2"]) == 0
    return folder / "model" / "model.json"


def test_real_patient_is_scored(trained: Path, sarcoma_cohort: Cohort, tmp_path: Path) -> None:
    new = next(case for case in sarcoma_cohort.cases if case.case_id == _NEW)
    options = []
    for row in new.images:
        if row.sequence in ("T1W", "PET"):
            options += ["--image", f"{row.sequence}={row.image}", "--mask", f"{row.sequence}={row.mask}"]
    document = json.loads(trained.read_text(encoding="utf-8"))
    needed = {feature["name"].split("_")[0] for feature in document["features"]}
    options = [text for pair in zip(options[::2], options[1::2]) if pair[1].split("=")[0] in needed for text in pair]
    out = tmp_path / "score"
    assert main(["score", "--model", str(trained), *options, "--out", str(out)]) == 0
    score = json.loads((out / "score.json").read_text(encoding="utf-8"))
    assert score["model"]["evidence"] == "trained-on-patients"
    assert np.isfinite(score["score"])
    total = score["base"] + sum(row["shap"] for row in score["contributions"])
    assert total == pytest.approx(score["score"], abs=1e-9)
    report = (out / "report.html").read_text(encoding="utf-8")
    assert _NEW not in report
    assert "Demonstration" not in report


def test_real_habitats_are_coherent_and_lie_in_the_tumour(sarcoma_cohort: Cohort, tmp_path: Path) -> None:
    case = next(case for case in sarcoma_cohort.cases if case.case_id == "STS_042")
    row = next(row for row in case.images if row.sequence == "T1W")
    out = tmp_path / "maps"
    assert main(["maps", "--image", f"T1W={row.image}", "--mask", f"T1W={row.mask}", "--out", str(out)]) == 0
    labels = sitk.ReadImage(str(out / "T1W_habitats.nrrd"))
    mask = sitk.ReadImage(str(row.mask))
    array, inside = sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(mask) == 1
    np.testing.assert_array_equal(array > 0, inside)
    # Coherent: neighbours along a row agree far more often than shuffled labels would.
    both = inside[:, :, 1:] & inside[:, :, :-1]
    agreement = (array[:, :, 1:] == array[:, :, :-1])[both].mean()
    shares = np.bincount(array[inside])[1:] / inside.sum()
    assert agreement > (shares**2).sum() + 0.15
    view = largest_slice(mask)
    assert (view.left, view.right, view.top, view.bottom) == ("R", "L", "A", "P")


def test_the_bundled_model_scores_its_training_patients_as_it_did_in_training(sarcoma_cohort: Cohort) -> None:
    """Whoever has the public cohort can check the model that is shipped."""
    model = load_model("sts-lung-metastasis")
    assert model.evidence.kind == "trained-on-patients"
    for place in (0, 20):
        case = sarcoma_cohort.cases[place]
        result = score_case(case.read(model.sequences), model)
        assert result.score == pytest.approx(training_scores(model)[place], abs=1e-7)
