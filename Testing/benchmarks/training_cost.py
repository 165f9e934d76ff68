#!/usr/bin/env python3
"""What a training costs: time by stage and peak memory, with nothing done before and with everything kept.

    python Testing/benchmarks/training_cost.py --cohort images.csv --clinical clinical.csv --jobs 2 [--out REPORT]

The protocol is a bundled one with one repeat of the nested cross-validation, and neither perturbed copies nor
permutations, unless told otherwise. Prints Markdown.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from joblib.externals.loky import get_reusable_executor

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.model import Endpoint
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.reporting.study.files import write_training
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import train_model

_PURPOSE = Purpose(
    "benchmark", "Benchmark", "none", Endpoint(name="outcome", positive="yes", negative="no"), "benchmark",
    "trained-on-patients", "none",
)  # fmt: skip
#: Stages by the first words of their progress messages; cases come twice.
_STAGES = {
    "habitats of": "habitats of each training set",
    "learning the": "the final rad-scores",
    "fold": "nested cross-validation",
    "permutation": "permutations",
    "bootstrap": "bootstrap samples",
    "learning curve": "learning curve",
}


class StageClock:
    """Seconds by stage, from a progress callback."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage = "superpixels of each case"
        self._since = time.perf_counter()

    def __call__(self, fraction: float, message: str) -> None:
        stage = next((name for start, name in _STAGES.items() if message.startswith(start)), None)
        if message.startswith("case"):
            after_habitats = "habitats of each training set" in (self._stage, *self.seconds)
            stage = "features of each region" if after_habitats else "superpixels of each case"
        if stage is not None and stage != self._stage:
            self.begin(stage)

    def begin(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohort", type=Path, required=True)
    parser.add_argument("--clinical", type=Path, required=True)
    parser.add_argument("--protocol", default="sts-lung-metastasis")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--whole", action="store_true", help="with the protocol's copies, permutations and bootstraps")
    options = parser.parse_args()
    protocol = load_protocol(options.protocol)
    if not options.whole:
        protocol = _plain(protocol, options.repeats)
    cohort = load_cohort(options.cohort, options.clinical)
    with tempfile.TemporaryDirectory() as folder:
        runs = {}
        for name in ("cold", "warm"):
            clock = StageClock()

            def run(clock: StageClock = clock) -> None:
                training = train_model(
                    cohort, protocol, _PURPOSE, Path(folder) / "work", jobs=options.jobs, progress=clock
                )
                clock.begin("tables, figures, report")
                write_training(Path(folder) / "out", training)
                clock.begin("")

            runs[name] = _timed(run, clock)
    learning = protocol.learning
    print(f"{len(cohort.cases)} cases, {options.jobs} processes, {learning.repeats} x {learning.folds} outer folds.\n")
    print("| Stage | nothing kept | everything kept |\n| --- | ---: | ---: |")
    for stage in runs["cold"]:
        print(f"| {stage} | {runs['cold'][stage]:.1f} s | {runs['warm'].get(stage, 0.0):.1f} s |")
    print(f"| all | {sum(runs['cold'].values()):.1f} s | {sum(runs['warm'].values()):.1f} s |")
    # Only processes that have ended count among the children.
    get_reusable_executor().shutdown(wait=True)
    own, workers = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"\nPeak resident memory: {own:.0f} MiB, and {workers:.0f} MiB in the largest worker.")


def _plain(protocol: Protocol, repeats: int) -> Protocol:
    learning = protocol.learning.model_copy(
        update={"repeats": repeats, "permutations": 0, "optimism_bootstraps": 0, "learning_curve": False}
    )
    return protocol.model_copy(update={"robustness": None, "learning": learning})


def _timed(run: Callable[[], None], clock: StageClock) -> dict[str, float]:
    run()
    return {stage: seconds for stage, seconds in clock.seconds.items() if stage}


if __name__ == "__main__":
    main()
