"""The built-in feature engine: pyradiomics' definitions and names, from packages with wheels for all platforms."""
