"""Synthetic patients, to show and test every step anywhere; nothing in them comes from a real patient."""

from HabitatRadiomicsLib.cases.synthetic.brain_metastases import write_brain_metastases
from HabitatRadiomicsLib.cases.synthetic.lung_timepoints import write_lung_timepoints
from HabitatRadiomicsLib.cases.synthetic.spine import SITES, SyntheticPatient, synthetic_patient, write_synthetic_cohort
from HabitatRadiomicsLib.cases.synthetic.spine_clinical import write_spine_clinical

__all__ = [
    "SITES",
    "SyntheticPatient",
    "synthetic_patient",
    "write_brain_metastases",
    "write_lung_timepoints",
    "write_spine_clinical",
    "write_synthetic_cohort",
]
