"""The presets' ways on public patients: what was made for synthetic images holds on real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.commands.small_presets import small_preset
from HabitatRadiomicsLib.extraction.cohort import extract_features
from HabitatRadiomicsLib.imaging import prepare, ring_of
from HabitatRadiomicsLib.model import Endpoint, load_model
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.scoring.patient import measured_values
from HabitatRadiomicsLib.training.freezing import Purpose
from HabitatRadiomicsLib.training.train import train_model


def preset(name: str, **changes: Any) -> Protocol:
    """A small preset with other settings."""
    return Protocol.model_validate({**small_preset(name).document(), **changes})


def with_ct(cohort: Cohort) -> Cohort:
    """The patients that have a CT."""
    return cohort.only([case.case_id for case in cohort.cases if any(row.sequence == "CT" for row in case.images)])


def test_a_search_on_pet_finds_about_what_a_rad_score_finds(sarcoma_cohort: Cohort, tmp_path: Path) -> None:
    """Lung metastases of 38 sarcomas: PET carries a weak signal (a nested AUC of 0.70, 0.40 to 1.00, of the bundled
    model), and a search over selectors and classifiers must neither lose it nor make more of it."""
    protocol = preset(
        "brain-metastasis-dti",
        sequences=["PET"],
        preprocessing={"resampling": {"spacing": [4, 4, 4]}},
        sequence_preprocessing={},
        features={**small_preset("brain-metastasis-dti").features.model_dump(mode="json"),
                  "sequence_discretisation": {}, "discretisation": {"bin_width": 0.5}},
    )  # fmt: skip
    purpose = Purpose(
        name="test", title="t", intended_use="u", endpoint=Endpoint(name="e", positive="p", negative="n"),
        cohort="public patients", evidence="trained-on-patients", licence="CC BY 3.0",
    )  # fmt: skip
    training = train_model(sarcoma_cohort, protocol, purpose, tmp_path / "work")
    area = training.model.evidence.performance
    assert area is not None
    assert training.model.evidence.cases == len(sarcoma_cohort.cases)
    # Within two of DeLong's standard errors, 0.09, of the other's.
    assert area.auc == pytest.approx(0.70, abs=0.18)


def test_tumour_ring_and_patch_of_real_ct(sarcoma_cohort: Cohort, tmp_path: Path) -> None:
    original = small_preset("deep-radscore-ct").features.model_dump(mode="json")
    original["images"] = {**original["images"], "wavelet": None}
    protocol = preset("deep-radscore-ct", features=original)
    found = extract_features(with_ct(sarcoma_cohort), protocol, tmp_path)
    assert len(found.table) == 8
    assert not found.problems
    columns = {region: [name for name in found.table.columns if f"_{region}_" in name] for region in protocol.regions}
    assert {region: len(names) for region, names in columns.items()} == {"whole": 107, "ring": 107, "patch": 16}
    patch = found.table[list(columns["patch"])].values
    assert np.isfinite(patch).all()
    assert len(np.unique(patch, axis=0)) == 8  # eight patients, eight embeddings


def test_the_ring_of_a_real_tumour_is_tissue(sarcoma_cohort: Cohort) -> None:
    protocol = preset("deep-radscore-ct")
    limits = protocol.ring_limits
    assert limits is not None
    assert limits.air_below is not None
    for case in with_ct(sarcoma_cohort).cases[:3]:
        prepared = prepare(case.read(("CT",)).sequences["CT"], protocol.preprocessing)
        ring = sitk.GetArrayFromImage(ring_of(prepared, protocol)) == 1
        assert ring.any()
        assert not (ring & (sitk.GetArrayViewFromImage(prepared.mask) == 1)).any()
        # The window cuts at -1000 HU, below what counts as air.
        assert sitk.GetArrayViewFromImage(prepared.image)[ring].min() >= limits.air_below


@pytest.mark.parametrize("name", ["egfr-tki-classic-ct"])
def test_published_features_can_be_measured_in_a_real_ct(sarcoma_cohort: Cohort, name: str) -> None:
    model = load_model(name)
    values = [measured_values(case.read(("CT",)), model) for case in with_ct(sarcoma_cohort).cases[:2]]
    assert np.isfinite(values).all()
    assert (np.ptp(values, axis=0) > 0).all()
