"""Activation maps of a score: the gradient they follow, where they lie, and what comes where there can be none."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage
from HabitatRadiomicsLib.errors import NetworkError
from HabitatRadiomicsLib.features.deep import lesion_patch, load_network
from HabitatRadiomicsLib.features.deep.activation import class_map
from HabitatRadiomicsLib.features.harmonisation import CombatFeature, CombatParameters
from HabitatRadiomicsLib.learning.classifiers import fit_classifier
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.classifier import classifier_text, load_classifier
from HabitatRadiomicsLib.model.document import ClassifierInput, FrozenClassifier
from HabitatRadiomicsLib.model.prediction import scores_of
from HabitatRadiomicsLib.reporting import write_score
from HabitatRadiomicsLib.scoring import activation as module
from HabitatRadiomicsLib.scoring.activation import activation_maps, embedding_directions, score_gradient
from HabitatRadiomicsLib.scoring.patient import score_case

sys.path.append(str(Path(__file__).resolve().parents[2]))

from made_up_models import deep_image, deep_model

pytest.importorskip("onnxruntime")


def _case(key: str = "CT", *, seed: int = 1, thickness: float = 2.5) -> Case:
    image, mask = deep_image(seed, thickness=thickness)
    return Case("case", {key: SequenceImage(key, image, mask)})


def _classifier(model: Model, name: str) -> Model:
    """The same features, read by a classifier."""
    generator = np.random.default_rng(5)
    z = generator.normal(size=(60, len(model.features)))
    outcome = (z[:, 0] + z[:, 1] ** 2 + generator.normal(0, 0.5, 60) > 0.7).astype(int)
    estimator = fit_classifier(name, z, outcome, seed=0)
    rows = tuple(ClassifierInput(name=row.name, intercept=0.0, weights={row.name: 1.0}) for row in model.features)
    features = tuple(row.model_copy(update={"coefficient": None}) for row in model.features)
    frozen = FrozenClassifier(name=name, inputs=rows, estimator=classifier_text(estimator))
    return model.model_copy(update={"features": features, "intercept": None, "classifier": frozen})


def test_gradient_of_a_linear_score_is_what_one_unit_of_a_feature_adds() -> None:
    model = deep_model()
    values = np.array(model.background[0])
    gradient = score_gradient(model, values)
    for place, own in enumerate(gradient):
        moved = values.copy()
        moved[place] += 1
        assert scores_of(model, moved[None])[0] - scores_of(model, values[None])[0] == pytest.approx(own, abs=1e-12)


def test_gradient_of_a_support_vector_machine_is_its_closed_form() -> None:
    model = _classifier(deep_model(), "svm")
    values = np.array(model.background[3])
    machine = load_classifier(model.classifier.estimator)
    machine = getattr(machine, "steps", [(None, machine)])[-1][1]
    assert machine.kernel == "rbf"
    z = model.standardised(values[None])[0]
    apart = machine.support_vectors_ - z
    kernel = np.exp(-machine._gamma * (apart**2).sum(axis=1))
    expected = 2 * machine._gamma * (machine.dual_coef_[0] * kernel) @ apart
    deviations = np.array([row.sd for row in model.features])
    np.testing.assert_allclose(score_gradient(model, values), expected / deviations, rtol=0.01, atol=1e-3)


def test_map_adds_up_to_the_deep_part_of_the_score() -> None:
    model = deep_model()
    result = score_case(_case(), model)
    direction = embedding_directions(result)["CT"]
    assert np.flatnonzero(direction).tolist() == [0, 2]
    network = load_network("synthetic-demo")
    prepared = result.prepared["CT"]
    output = network.run(lesion_patch(prepared.image, prepared.mask, model.protocol.deep.patch)[0])
    deep = sum(row.coefficient / row.sd * result.values[row.name] for row in model.features if "_deep_" in row.name)
    bias = float(direction @ output.metadata.embedding_bias)
    assert class_map(output, direction).mean() + bias == pytest.approx(deep, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("thickness", [2.5, 6.0])
def test_map_lies_on_the_inputs_grid_in_the_slice_that_the_network_saw(thickness: float) -> None:
    """With thick slices, resampling makes a prepared slice that lies between two of the input."""
    case = _case(thickness=thickness)
    maps, missing = activation_maps(score_case(case, deep_model(spacing=(1.0, 1.0, 2.5))))
    assert missing == ()
    found, source = maps["CT"].image, case.sequences["CT"]
    for name in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(found, name)() == getattr(source.image, name)()
    voxels = sitk.GetArrayFromImage(found)
    assert voxels.dtype == np.float32
    (slices,) = (np.flatnonzero(voxels.any(axis=(1, 2))),)
    assert len(slices) == 1
    lesion = sitk.GetArrayViewFromImage(source.mask)
    assert lesion[slices[0]].any()
    assert voxels.min() >= 0
    assert 0.5 < voxels.max() <= 1
    prepared = sitk.GetArrayFromImage(maps["CT"].prepared)
    assert prepared.max() == pytest.approx(1)
    # The hottest place is at the same place of the body.
    k, j, i = (int(v) for v in np.unravel_index(prepared.argmax(), prepared.shape))
    there = maps["CT"].prepared.TransformIndexToPhysicalPoint((i, j, k))
    index = found.TransformPhysicalPointToIndex(there)
    assert voxels[slices[0], index[1], index[0]] > 0.9


def test_changes_count_for_the_later_and_against_the_earlier_time_point() -> None:
    model = deep_model(timepoints=True)
    before, after = _case("baseline_CT", seed=1), _case("follow-up_CT", seed=2)
    result = score_case(Case("case", {**before.sequences, **after.sequences}), model)
    directions = embedding_directions(result)
    assert list(directions) == ["baseline_CT", "follow-up_CT"]
    np.testing.assert_array_equal(directions["baseline_CT"], -directions["follow-up_CT"])
    maps, missing = activation_maps(result)
    assert len(maps) + len(missing) == 2


def test_harmonised_features_move_by_their_sites_scale() -> None:
    model = deep_model()
    parts = {
        row.name: CombatFeature(mean=row.mean, variance=row.sd**2, effects=(), shifts=(0.0, 0.5), scales=(1.0, 4.0))
        for row in model.features
    }
    combat = CombatParameters(
        sites=("A", "B"), cases=(9, 9), mean_only=False, reference_site=None, covariates=(), features=parts,
        unchanged=(),
    )  # fmt: skip
    model = model.model_copy(update={"combat": combat})
    found = {site: embedding_directions(score_case(_case(), model, site=site))["CT"] for site in ("A", "B")}
    np.testing.assert_allclose(found["B"], found["A"] / 2, rtol=1e-9)


def test_a_model_without_deep_features_has_no_map() -> None:
    model = deep_model()
    kept = tuple(row for row in model.features if "_deep_" not in row.name)
    rows = tuple(row[-1:] for row in model.background)
    result = score_case(_case(), model.model_copy(update={"features": kept, "background": rows}))
    assert activation_maps(result) == ({}, ())


def test_files_of_a_score(tmp_path: Path) -> None:
    result = score_case(_case(), deep_model())
    write_score(tmp_path, result)
    image = sitk.ReadImage(str(tmp_path / "CT_activation.nrrd"))
    np.testing.assert_array_equal(
        sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(activation_maps(result)[0]["CT"].image)
    )
    assert (tmp_path / "CT_activation.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Activation of the network" in page
    first = (tmp_path / "CT_activation.nrrd").read_bytes(), (tmp_path / "CT_activation.png").read_bytes()
    write_score(tmp_path, result)
    assert first == ((tmp_path / "CT_activation.nrrd").read_bytes(), (tmp_path / "CT_activation.png").read_bytes())


def test_a_network_without_the_weights_of_its_embedding_gives_a_warning_and_a_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = score_case(_case(), deep_model())

    def refuse(*arguments: object) -> None:
        raise NetworkError("The network's file does not hold the weights of its embedding.")

    monkeypatch.setattr(module, "activation_image", refuse)
    write_score(tmp_path, result)
    told = "No activation map of CT: The network's file does not hold the weights of its embedding."
    assert told in json.loads((tmp_path / "score.json").read_text(encoding="utf-8"))["warnings"]
    assert told in (tmp_path / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    assert not (tmp_path / "CT_activation.nrrd").exists()


def test_a_score_that_nothing_moves_has_no_map() -> None:
    model = deep_model()
    still = tuple(
        row.model_copy(update={"coefficient": 0.0}) if "_deep_" in row.name else row for row in model.features
    )
    result = score_case(_case(), model)
    maps, missing = activation_maps(replace(result, model=model.model_copy(update={"features": still})))
    assert maps == {}
    assert missing == ("No activation map of CT: nothing in it speaks for a higher score.",)
