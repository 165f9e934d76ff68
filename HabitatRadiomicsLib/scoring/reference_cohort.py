"""Completes published coefficients with means and standard deviations from a local reference cohort.

Coefficients of z-scored features cannot be used without the features' means and standard deviations (SD). In a cohort
similar to the published one, the features have about the same means and SD. How similar it is cannot be known, so every
score names the reference cohort.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.extraction.kept_cases import Answer, CaseProblem
from HabitatRadiomicsLib.model import Model
from HabitatRadiomicsLib.model.document import ReferenceCohort
from HabitatRadiomicsLib.progress import Progress, silent
from HabitatRadiomicsLib.scoring.cohort import answers_of_cases
from HabitatRadiomicsLib.scoring.patient import measured_values
from HabitatRadiomicsLib.system.provenance import document_digest, versions

if TYPE_CHECKING:
    import pandas as pd

#: Means and SD of fewer cases are too imprecise.
FEWEST_CASES = 10


@dataclass(frozen=True)
class Referenced:
    """A model that can score.

    Attributes:
        table: the model's features in the reference cases, in the cohort's order (index ``case_id``).
        problems: why the others could not be measured.
    """

    model: Model
    table: pd.DataFrame
    problems: tuple[CaseProblem, ...]


def take_reference(
    cohort: Cohort,
    model: Model,
    folder: Path,
    *,
    name: str,
    description: str,
    jobs: int = 1,
    resample_mask: bool = False,
    progress: Progress = silent,
) -> Referenced:
    """Measure the model's features in a cohort and take their means, SD and ranges; outcomes are not needed.

    Args:
        folder: where finished cases are kept, for this run and the next.
        name: of the resulting model.
        description: of the cohort, in a few words; shown with every score.
        jobs: processes; the result does not depend on it.

    Raises:
        ModelError: the model has its own means and SD, too few cases could be measured, or a feature does not vary.
        CohortError: no case could be measured.
    """
    import pandas as pd

    if not model.needs_reference:
        raise ModelError(
            "The model has means and standard deviations of its own.",
            where=model.name,
            remedy="It can score as it is; only published coefficients need a reference cohort.",
        )
    answers, problems, _ = answers_of_cases(
        cohort, model, folder / "reference", partial(_answer, model=model), {"stage": "reference"},
        jobs=jobs, resample_mask=resample_mask, progress=progress,
    )  # fmt: skip
    values = np.array([answer["values"] for answer in answers.values()])
    _check_enough(values, model)
    reference = ReferenceCohort(
        description=description,
        cases=len(answers),
        excluded=len(cohort.cases) - len(answers),
        features_sha256=document_digest(values.tolist()),
    )
    columns = [feature.name for feature in model.features]
    table = pd.DataFrame(values, index=pd.Index(list(answers), name="case_id"), columns=columns)
    return Referenced(_with_reference(model, values, reference, name), table, problems)


def _answer(case: Case, model: Model) -> Answer:
    return {"values": measured_values(case, model).tolist()}


def _check_enough(values: np.ndarray, model: Model) -> None:
    if len(values) < FEWEST_CASES:
        raise ModelError(
            f"{len(values)} cases could be measured; means and standard deviations need at least {FEWEST_CASES}.",
            where="cohort",
            remedy="Add cases like those that the model was published for.",
        )
    for feature, column in zip(model.features, values.T):
        if np.ptp(column) <= 1e-10 * np.abs(column).max():
            raise ModelError(
                f"{feature.name} has the same value in all cases, and no standard deviation.",
                where="cohort",
                remedy="The cases must be different lesions.",
            )


def _with_reference(model: Model, values: np.ndarray, reference: ReferenceCohort, name: str) -> Model:
    document = model.model_dump(mode="json")
    for row, column in zip(document["features"], values.T):
        row |= {
            "mean": float(column.mean()),
            "sd": float(column.std(ddof=1)),
            "minimum": float(column.min()),
            "maximum": float(column.max()),
        }
    document |= {
        "name": name,
        "background": values.tolist(),
        "reference": reference.model_dump(mode="json"),
        "versions": {**document["versions"], **versions()},
    }
    return Model.model_validate(document)
