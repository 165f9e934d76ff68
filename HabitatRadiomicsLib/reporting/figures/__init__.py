"""The figures of a study and of a patient, each drawn from plain numbers."""
