"""Cohort tables: who is in the study, where the images lie, and what became of the patients."""

from HabitatRadiomicsLib.cases.cohort.adding import add_to_cohort
from HabitatRadiomicsLib.cases.cohort.cohort import Cohort, CohortCase, CohortImage
from HabitatRadiomicsLib.cases.cohort.readings import with_reading
from HabitatRadiomicsLib.cases.cohort.tables import load_cohort, timepoints_of

__all__ = ["Cohort", "CohortCase", "CohortImage", "add_to_cohort", "load_cohort", "timepoints_of", "with_reading"]
