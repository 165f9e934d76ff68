"""Trains networks for deep features on the patches of a cohort, and exports them as ONNX; needs ``deep-train``."""

from __future__ import annotations

import copy
import hashlib
import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import DependencyError, HabitatRadiomicsError, LearningError, NetworkError
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem, refuse_empty
from HabitatRadiomicsLib.features.deep.metadata import NetworkMetadata
from HabitatRadiomicsLib.features.deep.network import Network, network_of_bytes
from HabitatRadiomicsLib.features.deep.patch import InputScaling, lesion_patch
from HabitatRadiomicsLib.imaging import prepare
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.system.installation.dependencies import NETWORK_TRAINING, ONNXRUNTIME
from HabitatRadiomicsLib.system.provenance import image_digest

#: Largest accepted difference between torch and onnxruntime, of values of the order of 1.
_AGREEMENT = 1e-4
#: One of this many folds of the patients is held out, to choose the epoch.
_FOLDS = 5


@dataclass(frozen=True)
class CohortPatches:
    """A patch per case.

    Attributes:
        patches: prepared intensities, Float32, shape (cases, size, size).
        outcome: 0 or 1, shape (cases,).
        patients: of each case; the cases of one patient are never on both sides of a split.
        image_digests: of the images as they were read.
        problems: the cases that could not be read or prepared.
    """

    patches: np.ndarray
    outcome: np.ndarray
    patients: tuple[str, ...]
    image_digests: tuple[str, ...]
    problems: tuple[CaseProblem, ...] = ()


def cohort_patches(
    cohort: Cohort,
    protocol: Protocol,
    sequence: str,
    size: int,
    *,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> CohortPatches:
    """One sequence's patches, prepared as for features; a failing case never stops the others.

    Raises:
        CohortError: no case could be read.
    """
    rows = []
    problems: list[CaseProblem] = []
    for number, case in enumerate(cohort.cases):
        progress(number / len(cohort.cases), f"case {number + 1} of {len(cohort.cases)}")
        try:
            image = case.read((sequence,), resample_mask=resample_mask).sequences[sequence]
            prepared = prepare(image, protocol.preprocessing_of(sequence))
        except HabitatRadiomicsError as error:
            problems.append(CaseProblem(case.case_id, "patch", error.problem, error.where, error.remedy))
            continue
        patch = lesion_patch(prepared.image, prepared.mask, size)[0]
        patient = cohort.patient_of(case.case_id)
        rows.append((patch, cohort.outcomes[case.case_id], patient, image_digest(image.image)))
    refuse_empty(rows, problems)
    patches, outcome, patients, digests = zip(*rows)
    return CohortPatches(np.stack(patches), np.array(outcome), patients, digests, tuple(problems))


@dataclass(frozen=True)
class NetworkTraining:
    """How a network is trained.

    Attributes:
        architecture: see :func:`HabitatRadiomicsLib.training.network_architectures.build`.
        embedding: its dimensions.
        epochs: passes over the training patches at most; the network of the best epoch is kept.
        batch: patches per step.
        learning_rate, weight_decay: of Adam.
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
    """A trained network and the course of its training.

    Attributes:
        onnx: the file's content, with metadata.
        network: loaded from this content.
        validation_loss: mean cross-entropy of the held-out patients after each epoch.
        validation_auc: of the held-out patients at the kept epoch; optimistic, since the epoch was chosen on them.
        epoch: the kept epoch, counted from 1.
        difference: the largest between torch and onnxruntime.
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
    """Fit a network that predicts the outcome, and export it.

    A fifth of the patients is held out (stratified, never a patient on both sides) to choose the epoch that is kept.
    In each epoch the patches are rotated by multiples of 90 degrees and mirrored at random. The same arguments give
    the same bytes on one machine with the same versions.

    Raises:
        DependencyError: torch, MONAI or ONNX is not installed.
        LearningError: too few patients of an outcome.
        NetworkError: the exported network and torch's give different outputs.
    """
    check_installed()
    import torch
    from sklearn.metrics import roc_auc_score

    from HabitatRadiomicsLib.training.network_architectures import build, difference_of, exported

    training, held_out = _split(data, settings.seed)
    inputs = np.stack([scaling.applied(patch) for patch in data.patches])[:, None]
    with _reproducible(torch, settings.seed):
        network = build(settings.architecture, settings.embedding, pretrained=settings.pretrained)
        losses = _fit(torch, network, inputs, data.outcome, training, held_out, settings, progress)
        with torch.no_grad():
            scores = network.logits(torch.from_numpy(inputs[held_out])).numpy()
        epoch = int(np.argmin(losses)) + 1
        auc = float(roc_auc_score(data.outcome[held_out], scores))
        history = {
            "settings": asdict(settings),
            "cases": len(data.patches),
            "patients": len(set(data.patients)),
            "events": int(data.outcome.sum()),
            "training_cases": len(training),
            "held_out_cases": len(held_out),
            "epoch": epoch,
            "held_out_loss": round(losses[epoch - 1], 6),
            "held_out_auc": round(auc, 6),
            "note": "The epoch was chosen on the held-out cases, so that their AUC is optimistic.",
            "versions": {row.distribution: importlib.metadata.version(row.distribution) for row in NETWORK_TRAINING},
        }
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
) -> list[float]:
    """Give a network the weights of the epoch with the lowest held-out loss; returns the loss of each epoch."""
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
            patches = torch.from_numpy(_rotated(inputs[batch], generator))
            optimiser.zero_grad()
            loss_of(network.logits(patches), labels[batch]).backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            loss = float(loss_of(network.logits(torch.from_numpy(inputs[held_out])), labels[held_out]))
        if not losses or loss < min(losses):
            best = copy.deepcopy(network.state_dict())
        losses.append(loss)
    network.load_state_dict(best)
    return losses


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Batches of at least two patches: batch normalisation needs a variance."""
    parts = np.array_split(order, max(1, round(len(order) / size)))
    return (part for part in parts if len(part) > 1)


def _rotated(patches: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Patches, shape (n, 1, size, size), each rotated by a multiple of 90 degrees and mirrored at random."""
    rotated = [
        np.rot90(patch[:, :, ::-1] if mirrored else patch, quarters, axes=(1, 2))
        for patch, quarters, mirrored in zip(
            patches, generator.integers(0, 4, len(patches)), generator.integers(0, 2, len(patches))
        )
    ]
    return np.ascontiguousarray(np.stack(rotated))


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
            "The patients cannot be split so that both sides have both outcomes: some patients have very many cases.",
            remedy="Keep fewer cases of these patients.",
        )
    return training, held_out


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
    """Make torch seeded, single-threaded and deterministic, and restore its settings afterwards."""
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
