"""Cohort tables: who is in the study, where the images lie, and what became of the patients."""

from HabitatRadiomicsLib.cohort.adding import add_to_cohort
from HabitatRadiomicsLib.cohort.cohort import Cohort, CohortCase, CohortImage
from HabitatRadiomicsLib.cohort.readings import with_reading
from HabitatRadiomicsLib.cohort.tables import load_cohort

__all__ = ["Cohort", "CohortCase", "CohortImage", "add_to_cohort", "load_cohort", "with_reading"]
