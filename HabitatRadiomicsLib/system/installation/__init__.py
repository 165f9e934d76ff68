"""Installs missing packages into the running Python, and never changes an installed one.

Inside 3D Slicer the application's packages must not change: the missing packages are resolved against the installed
versions, shown to the user, and put in place only after all of them have been downloaded.
"""

from HabitatRadiomicsLib.system.installation.installing import install
from HabitatRadiomicsLib.system.installation.planning import InstallationPlan, plan_installation

__all__ = ["InstallationPlan", "install", "plan_installation"]
