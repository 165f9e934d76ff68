"""Reporting checklists, filled from the study where software can know, and by the user where it cannot."""
