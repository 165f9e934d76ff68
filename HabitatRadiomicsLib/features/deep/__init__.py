"""Deep features: the patch that a network sees, the network, and activation maps of its embedding."""

from HabitatRadiomicsLib.features.deep.network import Network, embedding_names, load_network
from HabitatRadiomicsLib.features.deep.patch import lesion_patch

__all__ = ["Network", "embedding_names", "lesion_patch", "load_network"]
