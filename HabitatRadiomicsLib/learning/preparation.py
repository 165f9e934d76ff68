"""A fold's table: which columns are robust and how sites are harmonised, both learned from the training cases."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from HabitatRadiomicsLib.errors import HarmonisationError
from HabitatRadiomicsLib.features import parse
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.features.harmonisation import MINIMUM_CASES, CombatParameters, apply_combat, fit_combat
from HabitatRadiomicsLib.features.reliability import Reliability, intraclass_correlation
from HabitatRadiomicsLib.learning.nomogram import factor_columns
from HabitatRadiomicsLib.learning.strategy import TrainingTable
from HabitatRadiomicsLib.protocol import CombatSettings, Protocol, RobustnessSettings

_log = logging.getLogger(__name__)

#: The fewest cases from which an intraclass correlation can be computed.
_FEWEST_CASES = 2


@dataclass(frozen=True)
class Repetitions:
    """Repeated measurements of some cases: on perturbed copies, or on repeated segmentations.

    Attributes:
        cases: indices in the table.
        values: shape (cases, repetitions, columns); NaN where a copy could not be made.
    """

    cases: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class FoldTable:
    """All data of a study's cases, training and test cases, with the habitats of one training set.

    Attributes:
        columns: names of the columns of ``values``.
        patients, sites: shape (cases,); a site may be ''.
        volumes: of the lesion in ml, shape (cases,).
        covariates: clinical variables of each case.
        repeated: the repeated measurements, by kind: ``PERTURBED``, or ``INTER_OBSERVER`` and ``INTRA_OBSERVER``.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    outcome: np.ndarray
    patients: np.ndarray
    sites: np.ndarray
    volumes: np.ndarray
    covariates: tuple[Mapping[str, str], ...]
    repeated: Mapping[str, Repetitions] = field(default_factory=dict)


@dataclass(frozen=True)
class FeatureReliability:
    """ICC of each column with its interval, and the number of its cases, shape (columns,)."""

    reliability: Reliability
    cases: np.ndarray

    def reaches(self, threshold: float) -> np.ndarray:
        """Whether each ICC is at or above a threshold; False where it is undefined."""
        return np.nan_to_num(self.reliability.icc, nan=-np.inf) >= threshold


@dataclass(frozen=True)
class PreparedFold:
    """Robust, harmonised columns of all cases.

    Attributes:
        robust: whether each of the table's columns was kept; None if robustness was not requested.
        combat: None if harmonisation was not requested.
    """

    columns: tuple[str, ...]
    values: np.ndarray
    robust: np.ndarray | None = None
    combat: CombatParameters | None = None

    def training_table(self, table: FoldTable) -> TrainingTable:
        """The prepared columns with all other data that learning may use."""
        covariates = table.covariates if any(name.startswith(CLINICAL) for name in self.columns) else ()
        return TrainingTable(self.columns, self.values, table.outcome, table.patients, covariates)


def prepare_fold(table: FoldTable, training: np.ndarray, protocol: Protocol) -> PreparedFold:
    """Keep robust columns and harmonise sites; clinical variables are added if a nomogram is requested.

    A case from a site with fewer than two training cases cannot be harmonised: its values are NaN, as if it had none
    of the regions. A region that any other site has in too few training cases cannot be harmonised either: its columns
    are left out.

    Args:
        training: indices of the cases that may be learned from; an index may occur more than once.
    """
    prepared = _prepared_features(table, training, protocol)
    if protocol.learning.nomogram is None:
        return prepared
    names, values = factor_columns(table.covariates, training, protocol.learning.nomogram)
    return replace(prepared, columns=(*prepared.columns, *names), values=np.column_stack([prepared.values, values]))


