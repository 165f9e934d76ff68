"""Cohorts and feature tables without images, of no patient: what is learned from them can be planted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.extraction.fold_features import FoldFeatures
from HabitatRadiomicsLib.extraction.kept_cases import CaseProblem
from HabitatRadiomicsLib.extraction.regions import MeasuredCase
from HabitatRadiomicsLib.extraction.superpixels import Lesions
from HabitatRadiomicsLib.features import feature_names
from HabitatRadiomicsLib.learning.preparation import FoldTable
from HabitatRadiomicsLib.model import Endpoint
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.measured import MeasuredStudy, folds_of

PURPOSE = Purpose("test", "t", "u", Endpoint(name="e", positive="p", negative="n"), "c", "trained-on-patients", "MIT")

#: What is measured of each region: 18 first-order features, quickly.
FIRST_ORDER = {
    "classes": ["firstorder"],
    "images": {
        "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
        "gradient": False, "lbp_2d": False, "log_sigmas": [],
    },
}  # fmt: skip


def protocol(*, learning: dict[str, Any] | None = None, **more: Any) -> Protocol:
    """A small one: two repeats of three folds, and none of the tests of stability unless asked for."""
    quick = {
        "folds": 3, "repeats": 2, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0,
        "learning_curve": False,
    }  # fmt: skip
    settings = {"name": "made-up", "title": "Made up", "regions": ["whole"], "features": FIRST_ORDER}
    return protocol_from({**settings, "learning": {**quick, **(learning or {})}, **more}, where="test")


def columns(*groups: str, features: int = 6) -> tuple[str, ...]:
    """Valid names: so many features of each group, ``T1W_whole`` for instance."""
    return tuple(f"{group}_log-sigma-{number}-0-mm-3D_glcm_Contrast" for group in groups for number in range(features))


def table(
    outcome: Sequence[int] | np.ndarray,
    names: tuple[str, ...],
    *,
    seed: int = 1,
    planted: dict[int, float] | None = None,
    patients: Sequence[str] | None = None,
    sites: Sequence[str] | None = None,
) -> FoldTable:
    """Noise; ``planted`` are columns that rise by so many SD with the outcome."""
    outcome = np.asarray(outcome)
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(len(outcome), len(names)))
    for place, effect in (planted or {}).items():
        values[:, place] += effect * outcome
    cases = range(len(outcome))
    return FoldTable(
        columns=names,
        values=values,
        outcome=outcome,
        patients=np.array([f"P{place}" for place in cases] if patients is None else patients),
        sites=np.array([""] * len(outcome) if sites is None else sites),
        volumes=np.exp(generator.normal(3, 0.5, len(outcome))),
        covariates=tuple({"age": f"{generator.normal(60, 9):.0f}", "sex": "fm"[place % 2]} for place in cases),
    )


def alternating(cases: int) -> np.ndarray:
    """Outcomes 0 1 0 1 ..."""
    return np.arange(cases) % 2


def cohort(outcomes: Sequence[int], **more: Any) -> Cohort:
    """Cases without images."""
    names = [f"P{number:03}" for number in range(len(outcomes))]
    cases = tuple(CohortCase(name, "baseline", ()) for name in names)
    return Cohort(cases, dict(zip(names, map(int, outcomes))), **more)


def measured(given: Cohort, settings: Protocol, values: np.ndarray, *, lost: int = 0) -> MeasuredStudy:
    """The study of a cohort as if its images had been measured; the first ``lost`` cases could not be.

    Args:
        values: of the first features of T1W whole, shape (cases, columns); the others are constant.
    """
    left = given.only([case.case_id for case in given.cases[lost:]])
    ids = tuple(case.case_id for case in left.cases)
    names = feature_names(settings.features)
    rows = np.ones((len(ids), len(names)))
    rows[:, : values.shape[1]] = values[lost:]
    folds = folds_of(left, settings)
    features = FoldFeatures(
        case_ids=ids,
        populations=({},) * (1 + len(folds)),
        problems=tuple(CaseProblem(case.case_id, "regions", "No image.") for case in given.cases[:lost]),
        warnings={},
        engine="test engine",
        reused=0,
        volumes={case_id: 10.0 + place % 7 for place, case_id in enumerate(ids)},
        protocol=settings,
        lesions=Lesions({}, {}, ()),
        measured={
            case_id: MeasuredCase({"original": {"T1W": {"whole": row}}}, {}, {}, 10.0)
            for case_id, row in zip(ids, rows)
        },
    )
    return MeasuredStudy(left, folds, features, {}, False)
