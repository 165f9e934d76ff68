"""All parallel work goes through this room: processes of this machine, or a Dask cluster that the caller works on."""

from HabitatRadiomicsLib.workers.cluster import scheduler
from HabitatRadiomicsLib.workers.parallel import in_order, unordered

__all__ = ["in_order", "scheduler", "unordered"]
