"""Deep features: the patch that a network sees, the network, and activation maps of its embedding."""

from HabitatRadiomicsLib.features.deep.activation import activation_image, activation_map, class_map
from HabitatRadiomicsLib.features.deep.network import Network, NetworkOutput, embedding_names, load_network
from HabitatRadiomicsLib.features.deep.patch import Placement, lesion_patch

__all__ = [
    "Network",
    "NetworkOutput",
    "Placement",
    "activation_image",
    "activation_map",
    "class_map",
    "embedding_names",
    "lesion_patch",
    "load_network",
]
