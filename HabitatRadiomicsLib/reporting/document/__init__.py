"""The study as a document: every number that a report needs, as plain data."""
