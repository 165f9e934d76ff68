"""Training, where torch is: what is learned, what is exported, and that both are the same twice.

Torch is an extra of its own: elsewhere these tests say so and skip (see the extra 'deep-train' in pyproject.toml).
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from HabitatRadiomicsLib.cases.synthetic.chest_ct import synthetic_ct_patient, write_synthetic_ct_cohort
from HabitatRadiomicsLib.commands.program import main
from HabitatRadiomicsLib.errors import LearningError, NetworkError
from HabitatRadiomicsLib.features.deep.activation import activation_map, class_map
from HabitatRadiomicsLib.features.deep.network import load_network
from HabitatRadiomicsLib.features.deep.patch import InputScaling, Placement
from HabitatRadiomicsLib.system.provenance import image_digest
from HabitatRadiomicsLib.training.networks import CohortPatches, NetworkTraining, cohort_patches, train_network

_SMALL = NetworkTraining(architecture="small", embedding=4, epochs=8, batch=8, learning_rate=1e-2, seed=3)


@pytest.fixture(scope="session")
def torch() -> Any:
    reason = "torch is not installed (pip install '.[deep-train]')"
    pytest.importorskip("monai", reason=reason)
    return pytest.importorskip("torch", reason=reason)


def _blobs(count: int = 48, size: int = 16) -> CohortPatches:
    """Patches with a bright square somewhere, brighter with the outcome; two cases of each patient."""
    generator = np.random.default_rng(6)
    outcome = np.repeat(np.arange(count // 2) % 2, 2)
    patches = generator.normal(0, 1, (count, size, size)).astype(np.float32)
    for patch, value in zip(patches, outcome):
        j, i = generator.integers(2, size - 6, 2)
        patch[j : j + 4, i : i + 4] += 6 if value else 1
    patients = tuple(f"p{number // 2}" for number in range(count))
    return CohortPatches(patches, outcome, patients, tuple(f"{number:064x}" for number in range(count)))


@pytest.fixture(scope="session")
def trained(torch: object) -> object:
    return train_network(_blobs(), InputScaling("none"), _SMALL, title="Blobs")


def test_the_network_learns_what_is_there(trained) -> None:
    assert trained.validation_auc > 0.9
    assert trained.epoch == 1 + int(np.argmin(trained.validation_loss))
    # And on patches that it never saw, through onnxruntime and the head in the metadata.
    data, metadata = _blobs(96), trained.network.metadata
    fresh = replace(data, patches=data.patches[48:], outcome=data.outcome[48:])
    scores = [
        metadata.head_weight @ trained.network.run(patch).embedding + metadata.head_bias for patch in fresh.patches
    ]
    pairs = [a > b for a, p in zip(scores, fresh.outcome) for b, q in zip(scores, fresh.outcome) if p > q]
    assert np.mean(pairs) > 0.9


def test_onnx_and_torch_agree(trained) -> None:
    assert trained.difference < 1e-4


def test_the_map_lies_on_what_decides(trained) -> None:
    patch = np.zeros((16, 16), dtype=np.float32)
    patch[2:6, 9:13] = 6
    output = trained.network.run(patch)
    direction = trained.network.metadata.head_weight
    bias = direction @ output.metadata.embedding_bias
    assert class_map(output, direction).mean() + bias == pytest.approx(direction @ output.embedding, abs=1e-5)
    heat = activation_map(output, direction, Placement(0, 0, 0, 16), (16, 16))
    j, i = np.unravel_index(heat.argmax(), heat.shape)
    assert 1 <= j <= 6
    assert 8 <= i <= 13


def test_metadata_tell_how_it_came_about(trained) -> None:
    metadata, data = trained.network.metadata, _blobs()
    assert metadata.title == "Blobs"
    assert metadata.patch == 16
    assert metadata.training_images == set(data.image_digests)
    assert (metadata.training["cases"], metadata.training["patients"], metadata.training["events"]) == (48, 24, 24)
    assert metadata.training["training_cases"] + metadata.training["held_out_cases"] == 48
    assert metadata.training["settings"]["seed"] == 3


def test_the_same_training_gives_the_same_bytes(trained) -> None:
    again = train_network(_blobs(), InputScaling("none"), _SMALL, title="Blobs")
    assert again.onnx == trained.onnx
    other = train_network(_blobs(), InputScaling("none"), replace(_SMALL, seed=4), title="Blobs")
    assert other.onnx != trained.onnx


def test_torch_is_left_as_it_was(torch) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    train_network(_blobs(), InputScaling("none"), replace(_SMALL, epochs=1), title="Blobs")
    assert torch.equal(torch.rand(3), expected)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (threads, strict)


def test_monais_densenet_is_exported_whole(torch: object) -> None:
    settings = NetworkTraining(embedding=8, epochs=1, batch=8, seed=1)
    data = _blobs(20, 32)
    found = train_network(data, InputScaling("z-score"), settings, title="DenseNet121")
    assert found.difference < 1e-4
    output = found.network.run(data.patches[0])
    assert output.features.shape == (1024, 1, 1)
    assert output.embedding.shape == (8,)
    assert output.features.min() >= 0
    unit = np.eye(8)[5]
    expected = output.embedding[5] - output.metadata.embedding_bias[5]
    assert class_map(output, unit).mean() == pytest.approx(expected, abs=1e-4)


def test_too_few_patients_are_refused(torch: object) -> None:
    data = _blobs(16)
    with pytest.raises(LearningError, match="There are 4 patients with outcome 0; a network needs at least 5"):
        train_network(data, InputScaling("none"), _SMALL, title="Few")
    # Cases of a few patients are not many patients.
    with pytest.raises(LearningError, match="There are 2 patients"):
        train_network(
            replace(_blobs(), patients=tuple(f"p{number % 4}" for number in range(48))),
            InputScaling("none"),
            _SMALL,
            title="Few",
        )


def test_a_small_network_has_no_pretrained_weights(torch: object) -> None:
    with pytest.raises(NetworkError, match="no pretrained weights of 'small'"):
        train_network(_blobs(), InputScaling("none"), replace(_SMALL, pretrained=True), title="Small")


def test_weights_that_cannot_be_downloaded_are_told(torch: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import monai.networks.nets.densenet as densenet

    def refused(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(densenet, "load_state_dict_from_url", refused)
    with pytest.raises(NetworkError, match=r"cannot be downloaded: no route to host.*without --pretrained"):
        train_network(_blobs(20, 32), InputScaling(), NetworkTraining(pretrained=True, epochs=1), title="Pretrained")


def _protocol(folder: Path) -> Path:
    document = {
        "format_version": 1, "name": "ct", "title": "CT", "sequences": ["CT"], "regions": ["patch"],
        "deep": {"network": "mine.onnx", "patch": 24},
    }  # fmt: skip
    path = folder / "ct.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cohort_arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("cohort")
    images, clinical = write_synthetic_ct_cohort(folder, 12, seed=31)
    return ["deep-train", "--cohort", str(images), "--clinical", str(clinical), "--protocol", str(_protocol(folder))]


def test_the_command_writes_a_network_that_a_protocol_can_name(
    torch: object, cohort_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.onnx"
    small = ["--architecture", "small", "--embedding", "3", "--epochs", "2", "--window", "50", "250"]
    assert main([*cohort_arguments, "--out", str(out), *small]) == 0
    network = load_network(out)
    said = capsys.readouterr().out
    assert f"deep: {{network: {out}, sha256: {network.sha256}, patch: 24}}" in said
    assert network.metadata.scaling == InputScaling("window", 50, 250)
    images = {image_digest(synthetic_ct_patient(n, seed=31).case.sequences["CT"].image) for n in range(12)}
    assert network.metadata.training_images == images
    assert main([*cohort_arguments, "--out", str(out), *small]) == 2
    assert "The file already exists" in capsys.readouterr().err
    kept = out.read_bytes()
    assert main([*cohort_arguments, "--out", str(out), "--overwrite", *small]) == 0
    assert out.read_bytes() == kept


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--out", "network.pt"], "file ends in .onnx"),
        (["--out", "n.onnx", "--window", "3", "1"], "'lower' must be below 'upper'"),
        (["--out", "n.onnx", "--sequence", "PET"], "no PET image"),
        (["--out", "n.onnx", "--protocol", "nowhere"], "no protocol of this name"),
    ],
)
def test_wrong_arguments_are_refused(
    torch: object,
    cohort_arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*cohort_arguments, *more]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_torch_the_command_tells_what_to_install(
    cohort_arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from HabitatRadiomicsLib.system.installation import dependencies

    real = dependencies.Requirement.installed
    monkeypatch.setattr(dependencies.Requirement, "installed", lambda row: None if row.module == "torch" else real(row))
    assert main([*cohort_arguments, "--out", str(tmp_path / "n.onnx")]) == 2
    said = capsys.readouterr().err
    assert "Training a network needs packages that are not installed: torch" in said
    assert 'pip install "torch>=' in said
    assert "torch" not in sys.modules or "monai" in sys.modules


def test_cases_that_cannot_be_read_are_named_and_left_out(cohort_arguments: list[str], tmp_path: Path) -> None:
    from HabitatRadiomicsLib.cases.cohort import load_cohort
    from HabitatRadiomicsLib.protocol import load_protocol

    images, clinical = write_synthetic_ct_cohort(tmp_path, 3, seed=31)
    (tmp_path / "images" / "synthetic-ct-001" / "CT.nrrd").write_bytes(b"nothing")
    data = cohort_patches(load_cohort(images, clinical), load_protocol(_protocol(tmp_path)), "CT", 24)
    assert data.patches.shape == (2, 24, 24)
    assert [row.case_id for row in data.problems] == ["synthetic-ct-001"]
    assert data.outcome.tolist() == [0, 0]
