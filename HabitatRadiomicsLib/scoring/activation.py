"""Class activation maps: the part of a patient's image that changes the score through a network's deep features.

The direction in the embedding is the gradient of the score, so that a map shows what raises the score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.errors import NetworkError
from HabitatRadiomicsLib.features.catalogue import PATCH
from HabitatRadiomicsLib.features.deep import lesion_patch
from HabitatRadiomicsLib.features.deep.activation import activation_image
from HabitatRadiomicsLib.features.deep.measure import network_of
from HabitatRadiomicsLib.features.deep.patch import Placement
from HabitatRadiomicsLib.features.delta import DELTA, measured_names
from HabitatRadiomicsLib.features.harmonisation import apply_combat
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.prediction import scores_of
from HabitatRadiomicsLib.scoring.result import ScoreResult

#: Step of the central difference for a classifier, in standard deviations of the training cases.
_STEP = 0.1


@dataclass(frozen=True)
class Activation:
    """One map, Float32, 0 to 1 (its maximum), 0 outside of the network's patch.

    Attributes:
        prepared: on the grid of the prepared image, in the slice that the network saw.
        image: on the input's grid, in the slice nearest to that one.
    """

    prepared: sitk.Image
    image: sitk.Image


def activation_maps(result: ScoreResult) -> tuple[dict[str, Activation], tuple[str, ...]]:
    """The map of each image that a network has processed for a score.

    Returns:
        Maps by key, empty for a model without deep features, and a sentence for each map that is missing.
    """
    maps, missing = {}, []
    for key, direction in embedding_directions(result).items():
        try:
            activation = _activation(result, key, direction) if direction.any() else None
        except NetworkError as error:
            missing.append(f"No activation map of {title_of(key)}: {error.problem}")
            continue
        if activation is None:
            missing.append(f"No activation map of {title_of(key)}: nothing in it speaks for a higher score.")
        else:
            maps[key] = activation
    return maps, tuple(missing)


def embedding_directions(result: ScoreResult) -> dict[str, np.ndarray]:
    """The gradient of the score with respect to the components of the network's embedding, by key; shape
    (components,).

    For a change, the gradient at the earlier time point is the negative of that at the later one.
    """
    model = result.model
    values = np.array([result.values[feature.name] for feature in model.features])
    gradient = dict(zip((feature.name for feature in model.features), score_gradient(model, values).tolist()))
    directions: dict[str, np.ndarray] = {}
    for name in model.measured_features:
        if name.region != PATCH:
            continue
        slope = gradient[str(name)] * _harmonised_slope(model, str(name), result.site)
        parts = measured_names(name, model.protocol.timepoints)
        for part in parts:
            direction = directions.setdefault(part.key, np.zeros(network_of(model.protocol).dimensions))
            earlier = name.timepoint == DELTA and part is parts[0]
            direction[int(part.feature[1:]) - 1] += -slope if earlier else slope
    return directions


def score_gradient(model: Model, values: np.ndarray) -> np.ndarray:
    """The derivative of the score with respect to each feature, shape (features,), per unit of the feature.

    Exact for a linear score, and the same for all patients. For a classifier, the central difference over a tenth of
    a standard deviation to either side; the score of a random forest, which changes in steps, may not change at all.

    Args:
        values: of the model's features, shape (features,).

    Raises:
        ModelError: means and SD are not known yet.
    """
    model.check_scorable()
    deviations = np.array([feature.sd for feature in model.features], dtype=float)
    if model.classifier is None:
        return model.coefficients / deviations
    steps = np.diag(_STEP * deviations)
    above, below = scores_of(model, values + steps), scores_of(model, values - steps)
    return (above - below) / (2 * _STEP * deviations)


def _harmonised_slope(model: Model, name: str, site: str | None) -> float:
    """The derivative of a harmonised value with respect to the measured value: ComBat is linear in each feature."""
    if model.combat is None or site is None:
        return 1.0
    low, high = apply_combat(model.combat, np.array([[0.0], [1.0]]), [site, site], columns=[name])[:, 0].tolist()
    return float(high - low)


def _activation(result: ScoreResult, key: str, direction: np.ndarray) -> Activation | None:
    protocol, prepared = result.model.protocol, result.prepared[key]
    assert protocol.deep is not None
    patch, placement = lesion_patch(prepared.image, prepared.mask, protocol.deep.patch)
    output = network_of(protocol).run(patch)
    image = activation_image(output, direction, placement, prepared.image)
    if not sitk.GetArrayViewFromImage(image).any():
        return None
    return Activation(image, _on_grid(image, placement, prepared.source.image))


def _on_grid(activation: sitk.Image, placement: Placement, reference: sitk.Image) -> sitk.Image:
    """A map of one slice in the nearest slice of another grid with the same axes; interpolated linearly within it."""
    voxels = sitk.GetArrayFromImage(activation)
    everywhere = sitk.GetImageFromArray(np.repeat(voxels[placement.slice_index][None], len(voxels), axis=0))
    everywhere.CopyInformation(activation)
    moved = sitk.GetArrayFromImage(sitk.Resample(everywhere, reference, sitk.Transform(), sitk.sitkLinear, 0.0))
    size = activation.GetSize()
    centre = activation.TransformIndexToPhysicalPoint((size[0] // 2, size[1] // 2, placement.slice_index))
    nearest = round(reference.TransformPhysicalPointToContinuousIndex(centre)[2])
    slice_index = min(max(nearest, 0), len(moved) - 1)
    kept = np.zeros_like(moved)
    kept[slice_index] = moved[slice_index]
    image = sitk.GetImageFromArray(kept)
    image.CopyInformation(reference)
    return image
