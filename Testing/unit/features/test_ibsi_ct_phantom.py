"""The built-in engine on the CT phantom of IBSI-1 (a lung tumour): the consensus values of IBSI, and pyradiomics.

``ibsi_ct_phantom.csv`` holds the reference values of the IBSI reference manual (arXiv:1612.07003, chapter "Image
features", rows "config. A" to "config. E"; Zwanenburg 2020, doi 10.1148/radiol.2020191145), with IBSI's tolerance
and strength of consensus, for the 102 features that pyradiomics shares with IBSI. They were taken from the source of
the manual and agree with the copy in the tests of MIRP. A tolerance of 0 stands for the dash that IBSI prints.
Voxel counts and intensities of the steps on the way are those of IBSI's compliance check, from the same copy.

The five configurations are those of the manual's chapter "Reference data sets". Interpolation is the library's own;
re-segmentation, which the library does not offer, is done here. What the mask is before it, shape is measured on.

Aggregation: texture within slices counts pairs, runs, zones and neighbours of all slices together and averages GLCM
and GLRLM over the four directions. IBSI calls that "2.5D, direction-merged" (JJUI), not "2D, averaged" (BTW3).

Deviations of pyradiomics from IBSI:

* Kurtosis is not the excess kurtosis: 3 is taken off here.
* With a fixed bin width, level 1 is that of the lowest intensity; IBSI starts at the lower bound of re-segmentation.
  In configuration A the lowest intensity is the bound, in C it lies two bins above, and features that depend on the
  levels themselves, not on their differences only, deviate (``LEVEL_DEPENDENT``). With two levels added to all, they
  agree. The fixed bin number of B, D and E has no such bound.
* Axis lengths (covariance divided by N), the mesh, and the voxels without neighbours in NGTDM: too small to be seen
  in a region of this size.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
import SimpleITK as sitk

from HabitatRadiomicsLib.features.builtin import engine, filters
from HabitatRadiomicsLib.features.builtin.cropping import Box
from HabitatRadiomicsLib.features.builtin.discretisation import grey_levels
from HabitatRadiomicsLib.features.builtin.engine import BuiltInEngine
from HabitatRadiomicsLib.features.catalogue import feature_names
from HabitatRadiomicsLib.imaging.resample import resample_image
from HabitatRadiomicsLib.protocol import Discretisation, FeatureSettings, Resampling, protocol_from

REFERENCE_FILE = Path(__file__).with_name("ibsi_ct_phantom.csv")
SIGNIFICANT_DIGITS = 3
UNFILTERED = {
    "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
    "gradient": False, "lbp_2d": False, "log_sigmas": [],
}  # fmt: skip
#: By the texture class, the parts of the names of what depends on the grey levels themselves.
LEVEL_DEPENDENT = {
    "glcm": ("Autocorrelation", "JointAverage", "SumAverage"),
    "glrlm": ("LowGray", "HighGray"),
    "glszm": ("LowGray", "HighGray"),
    "gldm": ("LowGray", "HighGray"),
    "ngtdm": ("Busyness",),
}


class Configuration(NamedTuple):
    """IBSI's image processing, and what IBSI's compliance check has for the steps on the way."""

    spacing: tuple[float | None, float | None, float | None] | None
    interpolator: str
    range_hu: tuple[float, float] | None
    outliers: bool
    discretisation: dict[str, float]
    force_2d: bool
    #: Voxels, lowest and highest intensity of the interpolated region, and of the re-segmented one.
    interpolated: tuple[int, float, float]
    segmented: tuple[int, float, float]


_WIDTH = {"bin_width": 25.0}
_COUNT = {"bin_count": 32}
CONFIGURATIONS = {
    "A": Configuration(None, "", (-500, 400), False, _WIDTH, True, (125256, -1000, 723), (114596, -500, 377)),
    "B": Configuration(
        (2, 2, None), "linear", (-500, 400), False, _COUNT, True, (29842, -956, 525), (27359, -500, 391)
    ),
    "C": Configuration((2, 2, 2), "linear", (-1000, 400), False, _WIDTH, False, (45985, -939, 521), (45981, -939, 393)),
    "D": Configuration((2, 2, 2), "linear", None, True, _COUNT, False, (45985, -939, 521), (44465, -724, 521)),
    "E": Configuration((2, 2, 2), "bspline", (-1000, 400), True, _COUNT, False, (45985, -966, 627), (44484, -743, 345)),
}
#: Of configuration C: how many bins of 25 lie between -1000 and the bin of -939.
LEVELS_BELOW = 2


class Phantom(NamedTuple):
    """Image, the mask of its shape and that of its intensities."""

    image: sitk.Image
    morphology: sitk.Image
    intensities: sitk.Image


class Reference(NamedTuple):
    """One row of the table of reference values."""

    configuration: str
    feature_class: str
    feature: str
    value: float
    tolerance: float

    def __str__(self) -> str:
        return f"{self.configuration}-{self.feature_class}-{self.feature}"

    @property
    def depends_on_levels(self) -> bool:
        return any(part in self.feature for part in LEVEL_DEPENDENT.get(self.feature_class, ()))

    def agrees(self, value: float) -> bool:
        """As IBSI does: at the printed number of digits, then within the tolerance."""
        if value and np.isfinite(value):
            value = round(value, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))))
        return abs(value - self.value) <= self.tolerance + 1e-9 * abs(self.value)


def _references() -> list[Reference]:
    with REFERENCE_FILE.open(encoding="utf-8", newline="") as stream:
        return [
            Reference(row["configuration"], row["class"], row["feature"], float(row["value"]), float(row["tolerance"]))
            for row in csv.DictReader(stream)
        ]


REFERENCES = _references()


def _settings(**features: Any) -> FeatureSettings:
    return protocol_from({"name": "test", "title": "test", "features": features}, where="test").features


def _like(array: np.ndarray, reference: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(reference)
    return image


@pytest.fixture(scope="module")
def ct_phantom(checkout: Path) -> tuple[sitk.Image, sitk.Image]:
    """Image and mask; Hounsfield units, whole numbers in Float32."""
    shared = Path(os.environ.get("HABITAT_RADIOMICS_SHARED", checkout.parent / "shared"))
    folder = shared / "data" / "ibsi" / "ibsi_1_ct_radiomics_phantom" / "nifti"
    if not (folder / "image" / "phantom.nii.gz").is_file():
        pytest.skip(f"the CT phantom of the IBSI is not at {folder} (set HABITAT_RADIOMICS_SHARED)")
    return tuple(sitk.ReadImage(str(folder / kind)) for kind in ("image/phantom.nii.gz", "mask/mask.nii.gz"))


def _processed(ct_phantom: tuple[sitk.Image, sitk.Image], configuration: Configuration) -> Phantom:
    image, mask = ct_phantom
    if configuration.spacing is not None:
        settings = Resampling(spacing=configuration.spacing, interpolator=configuration.interpolator)
        image = resample_image(image, settings)
        image = _like(np.rint(sitk.GetArrayFromImage(image)), image)
        part_of_voxel = resample_image(mask, Resampling(spacing=configuration.spacing, interpolator="linear"))
        mask = _like((sitk.GetArrayFromImage(part_of_voxel) >= 0.5).astype(np.uint8), image)
    intensities = sitk.GetArrayFromImage(image)
    kept = sitk.GetArrayFromImage(mask) == 1
    if configuration.range_hu is not None:
        kept &= (intensities >= configuration.range_hu[0]) & (intensities <= configuration.range_hu[1])
    if configuration.outliers:
        values = intensities[kept].astype(np.float64)
        kept &= np.abs(intensities - values.mean()) <= 3 * values.std()
    return Phantom(image, mask, _like(kept.astype(np.uint8), image))


@pytest.fixture(scope="module")
def processed(ct_phantom: tuple[sitk.Image, sitk.Image]) -> dict[str, Phantom]:
    return {name: _processed(ct_phantom, configuration) for name, configuration in CONFIGURATIONS.items()}


def _features(phantom: Phantom, configuration: Configuration) -> dict[str, float]:
    """Features of the unfiltered image by ``class_Feature``, from the engine as it is used."""
    settings = _settings(
        images=UNFILTERED, discretisation=configuration.discretisation, force_2d=configuration.force_2d
    )
    regions = {"shape": phantom.morphology, "intensity": phantom.intensities}
    values = BuiltInEngine().extract(phantom.image, regions, settings, settings.discretisation)
    found = {
        name.removeprefix("original_"): values["shape" if "_shape_" in name else "intensity"][name]
        for name in feature_names(settings)
    }
    found["firstorder_Kurtosis"] -= 3
    return found


@pytest.fixture(scope="module")
def measured(processed: Mapping[str, Phantom]) -> dict[str, dict[str, float]]:
    return {name: _features(phantom, CONFIGURATIONS[name]) for name, phantom in processed.items()}


@pytest.fixture(scope="module")
def measured_from_the_bound(processed: Mapping[str, Phantom]) -> dict[str, float]:
    """Configuration C, the first bin at -1000 as IBSI has it."""

    def levels_from_the_bound(intensities: np.ndarray, discretisation: Discretisation) -> np.ndarray:
        levels = np.floor((intensities + 1000) / 25).astype(np.int64) + 1
        np.testing.assert_array_equal(levels, grey_levels(intensities, discretisation) + LEVELS_BELOW)
        return levels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "grey_levels", levels_from_the_bound)
        return _features(processed["C"], CONFIGURATIONS["C"])


def test_table_has_the_same_features_for_each_configuration() -> None:
    of_configuration = {name: {row[1:3] for row in REFERENCES if row.configuration == name} for name in CONFIGURATIONS}
    assert len(REFERENCES) == 5 * 102
    assert all(features == of_configuration["A"] and len(features) == 102 for features in of_configuration.values())


@pytest.mark.shared
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_processing_agrees_with_ibsi(name: str, processed: Mapping[str, Phantom]) -> None:
    """Diagnostic values of IBSI's compliance check, which print whole voxels and Hounsfield units."""
    image, *masks = processed[name]
    intensities = sitk.GetArrayFromImage(image)
    for mask, expected in zip(masks, CONFIGURATIONS[name][-2:]):
        inside = intensities[sitk.GetArrayFromImage(mask) == 1]
        assert (inside.size, inside.min(), inside.max()) == expected


