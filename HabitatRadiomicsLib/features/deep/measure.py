"""Deep features: the region ``patch`` of a sequence, measured by the protocol's network."""

from __future__ import annotations

from HabitatRadiomicsLib.errors import FeatureError, HabitatRadiomicsError
from HabitatRadiomicsLib.features.catalogue import PATCH, feature_names
from HabitatRadiomicsLib.features.deep import Network, embedding_names, lesion_patch, load_network
from HabitatRadiomicsLib.imaging import PreparedImage
from HabitatRadiomicsLib.protocol import Protocol

#: Warning for a case on which the network was trained.
KNOWN_IMAGE = "The network of the deep features was trained on this image and its outcome: the features are optimistic."


def network_of(protocol: Protocol) -> Network:
    """The network of a protocol.

    Raises:
        FeatureError: the protocol names no network.
        NetworkError, DependencyError: it cannot be loaded.
    """
    if protocol.deep is None:
        raise FeatureError("Deep features were asked for without settings under 'deep'.", where=protocol.name)
    return load_network(protocol.deep.network, protocol.deep.sha256)


def feature_names_of(protocol: Protocol, region: str) -> tuple[str, ...]:
    """Every ``image_class_Feature`` of a region: the embedding's components for ``patch``, the engine's for others."""
    return embedding_names(network_of(protocol)) if region == PATCH else feature_names(protocol.features)


def measure_patch(prepared: PreparedImage, protocol: Protocol) -> dict[str, float]:
    """The embedding of the lesion's patch, value by ``image_class_Feature``.

    Raises:
        NetworkError, DependencyError: the network cannot be loaded or does not take the patch.
    """
    network = network_of(protocol)
    assert protocol.deep is not None
    try:
        output = network.run(lesion_patch(prepared.image, prepared.mask, protocol.deep.patch)[0])
    except HabitatRadiomicsError as error:
        raise error.at(prepared.title) from error
    return dict(zip(embedding_names(network), output.embedding.tolist()))


def known_image_warnings(image_sha256: str, protocol: Protocol) -> tuple[str, ...]:
    """:data:`KNOWN_IMAGE`, if the protocol's network was trained on the image of this :func:`image_digest`."""
    if protocol.deep is None or not network_of(protocol).knows_image(image_sha256):
        return ()
    return (KNOWN_IMAGE,)


def patch_digest_parts(protocol: Protocol) -> dict[str, object]:
    """Everything but the images on which deep features depend; empty for a protocol without them."""
    if protocol.deep is None:
        return {}
    network = network_of(protocol)
    return {"network": network.sha256, "patch": protocol.deep.patch, "onnxruntime": network.runtime}
