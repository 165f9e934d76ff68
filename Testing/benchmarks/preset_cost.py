#!/usr/bin/env python3
"""What the presets cost: seconds of measuring and of learning, beside a plain search, and the whole predicted.

    python Testing/benchmarks/preset_cost.py [--patients 30 60] [--presets NAME ...]

Each preset with its full settings is measured on synthetic cohorts of growing size, and everything is learned once: a
training learns so many times more, which ``training_work`` counts. Each preset and size runs in a process of its own.
Seconds are processor time of one core, since other programs may run. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from plain_search import plain_rad_score, plain_search
from threadpoolctl import threadpool_limits

from HabitatRadiomicsLib.cases.cohort import Cohort, load_cohort, with_reading
from HabitatRadiomicsLib.cases.synthetic.spine import READINGS
from HabitatRadiomicsLib.commands.small_presets import SMALL_PRESETS
from HabitatRadiomicsLib.learning.folds import stratified_folds
from HabitatRadiomicsLib.learning.preparation import prepare_fold
from HabitatRadiomicsLib.learning.radscore import fit_rad_score
from HabitatRadiomicsLib.learning.search import fit_search
from HabitatRadiomicsLib.learning.selection import usable_columns
from HabitatRadiomicsLib.learning.strategy import TrainingTable, learn
from HabitatRadiomicsLib.progress import silent
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.training.measured import measure_study
from HabitatRadiomicsLib.training.train import TrainingWork, work_of

#: What is predicted.
PATIENTS, CORES = 125, 8
_SEED = 1
#: So small that classifiers have something to do.
_EFFECT = 0.7
#: Columns that both sides of the comparison are given.
_COMPARED = 107


@dataclass(frozen=True)
class Cost:
    """Seconds of processor time of one preset at one size, and its peak memory in MiB.

    Attributes:
        cases: of the cohort; a patient may have several lesions, each a case.
        measuring: of all cases; ``learning``: of everything once, from all cases.
        ours, plain: of one search (or rad-score) of the same 107 columns and folds, by this library and by the peer.
    """

    preset: str
    cases: int
    measuring: float
    learning: float
    ours: float
    plain: float
    memory: float


def cost(name: str, patients: int, folder: Path) -> Cost:
    """Measure one preset on a cohort of its kind."""
    protocol = load_protocol(name)
    study_protocol = protocol.model_copy(update={"learning": protocol.learning.model_copy(update={"repeats": 1})})
    cohort = synthetic_cohort(name, protocol, patients, folder)
    measuring, study = _seconds(
        lambda: measure_study(
            cohort, study_protocol, folder / "work", frozen_habitats=False, jobs=1, resample_mask=False, progress=silent
        )
    )
    table = study.table()
    with threadpool_limits(limits=1):
        training = prepare_fold(table, np.arange(len(table.outcome)), protocol).training_table(table)
        learn(training.rows(np.arange(0, len(table.outcome))), _shortened(protocol), seed=_SEED)  # imports, checks
        learning, _ = _seconds(lambda: learn(training, protocol.learning, seed=protocol.seed))
        ours, plain = compared(training, protocol)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(name, len(table.outcome), measuring, learning, ours, plain, memory)


def synthetic_cohort(name: str, protocol: Protocol, patients: int, folder: Path) -> Cohort:
    """A cohort of the preset's kind, with further readings of its lesions where it has them."""
    small = SMALL_PRESETS[name]
    moments = None if protocol.timepoints is None else protocol.timepoints.names
    tables = small.write(folder / "cohort", patients, seed=_SEED, effect=_EFFECT)
    cohort = load_cohort(*tables, timepoints=moments, other_outcomes=small.endpoints)
    for table, kind in READINGS.items():
        if (folder / "cohort" / table).is_file():
            cohort = with_reading(cohort, folder / "cohort" / table, kind, timepoints=moments)
    return cohort


