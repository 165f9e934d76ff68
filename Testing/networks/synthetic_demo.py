"""Makes Resources/Networks/synthetic-demo.onnx again: ``python Testing/networks/synthetic_demo.py`` (needs torch).

The cohort is synthetic, and of a seed that no test and no demonstration uses. Other versions of torch may give other
bits; the same ones give the same file.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent.parent
_SEED, _CASES = 77001, 160
#: As images are prepared in the bundled protocol that names the network.
_PROTOCOL = """
format_version: 1
name: synthetic-demo
title: Patches of synthetic CT
sequences: [CT]
regions: [patch]
preprocessing:
  resampling: {spacing: [1, 1, 1]}
  window: {lower: -1000, upper: 400}
deep: {network: synthetic-demo, patch: 160}
"""


def main() -> int:
    """Write the cohort, train, put the network into its place."""
    sys.path.insert(0, str(_CHECKOUT))
    from HabitatRadiomicsLib.cases.synthetic.chest_ct import write_synthetic_ct_cohort
    from HabitatRadiomicsLib.commands.program import main as habitat_radiomics

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images, clinical = write_synthetic_ct_cohort(folder, _CASES, seed=_SEED)
        protocol = folder / "protocol.yaml"
        protocol.write_text(_PROTOCOL, encoding="utf-8")
        out = _CHECKOUT / "Resources" / "Networks" / "synthetic-demo.onnx"
        inputs = ["--cohort", str(images), "--clinical", str(clinical), "--protocol", str(protocol)]
        title = ["--title", "Demonstration on synthetic CT; its features mean nothing in a patient"]
        network = ["--architecture", "small", "--embedding", "16", "--epochs", "40", "--window", "50", "250"]
        return habitat_radiomics(["deep-train", *inputs, "--out", str(out), "--overwrite", *title, *network])


if __name__ == "__main__":
    sys.exit(main())
