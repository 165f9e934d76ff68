"""Processes, Dask, child processes, numba, versions, bundled resources, and the installation of packages.

In: work for several processes, or a Python that lacks packages; out: results in order, or a Python that has them.
Imports only ``errors``, ``progress`` and ``outputs``, and no third-party package before it is needed.
"""
