"""MRML nodes to cases, and results back as nodes.

In: volumes, segmentations and tables of a scene; out: result nodes. May import ``slicer`` and ``vtk``, but no widget,
and every room except ``panel`` and ``commands``.
"""
