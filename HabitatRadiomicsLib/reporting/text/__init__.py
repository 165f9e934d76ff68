"""The sentences of a report: methods and summary, with numbers and lists in words."""
