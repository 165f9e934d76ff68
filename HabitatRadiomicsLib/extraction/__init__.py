"""The one way from images to a feature table.

In: a case or a cohort, and a protocol; out: maps and feature tables (``pandas.DataFrame``). Each case is read, prepared
and divided into superpixels once, and stored on disk. Imports ``features``, ``habitats`` and the rooms before them.
"""