def _prepared_features(table: FoldTable, training: np.ndarray, protocol: Protocol) -> PreparedFold:
    robust = None
    columns, values = table.columns, table.values
    if protocol.robustness is not None and table.repeated:
        robust = reliable(reliability_of(table, training, protocol.robustness), protocol.robustness.threshold)
        columns = tuple(name for name, kept in zip(columns, robust) if kept)
        values = values[:, robust]
    if protocol.harmonisation is None:
        return PreparedFold(columns, values, robust)
    counts = Counter(table.sites[np.unique(training)].tolist())
    known = sorted(site for site, count in counts.items() if site and count >= MINIMUM_CASES)
    rows = training[np.isin(table.sites[training], known)]
    combat = _harmonised_regions(columns, values[rows], table.sites[rows], known, protocol.harmonisation)
    if combat is None:
        return PreparedFold((), values[:, :0], robust)
    # Columns that cannot be harmonised are not learned from: they would carry site effects into the score.
    kept = np.array([index for index, name in enumerate(columns) if name in combat.features], dtype=int)
    columns = tuple(columns[index] for index in kept)
    harmonised = np.full((len(values), len(kept)), np.nan)
    cases = np.flatnonzero(np.isin(table.sites, known))
    harmonised[cases] = apply_combat(combat, values[np.ix_(cases, kept)], table.sites[cases].tolist(), columns=columns)
    return PreparedFold(columns, harmonised, robust, combat)


def _harmonised_regions(
    columns: tuple[str, ...], values: np.ndarray, sites: np.ndarray, known: list[str], settings: CombatSettings
) -> CombatParameters | None:
    """ComBat of each sequence and region by itself, from the cases that have it: one without S2 still counts for S1.

    Regions for which some site has no cases are left out; None if none is left.
    """
    fitted = []
    for indices in _regions(columns):
        features = values[:, indices]
        present = np.isfinite(features).any(axis=1)
        names = [columns[index] for index in indices]
        try:
            combat = fit_combat(features[present], sites[present].tolist(), settings, columns=names)
        except HarmonisationError as error:
            _log.info("a region cannot be harmonised: %s", error.problem)
            continue
        if list(combat.sites) == known:
            fitted.append(combat)
    if not fitted:
        return None
    return fitted[0].model_copy(
        update={
            "cases": tuple(int((sites == site).sum()) for site in known),
            "features": {name: feature for combat in fitted for name, feature in combat.features.items()},
            "unchanged": tuple(name for combat in fitted for name in combat.unchanged),
        }
    )


def _regions(columns: tuple[str, ...]) -> list[list[int]]:
    """Indices of the columns of each sequence, time point and region."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, name in enumerate(map(parse, columns)):
        groups.setdefault((name.key, name.region), []).append(index)
    return list(groups.values())


def reliable(by_kind: Mapping[str, FeatureReliability], threshold: float) -> np.ndarray:
    """Whether each column reaches a threshold in every kind of repeated measurement."""
    return np.logical_and.reduce([one.reaches(threshold) for one in by_kind.values()])


def reliability_of(
    table: FoldTable, training: np.ndarray, settings: RobustnessSettings
) -> dict[str, FeatureReliability]:
    """ICC of each column over the repeated measurements of training cases, by kind.

    For each kind, sequence and region, only cases that have the region in every measurement count: a copy that could
    not be made, or whose habitat is empty, excludes its case. With fewer than two cases left, the ICC is NaN.
    """
    return {kind: _reliability(table, training, settings, repeats) for kind, repeats in table.repeated.items()}


def _reliability(
    table: FoldTable, training: np.ndarray, settings: RobustnessSettings, repeats: Repetitions
) -> FeatureReliability:
    seen = np.isin(repeats.cases, training)
    originals = table.values[repeats.cases[seen]][:, None, :]
    ratings = np.concatenate([originals, repeats.values[seen]], axis=1)
    columns = len(table.columns)
    icc, low, high = (np.full(columns, np.nan) for _ in range(3))
    cases = np.zeros(columns, dtype=int)
    for region in _regions(table.columns):
        features = ratings[:, :, region]
        complete = np.isfinite(features).any(axis=2).all(axis=1)
        cases[region] = complete.sum()
        if complete.sum() >= _FEWEST_CASES:
            measured = intraclass_correlation(features[complete], settings.icc)
            icc[region], low[region], high[region] = measured.icc, measured.low, measured.high
    return FeatureReliability(Reliability(icc, low, high), cases)
