"""What a score has to beat: the volume of the lesion, and the clinical variables, learned from the same cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.learning.clinical import fit_clinical
from HabitatRadiomicsLib.learning.nomogram import fit_clinical_model
from HabitatRadiomicsLib.learning.preparation import FoldTable
from HabitatRadiomicsLib.protocol import NomogramSettings, Protocol
from HabitatRadiomicsLib.statistics import auc_with_interval


@dataclass(frozen=True)
class Baseline:
    """A simple model's scores of all cases, in standard deviations of the training cases'.

    Attributes:
        probability: of the outcome, where the model has one.
        factors: clinical factors in it, where they were chosen.
    """

    scores: np.ndarray
    probability: np.ndarray | None = None
    factors: tuple[str, ...] = ()


def volume_baseline(table: FoldTable, training: np.ndarray) -> Baseline:
    """The logarithm of the lesion's volume; which way it points is learned, too.

    Args:
        training: places of the cases that may be learned from.
    """
    volume = np.log(table.volumes)
    larger = auc_with_interval(table.outcome[training], volume[training]).auc >= 0.5
    return Baseline(_standardised(volume if larger else -volume, training))


def clinical_baseline(table: FoldTable, training: np.ndarray, protocol: Protocol) -> Baseline | None:
    """The clinical variables; None where there are none.

    Without a nomogram it is a ridge regression of all of them. With one, factors are chosen as for the nomogram, by
    univariate tests and a multivariable model; where none stays, every case has 0 and the training cases' prevalence.
    """
    covariates = [table.covariates[row] for row in training]
    outcome = table.outcome[training]
    if protocol.learning.nomogram is not None:
        return _chosen_factors(table, training, protocol.learning.nomogram, protocol.seed)
    ridge = fit_clinical(covariates, outcome)
    return None if ridge is None else Baseline(_standardised(ridge.score(table.covariates), training))


def _chosen_factors(table: FoldTable, training: np.ndarray, settings: NomogramSettings, seed: int) -> Baseline | None:
    if not any(table.covariates):
        return None
    outcome = table.outcome[training]
    fitted = fit_clinical_model([table.covariates[row] for row in training], outcome, settings, seed=seed)
    if fitted is None:
        cases = len(table.outcome)
        return Baseline(np.zeros(cases), np.full(cases, outcome.mean()))
    return Baseline(
        _standardised(fitted.linear(None, table.covariates), training),
        fitted.probability(None, table.covariates),
        tuple(factor.name for factor in fitted.factors),
    )


def _standardised(scores: np.ndarray, training: np.ndarray) -> np.ndarray:
    deviation = scores[training].std()
    return (scores - scores[training].mean()) / (deviation if deviation > 0 else 1.0)
