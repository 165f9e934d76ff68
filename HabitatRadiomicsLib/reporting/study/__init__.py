"""Files of a study: figures, tables, report."""
