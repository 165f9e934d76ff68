"""MRML nodes to cases, and results back as nodes; needs ``slicer`` and ``vtk``, but no window."""
