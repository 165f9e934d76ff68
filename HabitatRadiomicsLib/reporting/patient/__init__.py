"""What is written of one patient: maps, score, report."""
