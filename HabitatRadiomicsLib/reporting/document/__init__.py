"""The study document: everything that reports, figures and tables need, as typed parts, and what builds it."""
