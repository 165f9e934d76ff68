"""Fixtures of all layers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort
from HabitatRadiomicsLib.cases.synthetic import SyntheticPatient, synthetic_patient

_CHECKOUT = Path(__file__).resolve().parent.parent

# A verdict depends neither on chance nor on load: examples follow from the test's source alone, and nothing is timed.
settings.register_profile(
    "suite", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)
# For search_for_counterexamples.py, which gives each round its seed.
settings.register_profile("search", settings.get_profile("suite"), derandomize=False)
settings.load_profile("suite")
# Else hypothesis also draws constants of the modules that happen to be imported, which depend on the tests before.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers.Constants()


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the project."""
    return _CHECKOUT


@pytest.fixture(scope="session")
def sarcoma_cohort() -> Cohort:
    """The public soft-tissue sarcoma patients, which lie beside the project and never in it."""
    shared = Path(os.environ.get("HABITAT_RADIOMICS_SHARED", _CHECKOUT.parent / "shared"))
    folder = shared / "data" / "sts"
    if not (folder / "images.csv").is_file():
        pytest.skip(f"the public sarcoma cohort is not at {folder} (set HABITAT_RADIOMICS_SHARED)")
    return load_cohort(folder / "images.csv", folder / "clinical.csv")


@pytest.fixture(scope="session")
def patient() -> SyntheticPatient:
    """A synthetic patient with the outcome, not of the demonstration's cohort."""
    return synthetic_patient(101, seed=3)
