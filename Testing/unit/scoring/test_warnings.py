"""Warnings of small habitats: by their share of the lesion, and by their voxels."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from HabitatRadiomicsLib.habitats.maps import HabitatStatistics
from HabitatRadiomicsLib.model import load_model
from HabitatRadiomicsLib.scoring import warnings


@pytest.mark.parametrize(
    ("voxels", "fraction", "small"), [(99, 0.5, True), (100, 0.5, False), (5000, 0.001, True), (5000, 0.5, False)]
)
def test_a_habitat_of_few_voxels_or_a_small_share_is_told(voxels: int, fraction: float, small: bool) -> None:
    model = load_model("t790m-spine-demo")
    sequence, name = next(
        (sequence, region)
        for sequence in model.protocol.sequences
        for region in model.regions(sequence)
        if region.startswith("S")
    )
    row = HabitatStatistics(
        name=name, voxels=voxels, volume_ml=voxels / 1000, fraction=fraction,
        intensity_mean=0.0, intensity_sd=1.0, entropy_mean_bits=1.0, entropy_sd_bits=0.1,
    )  # fmt: skip
    rows = (row, replace(row, name="S9", voxels=5))  # of a habitat that the model does not need nothing is said
    told = warnings._small_habitats(model, SimpleNamespace(sequence=sequence, title=sequence, statistics=rows))
    assert [f"habitat {name} is small" in text for text in told] == [True] * small
