"""Plays the 3D Slicer application for tests: real MRML from ``slicer-core``, and Qt as strict as PythonQt.

:func:`standin.install.install` builds it, once per process. Nothing here is part of the extension.
"""
