"""The built-in feature engine: pyradiomics' definitions and names, from packages that have wheels everywhere."""
