"""The one way from images to a feature table.

In: a case or a cohort, and a protocol; out: maps and feature tables, each case read, prepared and split once and kept
on disk. Imports ``features``, ``habitats`` and the rooms before them.
"""
