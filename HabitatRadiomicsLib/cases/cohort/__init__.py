"""Cohort tables: the cases of a study, their image files and their outcomes."""

from HabitatRadiomicsLib.cases.cohort.adding import add_to_cohort
from HabitatRadiomicsLib.cases.cohort.cohort import Cohort, CohortCase, CohortImage
from HabitatRadiomicsLib.cases.cohort.readings import with_reading
from HabitatRadiomicsLib.cases.cohort.tables import load_cohort, timepoints_of

__all__ = ["Cohort", "CohortCase", "CohortImage", "add_to_cohort", "load_cohort", "timepoints_of", "with_reading"]
