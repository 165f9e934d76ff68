"""What the framework costs per case: a whole measured study of growing synthetic cohorts, in time and memory.

``python Testing/benchmarks/cohort_scale.py [--cases 50 100 200] [--jobs 1] [--out report.md]``

Images are small and features few, so that what is seen is reading, superpixels, the habitats of every training set,
files and tables. Each cohort is measured in a process of its own; ``--one FOLDER JOBS`` measures the cohort that lies
there and prints seconds by stage and the peak memory. Growth is told as the slope on log axes: 1 is linear.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, SequenceImage, write_case
from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.training.measured import measure_study

_MIB = 2**20
# On Linux a process starts with the peak of the one that it was forked from; a small one in between keeps ours out.
_LAUNCHER = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
_SEED = 11
_SHAPE = (12, 32, 32)
_SPACING = (1.0, 1.0, 3.0)
_LEAST, _MOST = 200, 400
_PROTOCOL = {
    "name": "scale",
    "title": "Few features",
    "sequences": ["T1W"],
    "regions": ["whole", "habitats"],
    "features": {
        "classes": ["firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    # A small habitat of a small lesion: that it may be nearly empty is of no account here.
    "habitats": {"nearly_empty_fraction": 0.0},
    "learning": {"folds": 5, "repeats": 1},
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One cohort: seconds by the clock, of the whole and by stage; seconds of CPU; peak resident memory."""

    cases: int
    seconds: float
    work: float
    stages: dict[str, float]
    peak_mib: float


def write_cohort(folder: Path, cases: int) -> None:
    """Lesions of two tissues in noise, in small images, with both outcomes in turn."""
    images: list[Sequence[object]] = [("case_id", "sequence", "image", "mask")]
    clinical: list[Sequence[object]] = [("case_id", "outcome")]
    for number in range(cases):
        case = _case(number)
        for name, paths in write_case(folder / "images", case, compressed=False).items():
            images.append((case.case_id, name, *(path.relative_to(folder).as_posix() for path in paths)))
        clinical.append((case.case_id, number % 2))
    for name, rows in (("images.csv", images), ("clinical.csv", clinical)):
        with (folder / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)


def measure(folder: Path, jobs: int) -> Run:
    """The cohort of a folder, measured in this process."""
    cohort = load_cohort(folder / "images.csv", folder / "clinical.csv")
    begun, worked = time.perf_counter(), time.process_time()
    ends: dict[str, float] = {}

    def note(fraction: float, message: str) -> None:
        stage = "superpixels" if fraction <= 0.2 else "habitats" if fraction <= 0.3 else "features"
        ends[stage] = time.perf_counter() - begun

    study = measure_study(
        cohort, _protocol(), folder / "work", frozen_habitats=False, jobs=jobs, resample_mask=False, progress=note
    )
    rows = [len(table.values) for table in study.fold_tables()]
    seconds = time.perf_counter() - begun
    assert rows == [len(cohort.cases)] * 5
    starts = [0.0, *ends.values()]
    stages = {stage: end - start for (stage, end), start in zip(ends.items(), starts)}
    return Run(len(cohort.cases), seconds, time.process_time() - worked, stages, _peak_mib())


def measured_apart(cases: int, jobs: int) -> Run:
    """A cohort of so many cases, made here and measured in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        write_cohort(Path(folder), cases)
        own = [sys.executable, __file__, "--one", folder, str(jobs)]
        done = subprocess.run(
            [sys.executable, "-c", _LAUNCHER, *own], check=True, stdout=subprocess.PIPE, encoding="utf-8"
        )
        return Run(**json.loads(done.stdout.splitlines()[-1]))


def slope(runs: Sequence[Run], quantity: str) -> float:
    """Of a quantity over the cases on log axes, by least squares."""
    cases = np.log([run.cases for run in runs])
    return float(np.polyfit(cases, np.log([getattr(run, quantity) for run in runs]), 1)[0])


def report(runs: Sequence[Run], jobs: int) -> str:
    """The figures, as Markdown."""
    stages = list(runs[0].stages)
    lines = [
        f"| Cases | Seconds | CPU | Per case | {' | '.join(stages)} | Peak memory |",
        "| ---: |" + " ---: |" * (len(stages) + 4),
    ]
    for run in runs:
        parts = " | ".join(f"{run.stages[stage]:.1f} s" for stage in stages)
        per_case = f"{1000 * run.seconds / run.cases:.0f} ms"
        lines.append(
            f"| {run.cases} | {run.seconds:.1f} s | {run.work:.1f} s | {per_case} | {parts} | {run.peak_mib:.0f} MiB |"
        )
    table = "\n".join(lines)
    protocol = _protocol()
    growth = ""
    if len(runs) > 1:
        growth = f"Slopes on log axes (1: linear): {_slopes(runs)}; between the two largest: {_slopes(runs[-2:])}.\n"
    return f"""\
## Cohorts of growing size

A study of synthetic cases, with habitats of each training set ({protocol.learning.folds} folds, and all cases): one
sequence of {" x ".join(str(size) for size in reversed(_SHAPE))} voxels, {protocol.habitats.superpixels} superpixels of
each lesion, first-order features of the original image, {jobs} at once. Images are written before the clock starts.
CPU and peak are those of the process that reads, measures and makes the tables of the folds; with several jobs, those
of the others are not in them.

{table}

{growth}"""


def _slopes(runs: Sequence[Run]) -> str:
    return f"time {slope(runs, 'seconds'):.2f}, CPU {slope(runs, 'work'):.2f}, memory {slope(runs, 'peak_mib'):.2f}"


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else peak * 1024) / _MIB


def _protocol() -> Protocol:
    return protocol_from(_PROTOCOL, where="cohort_scale")


def _case(number: int) -> Case:
    generator = np.random.default_rng((_SEED, number))
    k, j, i = np.ogrid[[slice(-(size - 1) / 2, size / 2) for size in _SHAPE]]
    axes = generator.uniform((3.5, 8.0, 8.0), (5.0, 12.0, 12.0))
    radius = np.sqrt((k / axes[0]) ** 2 + (j / axes[1]) ** 2 + (i / axes[2]) ** 2)
    lesion, core = radius < 1, radius < 0.7
    signal = generator.normal(_LEAST, 10, _SHAPE)
    # Margin and core differ in signal and in disorder; an outcome has the more disordered core.
    signal[core] = generator.normal(_MOST, 25 + 10 * (number % 2), int(core.sum()))
    images = [sitk.GetImageFromArray(array) for array in (signal.astype(np.float32), lesion.astype(np.uint8))]
    for image in images:
        image.SetSpacing(_SPACING)
    return Case(f"case-{number:05d}", {"T1W": SequenceImage("T1W", *images)})


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", type=int, default=[50, 100, 200], metavar="N")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE")
    parser.add_argument("--one", nargs=2, metavar=("FOLDER", "JOBS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(Path(arguments.one[0]), int(arguments.one[1])).__dict__))
        return
    text = report([measured_apart(cases, arguments.jobs) for cases in sorted(arguments.cases)], arguments.jobs)
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    _main()
