"""The candidate scores: each sequence and region by itself, each region over all its sequences, and, if regions are
fused, all regions together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.protocol import LearningSettings
from HabitatRadiomicsLib.protocol.base import sequence_of, timepoint_of


@dataclass(frozen=True)
class Candidate:
    """The source of a score's features: one region, of one sequence or fused over several; or all regions.

    With two time points, ``sequences`` holds keys of a single time point, such as ``baseline_CT``, or ``delta_CT``
    for changes.
    """

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
        """The name shown in tables and figures: ``T1W S2``, ``T1W+T2FS S2``, ``delta CT+PET whole``."""
        moment = timepoint_of(self.sequences[0])
        sequences = "+".join(map(sequence_of, self.sequences))
        return f"{moment} {sequences} {self.region}".lstrip()

    def columns(self, columns: Sequence[str]) -> np.ndarray:
        """Indices of its features among a table's columns."""
        starts = tuple(f"{part.sequences[0]}_{part.region}_" for part in self.parts)
        return np.array([index for index, name in enumerate(columns) if name.startswith(starts)], dtype=int)

    def measured(self, columns: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Whether each case has every region in every sequence; shape (cases,)."""
        present = np.ones(len(values), dtype=bool)
        for part in self.parts:
            features = part.columns(columns)
            present &= np.isfinite(values[:, features]).any(axis=1) if len(features) else False
        return present


def candidates_of(columns: Sequence[str], settings: LearningSettings) -> tuple[Candidate, ...]:
    """All candidates whose features the table contains, single sequences first. Changes are not fused with values at
    a time point: the two kinds compete."""
    measured = [name for name in columns if not name.startswith(CLINICAL)]
    groups = list(dict.fromkeys((name.key, name.region) for name in map(parse, measured)))
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
    for moment, region in dict.fromkeys((timepoint_of(sequence), region) for sequence, region in groups):
        sequences = tuple(
            sequence for sequence, other in groups if other == region and timepoint_of(sequence) == moment
        )
        if len(sequences) > 1:
            fused.append(Candidate(sequences, region))
    if settings.fusion is not None:
        for moment in dict.fromkeys(timepoint_of(sequence) for sequence, _ in groups):
            parts = [(sequence, region) for sequence, region in groups if timepoint_of(sequence) == moment]
            if len(parts) > 1:
                sequences, regions = (tuple(dict.fromkeys(names)) for names in zip(*parts))
                fused.append(Candidate(sequences, "+".join(regions)))
    return (*single, *fused)