@pytest.mark.shared
@pytest.mark.parametrize("reference", REFERENCES, ids=str)
def test_feature_agrees_with_ibsi(
    reference: Reference, measured: Mapping[str, Mapping[str, float]], measured_from_the_bound: Mapping[str, float]
) -> None:
    name = f"{reference.feature_class}_{reference.feature}"
    value = measured[reference.configuration][name]
    if reference.configuration == "C":
        # The other bound has to be needed, otherwise it would hide a change.
        assert reference.agrees(value) != reference.depends_on_levels
        value = measured_from_the_bound[name]
    assert reference.agrees(value), f"{value:.6g} instead of {reference.value:g}, tolerance {reference.tolerance:g}"


def test_wrong_values_are_rejected() -> None:
    for reference in REFERENCES:
        assert reference.agrees(reference.value), reference
        assert not reference.agrees(float("nan")), reference
        # Six digits at the last place: across a power of ten, rounding is ten times as coarse.
        last_digit = 10.0 ** (math.floor(math.log10(abs(reference.value))) - SIGNIFICANT_DIGITS + 1)
        for sign in (-1, 1):
            assert not reference.agrees(reference.value + sign * (reference.tolerance + 6 * last_digit)), reference


@pytest.mark.shared
@pytest.mark.parametrize(
    ("configuration", "features"),
    [
        ("C", {"discretisation": _WIDTH}),
        ("E", {"discretisation": _COUNT, "force_2d": True}),
    ],
    ids=["resampled-3D-width", "resampled-2D-count"],
)
def test_all_features_equal_pyradiomics(
    configuration: str, features: dict[str, Any], processed: Mapping[str, Phantom]
) -> None:
    """All filters and features of both masks; LoG sees the whole image, as pyradiomics' does."""
    pytest.importorskip("radiomics")
    from HabitatRadiomicsLib.features.pyradiomics_engine import PyradiomicsEngine

    image, *masks = processed[configuration]
    settings = _settings(**features)
    arguments = image, dict(zip(("whole", "segmented"), masks)), settings, settings.discretisation
    expected = PyradiomicsEngine().extract(*arguments)
    with patch.object(filters, "log_context", lambda box, shape, *_: Box((0, 0, 0), shape)):
        found = BuiltInEngine().extract(*arguments)
    for region, values in expected.items():
        assert list(found[region]) == list(values) == list(feature_names(settings))
        for name, value in values.items():
            # These two are differences of nearly equal entropies.
            absolute = 1e-12 if name.endswith(("Imc1", "Imc2")) else 0.0
            np.testing.assert_allclose(found[region][name], value, rtol=1e-9, atol=absolute, err_msg=f"{region} {name}")
