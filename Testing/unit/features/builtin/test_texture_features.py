"""The texture features against pyradiomics' classes, the IBSI digital phantom, and what is known of odd regions."""

from __future__ import annotations

import csv
import importlib
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import example, given, settings
from hypothesis import strategies as st

from HabitatRadiomicsLib.features.builtin import glcm
from HabitatRadiomicsLib.features.builtin.glcm import _matrices, _maximal_correlation, glcm_features
from HabitatRadiomicsLib.features.builtin.gldm import gldm_features
from HabitatRadiomicsLib.features.builtin.glrlm import glrlm_features
from HabitatRadiomicsLib.features.builtin.glszm import glszm_features
from HabitatRadiomicsLib.features.builtin.neighbours import directions
from HabitatRadiomicsLib.features.builtin.ngtdm import ngtdm_features
from HabitatRadiomicsLib.features.catalogue import features_of_class
from HabitatRadiomicsLib.protocol import TextureSettings

from .regions import degenerate_regions, lattice_of, lesion_levels, small_regions, use_builder
from .rounding import correlation_tolerance, information_tolerance

CLASSES: dict[str, Callable[..., dict[str, float]]] = {
    "glcm": glcm_features,
    "glrlm": glrlm_features,
    "glszm": glszm_features,
    "gldm": gldm_features,
    "ngtdm": ngtdm_features,
}
LESIONS = {
    "lesion": lesion_levels(1, (12, 40, 36), 32),
    "larger lesion": lesion_levels(6, (20, 60, 60), 64),
    "noise": np.random.default_rng(2).integers(0, 9, (9, 20, 17)),
    "one slice": np.random.default_rng(3).integers(0, 4, (1, 30, 30)),
    "many levels": lesion_levels(5, (10, 30, 30), 150),
}
USUAL = TextureSettings()
#: Of the voxels along k, j and i in mm; weights of directions depend on it.
_SPACING = (1.5, 0.7, 0.9)
#: Sums that may cancel, by the power of the levels that are summed: they are compared with what they came from.
CANCELLING = {"ClusterShade": 3}


def _built_in(kind: str, levels: np.ndarray, *, force_2d: bool, texture: TextureSettings = USUAL) -> dict[str, float]:
    lattice = lattice_of(levels, force_2d=force_2d, distances=texture.distances, spacing=_SPACING)
    return CLASSES[kind](lattice, features_of_class(kind), texture)


def _of_pyradiomics(
    kind: str, levels: np.ndarray, *, force_2d: bool, texture: TextureSettings = USUAL
) -> dict[str, float]:
    """As pyradiomics' class would answer for these levels; NaN for complex numbers and where it raises."""
    radiomics = pytest.importorskip("radiomics", reason="the reference engine is not installed")
    radiomics.logger.setLevel("CRITICAL")
    module = importlib.import_module(f"radiomics.{kind}")
    image = sitk.GetImageFromArray(levels.astype(np.float64))
    mask = sitk.GetImageFromArray((levels > 0).astype(np.uint8))
    image.SetSpacing(_SPACING[::-1])
    mask.SetSpacing(_SPACING[::-1])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference: Any = getattr(module, f"Radiomics{kind.upper()}")(
            image, mask, binWidth=1, force2D=force_2d, distances=list(texture.distances),
            weightingNorm=texture.weighting, symmetricalGLCM=texture.symmetrical_glcm, gldm_a=texture.gldm_alpha,
        )  # fmt: skip
        # Its own discretisation would move the lowest level to 1.
        reference.imageArray = levels
        reference.coefficients["grayLevels"] = np.unique(levels[levels > 0])
        reference.coefficients["Ng"] = int(levels.max())
        reference.enableAllFeatures()
        found = {name: complex(np.asarray(value).item()) for name, value in reference.execute().items()}
    return {
        name: value.real if value.imag == 0 and math.isfinite(value.real) else math.nan for name, value in found.items()
    }


