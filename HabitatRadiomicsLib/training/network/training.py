"""Trains a network on patches and outcomes, and keeps it as ONNX; needs the extra ``deep-train``."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from HabitatRadiomicsLib.errors import DependencyError, LearningError, NetworkError
from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.network import Network, network_of_bytes
from HabitatRadiomicsLib.features.deep.patch import InputScaling
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.system.installation.dependencies import NETWORK_TRAINING, ONNXRUNTIME
from HabitatRadiomicsLib.training.network.patches import CohortPatches

#: Largest difference between torch and onnxruntime, of values of the order of 1.
_AGREEMENT = 1e-4
#: Of the fold that tells when to stop, one in so many.
_FOLDS = 5


@dataclass(frozen=True)
class NetworkTraining:
    """How a network is trained.

    Attributes:
        architecture: see :func:`HabitatRadiomicsLib.training.network.architectures.build`.
        embedding: its dimensions.
        epochs: passes over the training patches at most; the network of the best one is kept.
        batch: patches per step.
        learning_rate: of Adam.
        weight_decay: the same.
    """

    architecture: Literal["densenet121", "small"] = "densenet121"
    embedding: int = 32
    pretrained: bool = False
    epochs: int = 30
    batch: int = 16
    learning_rate: float = 1e-4
    weight_decay: float = 1e-4
    seed: int = 20240607


@dataclass(frozen=True)
class TrainedNetwork:
    """A network with how it came about.

    Attributes:
        onnx: the file's content, metadata included.
        network: the same, loaded.
        validation_loss: mean cross-entropy of the held-out patients after each epoch.
        validation_auc: of the held-out patients at the epoch that was kept. The epoch was chosen on them: it flatters.
        epoch: the one that was kept, 1 for the first.
        difference: largest one between torch and onnxruntime.
    """

    onnx: bytes
    network: Network
    validation_loss: tuple[float, ...]
    validation_auc: float
    epoch: int
    difference: float


def train_network(
    data: CohortPatches,
    scaling: InputScaling,
    settings: NetworkTraining,
    *,
    title: str,
    progress: Progress = silent,
) -> TrainedNetwork:
    """Fit a network to tell the outcome, and export it.

    A fifth of the patients (stratified, never a patient on both sides) is held out and tells which epoch is kept. Each
    epoch sees the patches turned by quarters and mirrored at random. The same arguments give the same bytes, on one
    machine and with the same versions.

    Raises:
        DependencyError: torch, MONAI or ONNX is not installed.
        LearningError: too few patients of an outcome.
        NetworkError: the exported network does not agree with torch's.
    """
    check_installed()
    import torch

    from HabitatRadiomicsLib.training.network.architectures import build, difference_of, exported

    training, held_out = _split(data, settings.seed)
    inputs = np.stack([scaling.applied(patch) for patch in data.patches])[:, None]
    with _reproducible(torch, settings.seed):
        network = build(settings.architecture, settings.embedding, pretrained=settings.pretrained)
        weights, losses = _fit(torch, network, inputs, data.outcome, training, held_out, settings, progress)
        network.load_state_dict(weights)
        network.eval()
        with torch.no_grad():
            scores = network.logits(torch.from_numpy(inputs[held_out])).numpy()
        epoch = int(np.argmin(losses)) + 1
        auc = _auc(data.outcome[held_out], scores)
        history = _description(data, settings, training, held_out, losses, epoch, auc)
        onnx = exported(network, _metadata(network, data, scaling, history, title))
        loaded = network_of_bytes("the exported network", hashlib.sha256(onnx).hexdigest(), onnx)
        difference = difference_of(network, loaded, data.patches[:8])
    if not difference <= _AGREEMENT:
        raise NetworkError(
            f"The exported network differs from torch's by {difference:.2g}; up to {_AGREEMENT:g} is accepted.",
            remedy="Update torch, onnx and onnxruntime.",
        )
    return TrainedNetwork(onnx, loaded, tuple(losses), auc, epoch, difference)


def _fit(
    torch: Any,
    network: Any,
    inputs: np.ndarray,
    outcome: np.ndarray,
    training: np.ndarray,
    held_out: np.ndarray,
    settings: NetworkTraining,
    progress: Progress,
) -> tuple[Any, list[float]]:
    """The weights of the epoch with the lowest held-out loss, and the loss of each."""
    labels = torch.from_numpy(outcome.astype(np.float32))
    events = int(outcome[training].sum())
    weight = torch.tensor((len(training) - events) / events, dtype=torch.float32)
    loss_of = torch.nn.BCEWithLogitsLoss(pos_weight=weight)
    optimiser = torch.optim.Adam(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=False
    )
    generator = np.random.default_rng(settings.seed)
    best = copy.deepcopy(network.state_dict())
    losses: list[float] = []
    for epoch in range(settings.epochs):
        progress(epoch / settings.epochs, f"epoch {epoch + 1} of {settings.epochs}")
        network.train()
        for batch in _batches(generator.permutation(training), settings.batch):
            patches = torch.from_numpy(_turned(inputs[batch], generator))
            optimiser.zero_grad()
            loss_of(network.logits(patches), labels[batch]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            loss = float(loss_of(network.logits(torch.from_numpy(inputs[held_out])), labels[held_out]))
        if not losses or loss < min(losses):
            best = copy.deepcopy(network.state_dict())
        losses.append(loss)
    return best, losses


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Of at least two: a normalisation over a batch of one patch is none."""
    parts = np.array_split(order, max(1, round(len(order) / size)))
    return (part for part in parts if len(part) > 1)


