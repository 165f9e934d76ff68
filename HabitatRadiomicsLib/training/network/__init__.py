"""Trains the networks of deep features; the only part that needs torch."""