def _tolerances(levels: np.ndarray, *, force_2d: bool, texture: TextureSettings) -> dict[str, float]:
    """By how much two right programs may differ; infinite where rounding decides."""
    lattice = lattice_of(levels, force_2d=force_2d, distances=texture.distances, spacing=_SPACING)
    matrices = [counts for block in _matrices(lattice, texture) for counts in block if counts.any()]
    return {"Imc2": information_tolerance(matrices), "MCC": correlation_tolerance(matrices)}


def _one_level_meets_several(levels: np.ndarray, *, force_2d: bool, texture: TextureSettings) -> bool:
    """Whether pyradiomics' correlation may be made of rounding, because one of two deviations is 0 but for rounding."""
    lattice = lattice_of(levels, force_2d=force_2d, distances=texture.distances, spacing=_SPACING)
    for counts in (counts for block in _matrices(lattice, texture) for counts in block):
        rows, columns = counts.any(axis=1).sum(), counts.any(axis=0).sum()
        if min(rows, columns) == 1 < max(rows, columns):
            return True
    return False


def _assert_equal(kind: str, levels: np.ndarray, *, force_2d: bool, texture: TextureSettings = USUAL) -> None:
    found = _built_in(kind, levels, force_2d=force_2d, texture=texture)
    expected = _of_pyradiomics(kind, levels, force_2d=force_2d, texture=texture)
    assert set(found) == set(features_of_class(kind))
    assert set(found) <= set(expected)
    made_of_rounding: set[str] = set()
    tolerances = _tolerances(levels, force_2d=force_2d, texture=texture) if kind == "glcm" else {}
    if kind == "glcm" and _one_level_meets_several(levels, force_2d=force_2d, texture=texture):
        made_of_rounding |= {"Correlation"}
    if kind == "ngtdm":
        lattice = lattice_of(levels, force_2d=force_2d)
        if len(set((lattice.counts * lattice.present).tolist())) == 1:
            made_of_rounding = {"Busyness"}
            assert found["Busyness"] == 0.0
    for name, value in found.items():
        assert isinstance(value, float)
        if name in made_of_rounding:
            continue
        if math.isinf(tolerance := tolerances.get(name, 0.0)):
            assert math.isnan(value) or 0.0 <= value <= 1.0 + 1e-9, name
            continue
        tolerance = max(tolerance, 1e-12 * float(levels.max()) ** CANCELLING.get(name, 0))
        assert value == pytest.approx(expected[name], rel=1e-9, abs=tolerance, nan_ok=True), name


@pytest.fixture(params=["numpy", "numba"])
def builder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use_builder(monkeypatch, request.param)
    return str(request.param)


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", LESIONS)
def test_features_are_those_of_pyradiomics(name: str, kind: str, force_2d: bool, builder: str) -> None:
    _assert_equal(kind, LESIONS[name], force_2d=force_2d)


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("kind", CLASSES)
@settings(max_examples=100)
@given(levels=small_regions())
def test_features_of_any_small_region_are_those_of_pyradiomics(
    levels: np.ndarray, kind: str, force_2d: bool, builder: str
) -> None:
    if len(directions(levels.shape, force_2d=force_2d)):
        _assert_equal(kind, levels, force_2d=force_2d)
    else:
        _assert_only_sane(_built_in(kind, levels, force_2d=force_2d), kind)


_WEIGHTINGS = ("manhattan", "euclidean", "infinity", "no_weighting")
TEXTURES = {
    "distance 2": TextureSettings(distances=(2,)),
    "distances 1 to 3": TextureSettings(distances=(1, 2, 3)),
    "one order": TextureSettings(symmetrical_glcm=False),
    "alpha 1": TextureSettings(gldm_alpha=1),
    "alpha 2, distances 2 and 1": TextureSettings(gldm_alpha=2, distances=(2, 1)),
    **{norm: TextureSettings(weighting=norm) for norm in _WEIGHTINGS},
    **{
        f"{norm}, one order, distances 1 to 3": TextureSettings(
            weighting=norm, symmetrical_glcm=False, distances=(1, 2, 3)
        )
        for norm in _WEIGHTINGS
    },
}


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("texture", TEXTURES.values(), ids=TEXTURES)
@pytest.mark.parametrize("name", ["lesion", "noise", "one slice"])
def test_features_with_other_settings_are_those_of_pyradiomics(
    name: str, texture: TextureSettings, kind: str, force_2d: bool
) -> None:
    _assert_equal(kind, LESIONS[name], force_2d=force_2d, texture=texture)


