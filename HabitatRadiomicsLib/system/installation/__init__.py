"""Installs missing packages into the running Python, and never changes an installed one.

Inside 3D Slicer the packages of the application must stay as they are: what is new is resolved against the versions
that are installed, shown, and put in place only when all of it has arrived.
"""

from HabitatRadiomicsLib.system.installation.feature_engine import reference_engine_advice
from HabitatRadiomicsLib.system.installation.installing import install
from HabitatRadiomicsLib.system.installation.planning import InstallationPlan, PlannedPackage, plan_installation

__all__ = [
    "InstallationPlan",
    "PlannedPackage",
    "install",
    "plan_installation",
    "reference_engine_advice",
]