def compared(table: TrainingTable, protocol: Protocol) -> tuple[float, float]:
    """Seconds of one search or rad-score of the first columns, by this library and by the plain peer."""
    settings = protocol.learning
    usable = usable_columns(table.values)[:_COMPARED]
    values, outcome = np.ascontiguousarray(table.values[:, usable]), table.outcome
    folds = stratified_folds(outcome, settings.folds, _SEED, table.patients)
    search = settings.search
    if search is None:
        anything = settings.model_copy(update={"significance": 1.0})
        ours, _ = _seconds(lambda: fit_rad_score(values, outcome, anything, seed=_SEED, groups=table.patients))
        return ours, _seconds(lambda: plain_rad_score(values, outcome, settings, folds))[0]
    unfiltered = search.model_copy(update={"maximum_correlation": None})
    ours, found = _seconds(
        lambda: fit_search(values, outcome, unfiltered, folds=settings.folds, seed=_SEED, groups=table.patients)
    )
    plain, areas = _seconds(lambda: plain_search(values, outcome, unfiltered, folds, _SEED))
    for row in found.compared:
        # Both rank by F, and z-score but for n - 1: the same fits, of which AUCs may differ by a pair or two.
        if row.selector == "anova" and row.classifier == "logistic-regression":
            other = areas[row.selector, row.classifier, row.features]
            if abs(row.auc - other) > 0.02:
                raise AssertionError(f"AUC {row.auc} here and {other} there: a benchmark of wrong numbers is void.")
    return ours, plain


def predicted(costs: Sequence[Cost], work: TrainingWork, folds: int, cases: int, cores: int) -> tuple[float, float]:
    """Seconds of measuring and of learning a whole training on so many cases and cores.

    Measuring grows with the cases. Learning grows with a power of them that the two largest sizes show, between none
    and the square; folds, permutations (of all their folds in turn), samples and points of the curve are shared out
    over the cores, in whole rounds.
    """
    small, large = sorted(costs, key=lambda cost: cost.cases)[-2:]
    power = math.log(large.learning / small.learning) / math.log(large.cases / small.cases)
    once = large.learning * (cases / large.cases) ** min(max(power, 0.0), 2.0)
    rounds = (
        1
        + math.ceil(work.validation / cores)
        + folds * (math.ceil(work.permutations / folds / cores) + math.ceil(work.curve / folds / cores))
        + math.ceil(work.bootstraps / cores)
    )
    return large.measuring / large.cases * cases / cores, once * rounds


def report(costs: Sequence[Cost]) -> str:
    """Two tables in Markdown."""
    lines = [
        "| Preset | Cases | Measuring | Learning once | Peak | One search, ours | plain | Ratio |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.preset} | {row.cases} | {row.measuring:.1f} s | {row.learning:.2f} s | {row.memory:.0f} MiB "
        f"| {row.ours:.2f} s | {row.plain:.2f} s | {row.ours / row.plain:.2f} |"
        for row in costs
    ]
    lines += [
        "",
        f"| Preset | Trainings | Fits | {PATIENTS} cases, 1 core | {PATIENTS} cases, {CORES} cores |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(row.preset for row in costs):
        own = [row for row in costs if row.preset == name]
        protocol = load_protocol(name)
        work = work_of(Cohort((), {}), protocol)
        times = [_minutes(sum(predicted(own, work, protocol.learning.folds, PATIENTS, cores))) for cores in (1, CORES)]
        lines.append(f"| {name} | {work.trainings} | {work.trainings * work.fits:,} | {' | '.join(times)} |")
    return "\n".join(lines)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 600 else f"{seconds / 60:.1f} min"


def _shortened(protocol: Protocol) -> Any:
    """Learning with everything of the preset once, so that what is imported and proved at first use is there."""
    settings = protocol.learning
    changes: dict[str, Any] = {"folds": 2, "nomogram": None, "scouts": None}
    if settings.search is not None:
        changes["search"] = settings.search.model_copy(update={"features": settings.search.features[:1]})
    return settings.model_copy(update=changes)


def _seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    before = time.process_time()
    result = run()
    return time.process_time() - before, result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, nargs="+", default=[30, 60])
    parser.add_argument("--presets", nargs="+", choices=list(SMALL_PRESETS), default=list(SMALL_PRESETS))
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)  # in the process of one measurement
    options = parser.parse_args()
    if options.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(asdict(cost(options.presets[0], options.patients[0], Path(folder)))))
        return
    if len(options.patients) < 2:
        parser.error("a prediction takes two sizes")
    costs = []
    for name in options.presets:
        for patients in options.patients:
            command = [sys.executable, __file__, "--one", "--presets", name, "--patients", str(patients)]
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, check=True, env=environment, capture_output=True, encoding="utf-8")
            costs.append(Cost(**json.loads(done.stdout.splitlines()[-1])))
            print(costs[-1], file=sys.stderr, flush=True)
    print(report(costs))


if __name__ == "__main__":
    main()