#: Two levels that are almost independent: Imc2 is 1e-4, and its eighth digit is that of the entropies' last.
_ALMOST_INDEPENDENT = np.array([[[7, 0], [7, 7], [7, 10]], [[10, 10], [7, 10], [0, 7]]])


@pytest.mark.parametrize("kind", CLASSES)
@settings(max_examples=300)
@example(
    levels=_ALMOST_INDEPENDENT,
    force_2d=False,
    texture=TextureSettings(distances=(1, 2), weighting="infinity", symmetrical_glcm=False),
)
@given(
    levels=small_regions(),
    force_2d=st.booleans(),
    texture=st.builds(
        TextureSettings,
        distances=st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True),
        weighting=st.sampled_from([None, *_WEIGHTINGS]),
        symmetrical_glcm=st.booleans(),
        gldm_alpha=st.integers(0, 3),
    ),
)
def test_features_of_any_small_region_with_any_settings_are_those_of_pyradiomics(
    levels: np.ndarray, force_2d: bool, texture: TextureSettings, kind: str
) -> None:
    distances = (1,) if kind in ("glrlm", "glszm") else texture.distances
    if len(directions(levels.shape, force_2d=force_2d, distances=distances)):
        _assert_equal(kind, levels, force_2d=force_2d, texture=texture)
    else:
        _assert_only_sane(_built_in(kind, levels, force_2d=force_2d, texture=texture), kind)


def test_many_directions_are_taken_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = LESIONS["lesion"]
    for texture in (TextureSettings(distances=(1, 2)), TextureSettings(distances=(1, 2), weighting="euclidean")):
        at_once = _built_in("glcm", levels, force_2d=False, texture=texture)
        with monkeypatch.context() as patched:
            patched.setattr(glcm, "_MOST_CELLS", 10_000)
            in_blocks = _built_in("glcm", levels, force_2d=False, texture=texture)
        assert in_blocks == pytest.approx(at_once, rel=1e-12)


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("name", degenerate_regions())
def test_degenerate_regions(name: str, kind: str, force_2d: bool) -> None:
    levels = degenerate_regions()[name]
    if len(directions(levels.shape, force_2d=force_2d)):
        _assert_equal(kind, levels, force_2d=force_2d)
    else:
        _assert_only_sane(_built_in(kind, levels, force_2d=force_2d), kind)


def _assert_only_sane(found: dict[str, float], kind: str) -> None:
    defined = {name for name, value in found.items() if math.isfinite(value)}
    assert all(math.isfinite(value) or math.isnan(value) for value in found.values())
    if kind in ("glcm", "glrlm"):
        assert defined <= {"MCC"}
    else:
        assert defined == set(found)


def test_a_single_voxel() -> None:
    levels = np.array([[[4]]])
    pairs = _built_in("glcm", levels, force_2d=False)
    assert {name for name, value in pairs.items() if not math.isnan(value)} == {"MCC"}
    assert all(math.isnan(value) for value in _built_in("glrlm", levels, force_2d=False).values())
    glszm = _built_in("glszm", levels, force_2d=False)
    assert (glszm["ZonePercentage"], glszm["HighGrayLevelZoneEmphasis"], glszm["ZoneVariance"]) == (1.0, 16.0, 0.0)
    gldm = _built_in("gldm", levels, force_2d=False)
    assert (gldm["LargeDependenceEmphasis"], gldm["LowGrayLevelEmphasis"]) == (1.0, 0.0625)
    ngtdm = {"Coarseness": 1e6, "Contrast": 0.0, "Busyness": 0.0, "Complexity": 0.0, "Strength": 0.0}
    assert _built_in("ngtdm", levels, force_2d=False) == ngtdm


def test_a_flat_region() -> None:
    found = _built_in("glcm", np.full((3, 4, 5), 2), force_2d=False)
    expected = {
        "Correlation": 1.0,
        "MCC": 1.0,
        "Imc1": 0.0,
        "Imc2": 0.0,
        "Contrast": 0.0,
        "Id": 1.0,
        "JointEnergy": 1.0,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-15)


