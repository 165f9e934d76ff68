"""Synthetic patients, on which every step can be shown and tested; none of their data come from a real patient."""

from HabitatRadiomicsLib.cases.synthetic.brain_metastases import write_brain_metastases
from HabitatRadiomicsLib.cases.synthetic.lung_timepoints import write_lung_timepoints
from HabitatRadiomicsLib.cases.synthetic.spine import (
    SITES,
    SyntheticPatient,
    synthetic_patient,
    write_spine_clinical,
    write_synthetic_cohort,
)

__all__ = [
    "SITES",
    "SyntheticPatient",
    "synthetic_patient",
    "write_brain_metastases",
    "write_lung_timepoints",
    "write_spine_clinical",
    "write_synthetic_cohort",
]
