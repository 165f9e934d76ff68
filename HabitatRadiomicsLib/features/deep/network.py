"""Networks as ONNX files (https://onnx.ai), run by onnxruntime: no torch, and nothing is downloaded.

A network takes one patch, (1, 1, size, size), and has two outputs: ``embedding``, (1, d), whose components are the deep
features, and ``features``, (1, c, h, w), the last feature map, from which activation maps come.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from HabitatRadiomicsLib.errors import DependencyError, NetworkError
from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.system.installation.dependencies import ONNXRUNTIME
from HabitatRadiomicsLib.system.resources import resource_files

OUTPUTS = ("embedding", "features")


@dataclass(frozen=True)
class NetworkOutput:
    """A network's outputs for a patch: ``embedding``, shape (d,), and ``features``, shape (c, h, w), Float64."""

    embedding: np.ndarray
    features: np.ndarray
    metadata: NetworkMetadata = field(repr=False)


@dataclass(frozen=True)
class Network:
    """A network that is ready to run.

    Attributes:
        where: the file's name, for messages.
        sha256: of the file.
        dimensions: of the embedding.
        metadata: the file's description of itself.
        runtime: version of onnxruntime.
    """

    where: str
    sha256: str
    dimensions: int
    metadata: NetworkMetadata = field(repr=False)
    runtime: str
    _session: Any = field(repr=False, compare=False)

    def run(self, patch: np.ndarray) -> NetworkOutput:
        """Embedding and feature map of one patch, shape (size, size), with the prepared image's intensities.

        Raises:
            NetworkError: the network was trained on patches of another size, or cannot work on this one.
        """
        trained = self.metadata.patch
        if trained not in (None, len(patch)):
            raise NetworkError(
                f"The network was trained on patches of {trained} pixels; the protocol asks for {len(patch)}.",
                where=self.where,
                remedy=f"Write patch: {trained} under deep in the protocol.",
            )
        entry = self._session.get_inputs()[0].name
        try:
            outputs = self._session.run(list(OUTPUTS), {entry: self.metadata.scaling.applied(patch)[None, None]})
        except Exception as error:  # onnxruntime's errors have no common class
            raise NetworkError(
                f"The network cannot work on a patch of {len(patch)} x {len(patch)} pixels: {_in_a_line(error)}.",
                where=self.where,
                remedy="Change patch under deep in the protocol to what the network takes.",
            ) from error
        embedding, features = (np.asarray(part[0], dtype=np.float64) for part in outputs)
        if embedding.shape != (self.dimensions,) or features.ndim != 3 or not np.isfinite(embedding).all():
            raise NetworkError(
                "The network's embedding is not what its file says, or not finite.",
                where=self.where,
                remedy="Check that it was exported for one patch, (1, 1, size, size), and its input scaling.",
            )
        return NetworkOutput(embedding, features, self.metadata)

    def knows_image(self, digest: str) -> bool:
        """Whether an image, given by its digest, was among the training images."""
        return digest in self.metadata.training_images


def bundled_networks() -> dict[str, Path]:
    """The networks that travel with the library, by name."""
    return resource_files("Networks", ".onnx")


def load_network(name_or_file: str | Path, sha256: str | None = None) -> Network:
    """A bundled network by name, or an ONNX file.

    It runs on the processor in one thread: the same file gives the same bits, alone and in a cohort.

    Args:
        sha256: expected digest of the file; None: any.

    Raises:
        DependencyError: onnxruntime is not installed.
        NetworkError: no such file, another digest, not ONNX, or other inputs or outputs than needed.
    """
    bundled = bundled_networks()
    path = bundled.get(str(name_or_file), Path(name_or_file))
    if not os.path.isfile(path):
        raise NetworkError(
            "There is no network of this name, and no such file.",
            where=str(name_or_file),
            remedy=f"Bundled networks: {', '.join(bundled) or 'none'}.",
        )
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if sha256 is not None and digest != sha256:
        raise NetworkError(
            f"This is not the expected network: its SHA-256 is {digest}, not {sha256}.",
            where=str(path),
            remedy="Bring the file that the model or protocol was made with, or train again with this one.",
        )
    return network_of_bytes(path.name, digest, data)


def embedding_names(network: Network) -> tuple[str, ...]:
    """Names of the embedding's components within the region: ``original_deep_E001`` and so on."""
    return tuple(f"original_deep_E{number:03d}" for number in range(1, network.dimensions + 1))


@lru_cache(maxsize=2)
def network_of_bytes(where: str, digest: str, data: bytes) -> Network:
    """A network from an ONNX file's content; cached, since all cases of a cohort use the same one.

    Raises:
        DependencyError, NetworkError: as :func:`load_network`.
    """
    runtime = _onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # problems are raised as exceptions
    try:
        session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common class
        raise NetworkError(
            f"The file cannot be read as an ONNX network: {_in_a_line(error)}.",
            where=where,
            remedy="It may be damaged, or need another file beside it or a newer onnxruntime.",
        ) from error
    dimensions, maps = _checked(session, where)
    properties = session.get_modelmeta().custom_metadata_map
    try:
        metadata = NetworkMetadata.read(properties, dimensions, maps)
    except (TypeError, ValueError) as error:
        raise NetworkError(
            f"The network's metadata are invalid: {error}.", where=where, remedy="Export the network again."
        ) from error
    return Network(where, digest, dimensions, metadata, str(runtime.__version__), session)


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise DependencyError(
            "Deep features (the region 'patch') need onnxruntime, which is not installed.",
            remedy=f"Install it: pip install \"{ONNXRUNTIME.specifier}\" (the extra 'deep').",
        ) from error
    return onnxruntime


def _checked(session: Any, where: str) -> tuple[int, int]:
    """Dimensions of the embedding and channels of the feature map.

    Raises:
        NetworkError: the network does not have the input and the two outputs that are needed.
    """
    entries, outputs = session.get_inputs(), {output.name: output.shape for output in session.get_outputs()}
    lacks = [name for name in OUTPUTS if name not in outputs]
    if lacks:
        raise NetworkError(
            f"The network has no output {' and no output '.join(lacks)}; it has: {', '.join(outputs)}.",
            where=where,
            remedy="Export it with two outputs: 'embedding' (1, d) and 'features' (1, c, h, w), the last feature map.",
        )
    shapes = {name: outputs[name] for name in OUTPUTS}
    fits = len(entries) == 1 and entries[0].type == "tensor(float)" and _may_be(entries[0].shape, (1, 1, None, None))
    fits = fits and len(shapes["embedding"]) == 2 and len(shapes["features"]) == 4
    if not (fits and isinstance(shapes["embedding"][1], int) and isinstance(shapes["features"][1], int)):
        taken = "; ".join(f"{entry.name} {entry.type} {entry.shape}" for entry in entries)
        raise NetworkError(
            f"The network takes {taken} and gives {shapes}; needed are one image of Float32, (1, 1, size, size), and "
            "an embedding (1, d) and features (1, c, h, w) with fixed d and c.",
            where=where,
            remedy="Export it for one patch with one channel.",
        )
    return shapes["embedding"][1], shapes["features"][1]


def _may_be(shape: Sequence[Any], wanted: Sequence[int | None]) -> bool:
    """Whether a shape, in which texts stand for any number, can be the wanted one."""
    return len(shape) == len(wanted) and all(
        need is None or not isinstance(size, int) or size == need for size, need in zip(shape, wanted)
    )


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300].rstrip(".")
