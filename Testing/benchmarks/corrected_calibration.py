#!/usr/bin/env python3
"""How long the bias-corrected calibration curve takes: 1,000 bootstrap samples of 90 cases and three terms.

python Testing/benchmarks/corrected_calibration.py [--repeats 5]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from HabitatRadiomicsLib.statistics.corrected_calibration import corrected_calibration


def main() -> None:
    """Print the CPU seconds of each repeat."""
    parser = argparse.ArgumentParser(description="Time the bias-corrected calibration curve.")
    parser.add_argument("--repeats", type=int, default=5)
    generator = np.random.default_rng(3)
    columns = generator.normal(size=(90, 3))
    outcome = (generator.random(90) < 1 / (1 + np.exp(0.4 - 1.2 * columns[:, 0]))).astype(int)
    for _ in range(parser.parse_args().repeats):
        began = time.process_time()
        corrected_calibration(columns, outcome, bootstraps=1000, seed=0)
        print(f"{time.process_time() - began:.2f} s")


if __name__ == "__main__":
    main()
