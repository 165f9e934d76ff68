"""What is written of a study: figures, tables, report."""
