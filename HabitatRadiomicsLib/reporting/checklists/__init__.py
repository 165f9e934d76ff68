"""Reporting checklists, filled in from the study as far as software can know, and from the user's answers."""
