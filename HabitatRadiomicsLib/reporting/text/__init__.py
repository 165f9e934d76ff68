"""The sentences of a report: methods, summary, words for names."""
