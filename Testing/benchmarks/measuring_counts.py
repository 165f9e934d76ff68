#!/usr/bin/env python3
"""How often extraction and training read an image, run N4 and split a lesion into superpixels.

    python Testing/benchmarks/measuring_counts.py [--patients 16]

``extract``, then ``train`` in the same folder, then ``train`` in an empty one, on synthetic patients with two sequences
and a protocol with N4; all in this process. Prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from sklearn.cluster import KMeans

from HabitatRadiomicsLib.cases.synthetic import write_synthetic_cohort
from HabitatRadiomicsLib.commands.program import main as run

_PROTOCOL = {
    "name": "counted",
    "title": "N4, habitats and first-order features",
    "sequences": ["T1W", "T2FS"],
    "regions": ["whole", "habitats"],
    "preprocessing": {"bias_correction": {}, "normalisation": {"scope": "image", "scale": 100}},
    "features": {
        "classes": ["firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
    "learning": {
        "folds": 3, "repeats": 1, "bootstraps": 50, "permutations": 0, "optimism_bootstraps": 0,
        "learning_curve": False,
    },
}  # fmt: skip
_COUNTED = ("images and masks read", "N4", "superpixels (K-means)", "lesions with regions measured")


def _count(counts: Counter[str], owner: Any, name: str, label: str) -> None:
    original = getattr(owner, name)

    def counting(*arguments: Any, **named: Any) -> Any:
        counts[label] += 1
        return original(*arguments, **named)

    setattr(owner, name, counting)


def main() -> int:
    """Print the counts of each command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--patients", type=int, default=16)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    modules = {
        name: importlib.import_module(f"HabitatRadiomicsLib.{name}") for name in ("cases.reading", "extraction.regions")
    }
    _count(counts, modules["cases.reading"], "read_image", _COUNTED[0])
    _count(counts, sitk.N4BiasFieldCorrectionImageFilter, "Execute", _COUNTED[1])
    _count(counts, KMeans, "fit_predict", _COUNTED[2])
    _count(counts, modules["extraction.regions"], "measure_regions", _COUNTED[3])
    rows: dict[str, list[int]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images, clinical = write_synthetic_cohort(folder / "cohort", options.patients, seed=12)
        protocol = folder / "protocol.yaml"
        protocol.write_text(json.dumps(_PROTOCOL), encoding="utf-8")
        arguments = ["--cohort", str(images), "--clinical", str(clinical), "--protocol", str(protocol)]
        steps = {
            "extract": ("extract", "one"),
            "train, same folder": ("train", "one"),
            "train, empty folder": ("train", "two"),
        }
        for title, (command, place) in steps.items():
            counts.clear()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                status = run([command, *arguments, "--out", str(folder / place)])
            if status != 0:
                return status
            rows[title] = [counts[label] for label in _COUNTED]
        kept = sum(file.stat().st_size for file in (folder / "one" / "work" / "prepared").rglob("*.npz"))
    print(f"| {options.patients} patients, 2 sequences | {' | '.join(_COUNTED)} |\n|---|{'---:|' * len(_COUNTED)}")
    for title, row in rows.items():
        print(f"| {title} | {' | '.join(map(str, row))} |")
    print(f"\nPrepared images on disk: {kept / 1e6:.1f} MB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
