"""Tumour habitats, radiomic features, rad-scores and their explanation.

The public face, for notebooks and scripts (``import HabitatRadiomicsLib as hr``)::

    case = hr.read_case({"T1W": ("t1.nii.gz", "t1-mask.nii.gz")})
    maps = hr.maps(case, "general-mri")
    table = hr.extract("images.csv", "t790m-spine-mri", folder="features")
    study = hr.train("images.csv", "clinical.csv", "t790m-spine-mri", "study")
    evaluation = hr.evaluate("study/model.json", "new-images.csv", "new-clinical.csv", "evaluation")
    result = hr.score(case, "study/model.json")

Each name is imported when it is first used. ``CONTRIBUTING.md`` lists the rooms of the library and their order.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing's would take longer than all else here; type checkers know the name
if TYPE_CHECKING:
    from typing import Any

    from HabitatRadiomicsLib.cases.cohort.tables import load_cohort
    from HabitatRadiomicsLib.cases.reading import read_case
    from HabitatRadiomicsLib.extraction.cohort import extract
    from HabitatRadiomicsLib.extraction.maps import maps
    from HabitatRadiomicsLib.model.document import Endpoint
    from HabitatRadiomicsLib.model.storage import load_model
    from HabitatRadiomicsLib.protocol.reading import load_protocol
    from HabitatRadiomicsLib.reporting.studies import evaluate, train
    from HabitatRadiomicsLib.scoring.cohort import score_cohort
    from HabitatRadiomicsLib.scoring.patient import score
    from HabitatRadiomicsLib.training.freezing import Purpose

__version__ = "0.2.0"

#: Shown with every score.
RESEARCH_USE_ONLY = "Research use only. Not a medical device; not for diagnosis or treatment decisions."

#: The kinds of evidence behind a model.
EVIDENCE_IN_WORDS = {
    "trained-on-patients": "trained on patients",
    "published-coefficients": "published coefficients",
    "synthetic-demonstration": "synthetic demonstration, no patient behind it",
}

#: The modules that define the public names.
_PUBLIC = {
    "Endpoint": "model.document",
    "Purpose": "training.freezing",
    "evaluate": "reporting.studies",
    "extract": "extraction.cohort",
    "load_cohort": "cases.cohort.tables",
    "load_model": "model.storage",
    "load_protocol": "protocol.reading",
    "maps": "extraction.maps",
    "read_case": "cases.reading",
    "score": "scoring.patient",
    "score_cohort": "scoring.cohort",
    "train": "reporting.studies",
}

__all__ = [
    "EVIDENCE_IN_WORDS",
    "RESEARCH_USE_ONLY",
    "Endpoint",
    "Purpose",
    "evaluate",
    "extract",
    "load_cohort",
    "load_model",
    "load_protocol",
    "maps",
    "read_case",
    "score",
    "score_cohort",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
