"""The architectures of trainable networks, and their export as ONNX files."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
import onnx
import torch

from HabitatRadiomicsLib.errors import NetworkError
from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.network import OUTPUTS, Network


class EmbeddingNetwork(torch.nn.Module):  # type: ignore[misc]
    """Convolutions, the mean of their last feature map over all positions, a linear embedding, a linear classifier.

    Only the mean and linear layers follow the feature map, so that class activation maps are exact.
    """

    def __init__(self, convolutions: Any, maps: int, dimensions: int) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.embedding = torch.nn.Linear(maps, dimensions)
        self.head = torch.nn.Linear(dimensions, 1)

    def forward(self, patches: Any) -> tuple[Any, Any]:
        """Embedding, shape (n, d), and feature map, shape (n, c, h, w), of patches of shape (n, 1, size, size)."""
        features = self.convolutions(patches)
        return self.embedding(features.mean(dim=(2, 3))), features

    def logits(self, patches: Any) -> Any:
        """Of outcome 1, shape (n,)."""
        return self.head(self(patches)[0])[:, 0]


def build(architecture: str, dimensions: int, *, pretrained: bool) -> EmbeddingNetwork:
    """A network with random weights from torch's generator, or with weights pretrained on ImageNet.

    Args:
        architecture: ``densenet121`` (MONAI's; 1024 feature maps with a side of size / 32), or ``small`` (three
            layers, 24 feature maps with a side of size / 4; a few thousand weights).
        dimensions: of the embedding.
        pretrained: start from MONAI's ImageNet weights, which it downloads; the first layer, made for three colours,
            stays random.

    Raises:
        NetworkError: the architecture has no such weights, or they cannot be downloaded.
    """
    if architecture == "small":
        if pretrained:
            raise NetworkError("There are no pretrained weights of 'small'.", remedy="Use --architecture densenet121.")
        return EmbeddingNetwork(
            torch.nn.Sequential(*_layer(1, 8, 1), *_layer(8, 16, 2), *_layer(16, 24, 2)), 24, dimensions
        )
    from monai.networks.nets import DenseNet121

    try:
        # Huang G et al. Densely connected convolutional networks. CVPR 2017, doi 10.1109/CVPR.2017.243.
        dense = DenseNet121(spatial_dims=2, in_channels=1, out_channels=1, pretrained=pretrained)
    except (OSError, RuntimeError) as error:
        raise NetworkError(
            f"The pretrained weights cannot be downloaded: {error}.",
            where="--pretrained",
            remedy="Check the internet connection; without --pretrained the network starts from random weights.",
        ) from error
    convolutions = torch.nn.Sequential(dense.features, torch.nn.ReLU())
    return EmbeddingNetwork(convolutions, dense.class_layers.out.in_features, dimensions)


def _layer(before: int, after: int, stride: int) -> list[Any]:
    convolution = torch.nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return [convolution, torch.nn.BatchNorm2d(after), torch.nn.ReLU()]


#: Version of ONNX's operators, of 2022: every accepted onnxruntime supports it.
_OPERATORS = 17


def exported(network: EmbeddingNetwork, metadata: NetworkMetadata) -> bytes:
    """The ONNX file of a network in evaluation mode, with its metadata; the same network gives the same bytes.

    Args:
        metadata: with the side of the patch, which is fixed in the file.
    """
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The newer exporter needs another package.
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
    """The largest difference between torch's and onnxruntime's outputs, relative where values exceed 1.

    Args:
        patches: prepared intensities, shape (n, size, size).
    """
    differences = [0.0]
    for patch in patches:
        scaled = loaded.metadata.scaling.applied(patch)[None, None]
        with torch.no_grad():
            expected = [part[0].numpy() for part in network(torch.from_numpy(scaled))]
        output = loaded.run(patch)
        for ours, theirs in zip((output.embedding, output.features), expected):
            differences.append(float((np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max()))
    return max(differences)
