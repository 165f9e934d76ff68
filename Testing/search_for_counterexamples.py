#!/usr/bin/env python3
"""Searches for counterexamples to what the property tests say, with fresh random seeds; the test suite itself has none.

    python Testing/search_for_counterexamples.py --minutes 30 [tests]

Rounds go on until the time is over or a test fails; then the counterexample, the seed and the command that repeats it
are printed, and the exit status is 1. Add the counterexample to its test as an ``@example``.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run rounds until one fails or the time is over."""
    parser = argparse.ArgumentParser(description="Search for counterexamples to the property tests.")
    parser.add_argument("--minutes", type=float, default=10.0, help="begin no round after these (default: 10)")
    parser.add_argument("tests", nargs="*", help="files or tests (default: all files of Testing/unit with such tests)")
    options = parser.parse_args()
    tests = options.tests or _files_with_properties()
    end = time.monotonic() + 60.0 * options.minutes
    rounds = 0
    while not rounds or time.monotonic() < end:
        rounds += 1
        seed = secrets.randbelow(2**32)
        print(f"Round {rounds}, seed {seed}.", flush=True)
        choice = ["-m", "hypothesis", "--hypothesis-profile", "search", "--hypothesis-seed", str(seed)]
        command = [sys.executable, "-m", "pytest", "--quiet", *choice, *tests]
        if status := subprocess.run(command, check=False, cwd=ROOT).returncode:
            print(f"Failed with seed {seed}. To repeat: {' '.join(command)}")
            return status
    print(f"No counterexample in {rounds} rounds.")
    return 0


def _files_with_properties() -> list[str]:
    files = sorted((ROOT / "Testing" / "unit").rglob("test_*.py"))
    return [str(path.relative_to(ROOT)) for path in files if "@given" in path.read_text(encoding="utf-8")]


if __name__ == "__main__":
    sys.exit(main())