def test_independent_levels_have_no_maximal_correlation() -> None:
    # Along the row: one pair 1-1, one 2-2 and two mixed ones; pyradiomics' value is rounding, or missing.
    levels = np.array([[[1, 1, 2, 2, 1]]])
    found = _built_in("glcm", levels, force_2d=False)
    assert found["MCC"] == pytest.approx(0.0, abs=1e-7)
    assert found["Imc2"] == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("rarest", [1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("count", [2, 3, 12, 60])
def test_maximal_correlation_is_that_of_the_general_eigenvalue_problem(count: int, rarest: float) -> None:
    # pyradiomics' epsilon weighs on rare levels, up to 1e-5 of an element of the matrix.
    random = np.random.default_rng(count)
    share = np.geomspace(1.0, rarest, count)
    near = np.exp(-np.abs(np.subtract.outer(np.arange(count), np.arange(count))) / 3.0)
    counts = 2 + random.poisson(1e5 * near * np.sqrt(np.outer(share, share)) * random.random((count, count)))
    joint = (counts + counts.T) / (2.0 * counts.sum())
    marginal = joint.sum(axis=1)
    transition = (joint / (np.outer(marginal, marginal) + np.spacing(1.0))) @ joint.T
    expected = np.sqrt(np.sort(np.linalg.eigvals(transition).real)[-2])
    found = _maximal_correlation(joint[np.newaxis], np.outer(marginal, marginal)[np.newaxis])
    assert found == pytest.approx([expected], rel=1e-10)


def test_levels_of_equal_weight_have_no_busyness() -> None:
    # Three voxels of level 2 and two of level 3: both weigh 6/5, which rounds to two different numbers.
    found = _built_in("ngtdm", np.array([[[2, 3, 2, 3, 2]]]), force_2d=False)
    assert found["Busyness"] == 0.0


@pytest.mark.parametrize("kind", CLASSES)
def test_only_wanted_features_are_returned(kind: str) -> None:
    first, *_, last = features_of_class(kind)
    levels = LESIONS["lesion"]
    lattice = lattice_of(levels, force_2d=False)
    found = CLASSES[kind](lattice, [first, last], USUAL)
    everything = _built_in(kind, levels, force_2d=False)
    assert found == {first: everything[first], last: everything[last]}
    assert CLASSES[kind](lattice, [], USUAL) == {}


def _ibsi_phantom() -> np.ndarray:
    """The IBSI digital phantom, indexed [z][y][x]; 0 is outside of the ROI."""
    return np.array(
        [
            [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
            [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
            [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
            [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
        ]
    )


def test_ibsi_digital_phantom(builder: str) -> None:
    table = Path(__file__).parent.parent / "ibsi_digital_phantom.csv"
    with table.open(encoding="utf-8", newline="") as stream:
        references = [row for row in csv.DictReader(stream) if row["class"] in CLASSES]
    assert len(references) == sum(len(features_of_class(kind)) for kind in CLASSES) - 1  # all but MCC
    found = {kind: _built_in(kind, _ibsi_phantom(), force_2d=False) for kind in CLASSES}
    for row in references:
        # A tolerance of 0 stands for agreement in the three digits that IBSI prints.
        value = float(f"{found[row['class']][row['feature']]:.3g}")
        assert value == pytest.approx(float(row["value"]), abs=float(row["tolerance"]) + 1e-9), row["feature"]


@pytest.mark.parametrize("force_2d", [False, True], ids=["3D", "2D"])
@pytest.mark.parametrize("kind", CLASSES)
def test_with_and_without_numba_the_values_are_the_same_to_the_bit(
    kind: str, force_2d: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_builder(monkeypatch, "numba")
    compiled = {name: _built_in(kind, levels, force_2d=force_2d) for name, levels in LESIONS.items()}
    use_builder(monkeypatch, "numpy")
    assert {name: _built_in(kind, levels, force_2d=force_2d) for name, levels in LESIONS.items()} == compiled
