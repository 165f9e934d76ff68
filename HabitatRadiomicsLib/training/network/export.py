"""Trained networks as ONNX, and whether they are still the same; needs torch and onnx."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import torch

from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.network import OUTPUTS, Network
from HabitatRadiomicsLib.training.network.architectures import EmbeddingNetwork

#: Of ONNX's operators: of 2022, which every onnxruntime that is accepted knows.
_OPERATORS = 17


def exported(network: EmbeddingNetwork, metadata: NetworkMetadata) -> bytes:
    """The file of a network in evaluation mode, with its metadata; the same network gives the same bytes.

    Args:
        metadata: tells the side of the patch, which the file fixes.
    """
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The newer exporter needs one more package.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, metadata.patch, metadata.patch),),
            stream,
            input_names=["patch"],
            output_names=list(OUTPUTS),
            opset_version=_OPERATORS,
            dynamo=False,
        )
    model = onnx.load_from_string(stream.getvalue())
    for name, text in sorted(metadata.properties().items()):
        model.metadata_props.add(key=name, value=text)
    return bytes(model.SerializeToString(deterministic=True))


def difference_of(network: EmbeddingNetwork, loaded: Network, patches: np.ndarray) -> float:
    """The largest one between torch's and onnxruntime's outputs of patches, relative where values exceed 1.

    Args:
        patches: prepared intensities, shape (n, size, size).
    """
    found = [0.0]
    for patch in patches:
        scaled = loaded.metadata.scaling.applied(patch)[None, None]
        with torch.no_grad():
            expected = [part[0].numpy() for part in network(torch.from_numpy(scaled))]
        output = loaded.run(patch)
        for ours, theirs in zip((output.embedding, output.features), expected):
            found.append(float((np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max()))
    return max(found)
