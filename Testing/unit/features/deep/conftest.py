"""Networks written with ONNX, small enough to be computed by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.patch import InputScaling

#: A network's weights: kernels (3, 1, 4, 4) moved by 4 pixels, matrix (2, 3) and bias (2,) of the embedding.
Weights = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def weights() -> Weights:
    generator = np.random.default_rng(4)
    kernels, matrix, bias = (generator.normal(size=shape) for shape in ((3, 1, 4, 4), (2, 3), (2,)))
    return kernels.astype(np.float32), matrix.astype(np.float32), bias.astype(np.float32)


@pytest.fixture
def write_network(tmp_path: Path, weights: Weights) -> Callable[..., Path]:
    """Writes a network: a convolution, ReLU, the mean over places, a linear embedding of two components."""

    def write(
        name: str = "tiny.onnx",
        *,
        outputs: tuple[str, ...] = ("embedding", "features"),
        channels: int = 1,
        metadata: NetworkMetadata | None = None,
        properties: Mapping[str, str] | None = None,
    ) -> Path:
        kernels, matrix, bias = weights
        kernels = np.repeat(kernels, channels, axis=1)
        values = {"kernels": kernels, "matrix": matrix, "bias": bias}
        nodes = [
            helper.make_node("Conv", ["patch", "kernels"], ["raw"], strides=[4, 4]),
            helper.make_node("Relu", ["raw"], ["features"]),
            helper.make_node("ReduceMean", ["features"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("Gemm", ["means", "matrix", "bias"], ["embedding"], transB=1),
        ]
        shapes = {"embedding": [1, 2], "features": [1, 3, "h", "w"]}
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info("patch", TensorProto.FLOAT, [1, channels, "size", "size"])],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shapes[output]) for output in outputs],
            [numpy_helper.from_array(array, key) for key, array in values.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        if metadata is None:
            metadata = NetworkMetadata(
                title="tiny",
                scaling=InputScaling("none"),
                training_images=frozenset({"ab"}),
                embedding_weight=matrix,
                embedding_bias=bias,
            )
        for key, text in (metadata.properties() if properties is None else properties).items():
            model.metadata_props.add(key=key, value=text)
        onnx.checker.check_model(model)
        path = tmp_path / name
        path.write_bytes(model.SerializeToString(deterministic=True))
        return path

    return write
