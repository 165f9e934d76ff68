"""A network's description of itself: ONNX metadata properties, texts under the names below.

A network from elsewhere may have none of them: it gives features, but no activation maps, and its training cases are
unknown.

=====================  ===========================================================================================
property               holds
=====================  ===========================================================================================
``title``              description in one line
``patch``              side in pixels of the training patches
``input_scaling``      JSON: :class:`HabitatRadiomicsLib.features.deep.patch.InputScaling`
``training``           JSON: cases, settings, and versions
``training_images``    JSON: SHA-256 (of voxels and geometry) of the training cases' images, sorted
``embedding.weight``   base64 of little-endian Float32, d x c: the embedding is this matrix times the spatial mean of
                       the feature map, plus
``embedding.bias``     d values in the same format
``head.weight``        d values: the classifier of the training; its logit is this times the embedding, plus
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
    """The properties of a network; the module describes them."""

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
            ValueError: a property does not have its format.
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
        """As an ONNX file holds them."""
        texts = {"title": self.title, "input_scaling": _text(asdict(self.scaling))}
        if self.patch is not None:
            texts["patch"] = str(self.patch)
        texts |= {"training": _text(dict(self.training)), "training_images": _text(sorted(self.training_images))}
        if self.embedding_weight is not None and self.embedding_bias is not None:
            weight, bias = _base64(self.embedding_weight), _base64(self.embedding_bias)
            texts |= {"embedding.weight": weight, "embedding.bias": bias}
        if self.head_weight is not None:
            texts |= {"head.weight": _base64(self.head_weight), "head.bias": _base64(np.array([self.head_bias]))}
        return texts


def _json(properties: Mapping[str, str], name: str, kind: type) -> Any:
    if name not in properties:
        return kind()
    content = json.loads(properties[name])
    if not isinstance(content, kind):
        raise ValueError(f"'{name}' is not a JSON {'object' if kind is dict else 'array'}")
    return content


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
