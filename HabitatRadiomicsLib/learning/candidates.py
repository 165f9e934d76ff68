"""The scores that compete: each sequence and region by itself, each region over all its sequences, and, where regions
are fused, all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.protocol import LearningSettings


@dataclass(frozen=True)
class Candidate:
    """Where a score takes its features from: one region, of one sequence or fused over several; or all regions."""

    sequences: tuple[str, ...]
    region: str
    """``S2``; of fused regions ``whole+ring``."""

    @property
    def parts(self) -> tuple[Candidate, ...]:
        """Each region of each sequence by itself."""
        regions = self.region.split("+")
        return tuple(Candidate((sequence,), region) for sequence in self.sequences for region in regions)

    @property
    def name(self) -> str:
        """As tables and figures show it: ``T1W S2``, ``T1W+T2FS S2``."""
        return f"{'+'.join(self.sequences)} {self.region}"

    def columns(self, columns: Sequence[str]) -> np.ndarray:
        """Places of its features in a table's columns."""
        starts = tuple(f"{part.sequences[0]}_{part.region}_" for part in self.parts)
        return np.array([place for place, name in enumerate(columns) if name.startswith(starts)], dtype=int)

    def measured(self, columns: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Whether each case has every region in every sequence; shape (cases,)."""
        present = np.ones(len(values), dtype=bool)
        for part in self.parts:
            own = part.columns(columns)
            present &= np.isfinite(values[:, own]).any(axis=1) if len(own) else False
        return present


def candidates_of(columns: Sequence[str], settings: LearningSettings) -> tuple[Candidate, ...]:
    """All candidates that a table has the features for, single sequences first."""
    measured = [name for name in columns if not name.startswith(CLINICAL)]
    groups = list(dict.fromkeys((name.sequence, name.region) for name in map(parse, measured)))
    allowed = settings.regions
    if allowed is not None:
        habitats = "habitats" in allowed
        groups = [
            (sequence, region)
            for sequence, region in groups
            if region in allowed or (habitats and region.startswith("S"))
        ]
    single = [Candidate((sequence,), region) for sequence, region in groups]
    fused = []
    for region in dict.fromkeys(region for _, region in groups):
        sequences = tuple(sequence for sequence, other in groups if other == region)
        if len(sequences) > 1:
            fused.append(Candidate(sequences, region))
    if settings.fusion is not None and len(single) > 1:
        fused.append(fused_candidate(single))
    return (*single, *fused)


def fused_candidate(single: Sequence[Candidate]) -> Candidate:
    """All regions of all sequences."""
    sequences = tuple(dict.fromkeys(candidate.sequences[0] for candidate in single))
    return Candidate(sequences, "+".join(dict.fromkeys(candidate.region for candidate in single)))
