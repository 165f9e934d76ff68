"""The LASSO of the final model and the habitats of its cases as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.learning import LassoPath, lasso_path
from HabitatRadiomicsLib.reporting.document.habitats import habitat_tests
from HabitatRadiomicsLib.reporting.figures import (
    HabitatValues,
    habitat_boxplots,
    lasso_deviance_figure,
    lasso_path_figure,
)
from HabitatRadiomicsLib.training.train import Training

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lasso_path_of(training: Training) -> Figure | None:
    """Coefficients of the chosen candidate's columns over the penalty."""
    score = training.learned.rad_score
    if score is None or score.validated is None:
        return None
    names, path = _path(training)
    found = score.validated
    return lasso_path_figure(
        path.penalties, path.coefficients, names, lambda_min=found.minimum, lambda_1se=found.one_standard_error
    )


def lasso_deviance_of(training: Training) -> Figure | None:
    """Held-out deviance of the chosen candidate over the penalty."""
    score = training.learned.rad_score
    if score is None or score.validated is None:
        return None
    found = score.validated
    _, path = _path(training)
    return lasso_deviance_figure(
        found.penalties,
        found.deviance,
        found.deviance_se,
        np.count_nonzero(path.coefficients, axis=1)[: len(found.penalties)],
        lambda_min=found.minimum,
        lambda_1se=found.one_standard_error,
    )


def habitat_boxplots_of(training: Training) -> Figure | None:
    """Entropy and intensity of the habitats of each sequence, of the cases that have them all."""
    tests = {(row["sequence"], row["quantity"], row["habitats"][0]): row["p"] for row in habitat_tests(training)}
    sequences: dict[str, HabitatValues] = {}
    features = training.study.features
    for sequence in features.populations[0]:
        means = features.habitat_means(0, sequence)
        stacked = np.stack(list(means.values()), axis=1)
        complete = stacked[np.isfinite(stacked).all(axis=(1, 2))]
        names = list(means)[:-1]
        if len(complete) > 1:
            sequences[sequence] = {
                "entropy": complete[:, :, 1],
                "intensity": complete[:, :, 0],
                "entropy_p": [tests[sequence, "entropy", name] for name in names],
                "intensity_p": [tests[sequence, "intensity", name] for name in names],
            }
    return habitat_boxplots(sequences, intensity_unit="prepared image") if sequences else None


def _path(training: Training) -> tuple[list[str], LassoPath]:
    """Names and path of the columns that entered the final LASSO, on the penalties that were cross-validated."""
    score, chosen = training.learned.rad_score, training.learned.chosen
    assert score is not None
    assert score.selection is not None
    assert score.validated is not None
    assert chosen is not None
    prepared = training.prepared
    columns = chosen.columns(prepared.columns)[score.selection.uncorrelated]
    rows = chosen.measured(prepared.columns, prepared.values)
    values = prepared.values[rows][:, columns]
    standardised = (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)
    path = lasso_path(standardised, training.table.outcome[rows], score.validated.penalties)
    return [prepared.columns[column] for column in columns], path
