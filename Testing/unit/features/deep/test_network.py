"""Networks: their numbers against loops over pixels, and every kind of file that is refused."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from HabitatRadiomicsLib.cases.synthetic.chest_ct import synthetic_ct_patient
from HabitatRadiomicsLib.errors import DependencyError, NetworkError
from HabitatRadiomicsLib.features.deep import embedding_names, lesion_patch, load_network
from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.network import bundled_networks
from HabitatRadiomicsLib.features.deep.patch import InputScaling
from HabitatRadiomicsLib.imaging import prepare
from HabitatRadiomicsLib.protocol import Preprocessing
from HabitatRadiomicsLib.system.provenance import image_digest

Weights = tuple[np.ndarray, np.ndarray, np.ndarray]


def _patch(size: int = 16) -> np.ndarray:
    return np.random.default_rng(8).normal(0, 1, (size, size)).astype(np.float32)


def _by_hand(patch: np.ndarray, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    kernels, matrix, bias = (part.astype(float) for part in weights)
    count = len(patch) // 4
    features = np.zeros((3, count, count))
    for c in range(3):
        for a in range(count):
            for b in range(count):
                window = patch[4 * a : 4 * a + 4, 4 * b : 4 * b + 4]
                features[c, a, b] = max(0.0, float((window * kernels[c, 0]).sum()))
    means = [features[c].sum() / count**2 for c in range(3)]
    return np.array([sum(matrix[d, c] * means[c] for c in range(3)) + bias[d] for d in range(2)]), features


def test_embedding_and_features_are_what_the_weights_say(write_network: Callable[..., Path], weights: Weights) -> None:
    network = load_network(write_network())
    output = network.run(_patch())
    embedding, features = _by_hand(_patch(), weights)
    np.testing.assert_allclose(output.embedding, embedding, atol=1e-5)
    np.testing.assert_allclose(output.features, features, atol=1e-5)
    assert embedding_names(network) == ("original_deep_E001", "original_deep_E002")
    again = load_network(write_network("again.onnx")).run(_patch())
    np.testing.assert_array_equal(again.embedding, output.embedding)


def test_patches_are_put_on_the_networks_scale(write_network: Callable[..., Path], weights: Weights) -> None:
    scaling = InputScaling("window", -1, 0.5)
    network = load_network(write_network(metadata=NetworkMetadata(scaling=scaling)))
    embedding, _ = _by_hand(np.clip((_patch().astype(float) + 1) / 1.5, 0, 1), weights)
    np.testing.assert_allclose(network.run(_patch()).embedding, embedding, atol=1e-5)
    # Of a network that says nothing of it, the z-score.
    plain = load_network(write_network("plain.onnx", properties={}))
    scaled = (_patch() - _patch().mean()) / _patch().std()
    np.testing.assert_allclose(plain.run(_patch()).embedding, _by_hand(scaled, weights)[0], atol=1e-5)


def test_metadata_come_back(weights: Weights) -> None:
    metadata = NetworkMetadata(
        title="Größe",
        patch=32,
        scaling=InputScaling("window", -160, 240),
        training={"cases": 7},
        training_images=frozenset({"cd", "ab"}),
        embedding_weight=weights[1].astype(float),
        embedding_bias=weights[2].astype(float),
        head_weight=np.array([0.25, -2.0]),
        head_bias=0.5,
    )
    found = NetworkMetadata.read(metadata.properties(), 2, 3)
    arrays = ("embedding_weight", "embedding_bias", "head_weight")
    for name in arrays:
        np.testing.assert_array_equal(getattr(found, name), getattr(metadata, name))
    nothing = dict.fromkeys(arrays)
    assert replace(found, **nothing) == replace(metadata, **nothing)


def test_a_network_knows_its_training_images(write_network: Callable[..., Path]) -> None:
    network = load_network(write_network())
    assert network.knows_image("ab")
    assert not network.knows_image("cd")


def test_another_file_than_the_one_that_is_meant_is_refused(write_network: Callable[..., Path]) -> None:
    path = write_network()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_network(path, digest).sha256 == digest
    with pytest.raises(NetworkError, match=f"its SHA-256 is {digest}, not {'0' * 64}"):
        load_network(path, "0" * 64)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(NetworkError, match="not the expected network"):
        load_network(path, digest)


def test_what_is_no_network_is_refused(tmp_path: Path, write_network: Callable[..., Path]) -> None:
    with pytest.raises(NetworkError, match=r"no network of this name.*Bundled networks: synthetic-demo"):
        load_network("nothing")
    with pytest.raises(NetworkError, match="no network of this name"):
        load_network(tmp_path)
    for number, data in enumerate((b"", b"this is not ONNX", write_network().read_bytes()[:-400])):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(data)
        with pytest.raises(NetworkError, match=rf"{number}\.onnx: The file cannot be read as an ONNX network"):
            load_network(path)


def test_outputs_and_input_must_be_the_right_ones(write_network: Callable[..., Path]) -> None:
    with pytest.raises(NetworkError, match="has no output features; it has: embedding"):
        load_network(write_network(outputs=("embedding",)))
    with pytest.raises(NetworkError, match=r"takes patch tensor\(float\) \[1, 3, 'size', 'size'\]"):
        load_network(write_network(channels=3))


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"patch": "wide"}, "invalid literal"),
        ({"input_scaling": "{"}, "Expecting property name"),
        ({"input_scaling": "[]"}, "'input_scaling' is not a JSON object"),
        ({"input_scaling": '{"kind": "log"}'}, "'log' is not a scaling"),
        ({"input_scaling": '{"middle": 1}'}, "unexpected keyword argument 'middle'"),
        ({"training_images": "{}"}, "'training_images' is not a JSON array"),
        ({"embedding.weight": "!"}, "is not base64"),
        ({"embedding.weight": "AAAA"}, "is not base64 of 32-bit numbers"),
        ({"embedding.weight": "AACAPw=="}, "'embedding.weight' does not hold 6 finite values"),
        ({"head.weight": "AADAfwAAgD8="}, "'head.weight' does not hold 2 finite values"),
    ],
)
def test_metadata_that_make_no_sense_are_refused(
    write_network: Callable[..., Path], properties: dict[str, str], reason: str
) -> None:
    with pytest.raises(NetworkError, match="metadata are invalid") as caught:
        load_network(write_network(properties=properties))
    assert reason in str(caught.value)


def test_patches_of_another_size_are_refused(write_network: Callable[..., Path]) -> None:
    network = load_network(write_network(metadata=NetworkMetadata(patch=32)))
    with pytest.raises(NetworkError, match=r"trained on patches of 32 pixels; the protocol asks for 16.*patch: 32"):
        network.run(_patch())
    with pytest.raises(NetworkError, match="cannot work on a patch of 2 x 2 pixels"):
        load_network(write_network("any.onnx")).run(_patch(2))


def test_an_embedding_that_is_not_finite_is_refused(write_network: Callable[..., Path]) -> None:
    patch = _patch()
    patch[0, 0] = np.nan
    with pytest.raises(NetworkError, match="not finite"):
        load_network(write_network()).run(patch)


def test_without_onnxruntime_the_sentence_tells_what_to_install(
    write_network: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_network("unseen.onnx", metadata=NetworkMetadata(title="never loaded before"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DependencyError, match='pip install "onnxruntime>='):
        load_network(path)


def test_the_bundled_network_is_small_and_describes_itself() -> None:
    path = bundled_networks()["synthetic-demo"]
    assert path.stat().st_size < 200_000
    network = load_network("synthetic-demo")
    assert network.metadata.title
    assert network.metadata.training["cases"] == len(network.metadata.training_images)
    size = network.metadata.patch
    output = network.run(np.random.default_rng(1).normal(0, 100, (size, size)).astype(np.float32))
    assert len(output.embedding) == network.dimensions == 16


def test_measuring_needs_no_torch() -> None:
    lines = (
        "import sys",
        "sys.modules['torch'] = None",
        "import numpy as np",
        "from HabitatRadiomicsLib.features.deep import load_network",
        "network = load_network('synthetic-demo')",
        "network.run(np.zeros((network.metadata.patch, network.metadata.patch), dtype='f4'))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_bundled_network_sees_what_is_there_and_nothing_where_nothing_is() -> None:
    network, settings = load_network("synthetic-demo"), {"resampling": {"spacing": [1, 1, None]}}
    head, size = network.metadata.head_weight, network.metadata.patch
    images: set[str] = set()

    def auc(effect: float) -> float:
        scores: dict[int, list[float]] = {0: [], 1: []}
        for number in range(30):
            patient = synthetic_ct_patient(number, seed=501, effect=effect)
            sequence = patient.case.sequences["CT"]
            prepared = prepare(sequence, Preprocessing.model_validate(settings))
            images.add(image_digest(sequence.image))
            patch, _ = lesion_patch(prepared.image, prepared.mask, size)
            scores[patient.outcome].append(float(head @ network.run(patch).embedding))
        return float(np.mean([one > zero for one in scores[1] for zero in scores[0]]))

    assert auc(1.0) > 0.8
    # Five in a hundred of 15 against 15 lie further off by chance.
    assert abs(auc(0.0) - 0.5) < 0.21
    assert not any(network.knows_image(digest) for digest in images)
    assert network.knows_image(image_digest(synthetic_ct_patient(0, seed=77001).case.sequences["CT"].image))