def _turned(patches: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Each patch, (n, 1, size, size), turned by quarters and mirrored at random."""
    turned = [
        np.rot90(patch[:, :, ::-1] if mirrored else patch, quarters, axes=(1, 2))
        for patch, quarters, mirrored in zip(
            patches, generator.integers(0, 4, len(patches)), generator.integers(0, 2, len(patches))
        )
    ]
    return np.ascontiguousarray(np.stack(turned))


def _split(data: CohortPatches, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.model_selection import StratifiedGroupKFold

    for value in (0, 1):
        patients = {patient for patient, outcome in zip(data.patients, data.outcome) if outcome == value}
        if len(patients) < _FOLDS:
            raise LearningError(
                f"There are {len(patients)} patients with outcome {value}; a network needs at least {_FOLDS}.",
                remedy="Add patients, or use a network that was trained elsewhere.",
            )
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    training, held_out = next(folds.split(data.patches, data.outcome, data.patients))
    if len(set(data.outcome[held_out])) < 2 or len(set(data.outcome[training])) < 2:
        raise LearningError(
            "The patients cannot be split so that both sides have both outcomes: some have very many cases.",
            remedy="Keep fewer cases of these patients.",
        )
    return training, held_out


def _auc(outcome: np.ndarray, scores: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(outcome, scores))


def _description(
    data: CohortPatches,
    settings: NetworkTraining,
    training: np.ndarray,
    held_out: np.ndarray,
    losses: Sequence[float],
    epoch: int,
    auc: float,
) -> dict[str, Any]:
    """What the network's file tells of its training."""
    import importlib.metadata

    return {
        "settings": asdict(settings),
        "cases": len(data.patches),
        "patients": len(set(data.patients)),
        "events": int(data.outcome.sum()),
        "training_cases": len(training),
        "held_out_cases": len(held_out),
        "epoch": epoch,
        "held_out_loss": round(losses[epoch - 1], 6),
        "held_out_auc": round(auc, 6),
        "note": "The epoch was chosen on the held-out cases, so that their AUC flatters.",
        "versions": {row.distribution: importlib.metadata.version(row.distribution) for row in NETWORK_TRAINING},
    }


def _metadata(
    network: Any, data: CohortPatches, scaling: InputScaling, history: dict[str, Any], title: str
) -> NetworkMetadata:
    def values(parameter: Any) -> np.ndarray:
        return np.asarray(parameter.detach().numpy(), dtype=np.float64)

    return NetworkMetadata(
        title=title,
        patch=int(data.patches.shape[1]),
        scaling=scaling,
        training=history,
        training_images=frozenset(data.image_digests),
        embedding_weight=values(network.embedding.weight),
        embedding_bias=values(network.embedding.bias),
        head_weight=values(network.head.weight)[0],
        head_bias=float(values(network.head.bias)[0]),
    )


def check_installed() -> None:
    """Refuse, before images are read, to train without the packages.

    Raises:
        DependencyError: torch, MONAI, ONNX or onnxruntime is not installed.
    """
    missing = [row for row in (*NETWORK_TRAINING, ONNXRUNTIME) if row.installed() is None]
    if missing:
        raise DependencyError(
            f"Training a network needs packages that are not installed: {', '.join(row.module for row in missing)}.",
            remedy="Install them in an environment of its own: pip install "
            + " ".join(f'"{row.specifier}"' for row in missing)
            + " (the extra 'deep-train').",
        )


@contextmanager
def _reproducible(torch: Any, seed: int) -> Iterator[None]:
    """Seeded, in one thread, deterministic; torch is left as it was."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(strict)
