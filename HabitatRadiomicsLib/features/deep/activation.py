"""Class activation maps without torch: which part of a patch moves a network's embedding in a given direction.

Zhou B et al. Learning deep features for discriminative localization. CVPR 2016, doi 10.1109/CVPR.2016.319. They need
an embedding that is linear in the spatial mean of the last feature map, with its weights in the network's metadata.
The map is then exact: the mean of :func:`class_map`, plus the bias, is the embedding's component.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.geometry import image_like
from HabitatRadiomicsLib.errors import NetworkError
from HabitatRadiomicsLib.features.deep.network import NetworkOutput
from HabitatRadiomicsLib.features.deep.patch import Placement

#: Tolerance for Float32 arithmetic in a different order of summation.
_TOLERANCE = 1e-3


def class_map(output: NetworkOutput, direction: np.ndarray) -> np.ndarray:
    """The signed contribution of each position in the feature map to ``direction . embedding``, shape (h, w).

    The map's mean plus ``direction . bias`` is ``direction . embedding``.

    Args:
        direction: in the space of the embedding, shape (d,): a unit vector for one deep feature, the coefficients of
            the deep features for a linear score, the gradient for any other score.

    Raises:
        NetworkError: the network's file does not hold the weights of its embedding, or holds wrong ones.
        ValueError: the direction has another length, or is not finite.
    """
    direction = np.asarray(direction, dtype=np.float64)
    if direction.shape != output.embedding.shape or not np.isfinite(direction).all():
        raise ValueError(f"a direction has {len(output.embedding)} finite components")
    weight, bias = output.metadata.embedding_weight, output.metadata.embedding_bias
    if weight is None or bias is None:
        raise NetworkError(
            "The network's file does not hold the weights of its embedding ('embedding.weight' and 'embedding.bias' in "
            "its metadata), and there is no activation map without them.",
            remedy="Networks of 'habitat-radiomics deep-train' hold them.",
        )
    embedding = weight @ output.features.mean(axis=(1, 2)) + bias
    if not np.allclose(embedding, output.embedding, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise NetworkError(
            "The weights in the network's metadata do not give its embedding.", remedy="Export the network again."
        )
    return np.tensordot(direction @ weight, output.features, axes=1)


def activation_map(
    output: NetworkOutput, direction: np.ndarray, placement: Placement, shape: tuple[int, int]
) -> np.ndarray:
    """The positive part of :func:`class_map` on the slice's grid, 0 to 1.

    It is interpolated linearly between the centres of the map's positions (constant beyond the outer ones), divided by
    its maximum over the patch, and 0 outside the patch.

    Args:
        placement: of the patch.
        shape: rows and columns of the image's slices.
    """
    positive = np.maximum(class_map(output, direction), 0)
    rows, columns = (_interpolation(count, placement.size) for count in positive.shape)
    fine = rows @ positive @ columns.T
    if fine.max() > 0:
        fine = fine / fine.max()
    activation = np.zeros(shape)
    of_image, of_patch = placement.inside(*shape)
    activation[of_image] = fine[of_patch]
    return activation


def activation_image(
    output: NetworkOutput, direction: np.ndarray, placement: Placement, reference: sitk.Image
) -> sitk.Image:
    """:func:`activation_map` in its slice of an otherwise empty image, Float32, on the prepared image's grid."""
    size = reference.GetSize()
    voxels = np.zeros(size[::-1], dtype=np.float32)
    voxels[placement.slice_index] = activation_map(output, direction, placement, (size[1], size[0]))
    return image_like(voxels, reference)


def _interpolation(count: int, size: int) -> np.ndarray:
    """Weights, shape (size, count), from ``count`` positions to ``size`` pixels that cover the same length."""
    centres = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
    return np.stack([np.interp(centres, np.arange(count), unit) for unit in np.eye(count)], axis=1)
