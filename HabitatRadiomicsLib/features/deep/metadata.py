"""What a network's file says about itself: ONNX metadata properties, texts under the names below.

A network of another origin may have none of them: it can be measured with, but has no activation maps, and nobody knows
whom it was trained on.

=====================  ===========================================================================================
property               holds
=====================  ===========================================================================================
``title``              what it is, in a line
``patch``              side in pixels of the patches that it was trained on
``input_scaling``      JSON: :class:`HabitatRadiomicsLib.features.deep.patch.InputScaling`
``training``           JSON: who, how many, how, and with what
``training_images``    JSON: SHA-256 (of voxels and geometry) of the training cases' images, sorted
``embedding.weight``   base64 of little-endian Float32, d x c: the embedding is this matrix times the mean of the
                       feature map over its places, plus
``embedding.bias``     d values, written likewise
``head.weight``        d values: the classifier that it was trained with; its logit is this times the embedding, plus
``head.bias``          1 value
=====================  ===========================================================================================
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from HabitatRadiomicsLib.features.deep.patch import InputScaling


@dataclass(frozen=True)
class NetworkMetadata:
    """See the module."""

    title: str = ""
    patch: int | None = None
    scaling: InputScaling = field(default_factory=InputScaling)
    training: Mapping[str, Any] = field(default_factory=dict)
    training_images: frozenset[str] = frozenset()
    embedding_weight: np.ndarray | None = None
    embedding_bias: np.ndarray | None = None
    head_weight: np.ndarray | None = None
    head_bias: float = 0.0

    @classmethod
    def read(cls, properties: Mapping[str, str], dimensions: int, maps: int) -> NetworkMetadata:
        """From an ONNX file's properties.

        Args:
            dimensions: of the embedding.
            maps: channels of the feature map.

        Raises:
            ValueError: a property is not what the module says.
        """
        weight = head = None
        bias, head_bias = np.zeros(dimensions), np.zeros(1)
        if "embedding.weight" in properties:
            weight = _array(properties, "embedding.weight", dimensions * maps).reshape(dimensions, maps)
            bias = _array(properties, "embedding.bias", dimensions)
        if "head.weight" in properties:
            head = _array(properties, "head.weight", dimensions)
            head_bias = _array(properties, "head.bias", 1)
        return cls(
            title=properties.get("title", ""),
            patch=int(properties["patch"]) if "patch" in properties else None,
            scaling=InputScaling(**_json(properties, "input_scaling", dict)),
            training=_json(properties, "training", dict),
            training_images=frozenset(_json(properties, "training_images", list)),
            embedding_weight=weight,
            embedding_bias=None if weight is None else bias,
            head_weight=head,
            head_bias=float(head_bias[0]),
        )

    def properties(self) -> dict[str, str]:
        """As an ONNX file holds it."""
        found = {"title": self.title, "input_scaling": _text(asdict(self.scaling))}
        found |= {} if self.patch is None else {"patch": str(self.patch)}
        found |= {"training": _text(dict(self.training)), "training_images": _text(sorted(self.training_images))}
        if self.embedding_weight is not None and self.embedding_bias is not None:
            found |= {
                "embedding.weight": _base64(self.embedding_weight),
                "embedding.bias": _base64(self.embedding_bias),
            }
        if self.head_weight is not None:
            found |= {"head.weight": _base64(self.head_weight), "head.bias": _base64(np.array([self.head_bias]))}
        return found


def _json(properties: Mapping[str, str], name: str, kind: type) -> Any:
    if name not in properties:
        return kind()
    found = json.loads(properties[name])
    if not isinstance(found, kind):
        raise ValueError(f"'{name}' is not a JSON {'object' if kind is dict else 'array'}")
    return found


def _text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _array(properties: Mapping[str, str], name: str, count: int) -> np.ndarray:
    try:
        values = np.frombuffer(base64.b64decode(properties.get(name, ""), validate=True), dtype="<f4")
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"'{name}' is not base64 of 32-bit numbers") from error
    if len(values) != count or not np.isfinite(values).all():
        raise ValueError(f"'{name}' does not hold {count} finite values")
    return values.astype(np.float64)


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode("ascii")
