"""ComBat against R's sva, and on simulated sites with patients that it has not seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import f_oneway, ks_2samp, levene

from HabitatRadiomicsLib.errors import FeatureError, HarmonisationError
from HabitatRadiomicsLib.features.harmonisation import CombatParameters, apply_combat, fit_combat
from HabitatRadiomicsLib.protocol import CombatSettings, protocol_from

_PLAIN = CombatSettings()


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        (Path(__file__).parents[1] / "reference" / "r_sva_psych.json").read_text(encoding="utf-8")
    )
    return document["combat"]


def _names(values: np.ndarray) -> list[str]:
    return [f"feature {number}" for number in range(values.shape[1])]


def _fit(values: np.ndarray, sites: list[str], settings: CombatSettings = _PLAIN) -> CombatParameters:
    return fit_combat(values, sites, settings, columns=_names(values))


def _apply(parameters: CombatParameters, values: np.ndarray, sites: list[str]) -> np.ndarray:
    return apply_combat(parameters, values, sites, columns=_names(values))


def _kolmogorov_smirnov(_: np.ndarray, one: np.ndarray, other: np.ndarray, axis: int) -> Any:
    return ks_2samp(one, other, axis=axis)


class _Sites:
    """Patients of three sites: the sites' shifts and scales differ by feature and are drawn once."""

    def __init__(self, features: int = 40) -> None:
        generator = np.random.default_rng(5)
        self.shift = {name: generator.normal(move, 0.5, features) for name, move in zip("ABC", (0, 2, -1.5))}
        self.scale = {name: generator.uniform(low, low + 0.3, features) for name, low in zip("ABC", (0.8, 1.6, 0.5))}
        self.level = generator.normal(100, 30, features)

    def patients(self, counts: dict[str, int], seed: int) -> tuple[np.ndarray, list[str]]:
        generator = np.random.default_rng(seed)
        sites = [name for name, count in counts.items() for _ in range(count)]
        rows = [
            self.level + 5 * (self.shift[site] + self.scale[site] * generator.normal(size=self.level.size))
            for site in sites
        ]
        return np.array(rows), sites


@pytest.fixture(scope="module")
def training() -> tuple[np.ndarray, list[str]]:
    return _Sites().patients({"A": 40, "B": 30, "C": 25}, seed=1)


@pytest.mark.parametrize(
    ("answer", "settings"),
    [("eb", {}), ("mean_only", {"mean_only": True}), ("ref_A", {"reference_site": "A"})],
)
def test_equals_sva(reference: dict[str, Any], answer: str, settings: dict[str, Any]) -> None:
    values, sites = np.array(reference["Y"]), reference["batch"]
    parameters = _fit(values, sites, CombatSettings(**settings))
    np.testing.assert_allclose(_apply(parameters, values, sites), reference[answer], rtol=0, atol=1e-9)


def test_new_patients_of_known_sites_lose_the_sites() -> None:
    """Not the cases that it was fitted on: on those, anything can be made to look alike."""
    world = _Sites()
    values, sites = world.patients({"A": 60, "B": 60, "C": 60}, seed=2)
    harmonised = _apply(_fit(*world.patients({"A": 200, "B": 150, "C": 150}, seed=1)), values, sites)

    def groups(table: np.ndarray) -> list[np.ndarray]:
        return [table[np.array(sites) == name] for name in "ABC"]

    for test in (f_oneway, levene, _kolmogorov_smirnov):
        before = test(*groups(values), axis=0).pvalue
        after = test(*groups(harmonised), axis=0).pvalue
        assert np.mean(before < 1e-4) > 0.95
        # Without any site effect 5 %; the sites' own are known from a limited number of cases.
        assert np.mean(after < 0.05) < 0.2
        assert after.min() > 1e-5


def test_one_patient_alone_gets_the_bits_of_the_batch(training: tuple[np.ndarray, list[str]]) -> None:
    parameters = _fit(*training)
    values, sites = _Sites().patients({"A": 5, "B": 4, "C": 8}, seed=4)
    together = _apply(parameters, values, sites)
    for row in range(17):
        alone = _apply(parameters, values[[row]], [sites[row]])
        np.testing.assert_array_equal(alone[0], together[row])


def test_parameters_survive_a_model_file_and_a_subset(training: tuple[np.ndarray, list[str]]) -> None:
    values, sites = training
    parameters = _fit(values, sites)
    wanted = ["feature 31", "feature 4"]
    part = CombatParameters.model_validate_json(parameters.subset(wanted).model_dump_json())
    assert list(part.features) == wanted
    alone = apply_combat(part, values[:, [31, 4]], sites, columns=wanted)
    np.testing.assert_array_equal(alone, _apply(parameters, values, sites)[:, [31, 4]])
    with pytest.raises(FeatureError, match="feature 5"):
        apply_combat(part, values[:, [4, 5]], sites, columns=["feature 4", "feature 5"])
    with pytest.raises(FeatureError, match="not fitted on unheard-of"):
        parameters.subset(["unheard-of"])
    with pytest.raises(ValidationError, match="frozen"):
        part.mean_only = True  # type: ignore[misc]


def test_scale_and_unit_of_a_feature_do_not_matter(training: tuple[np.ndarray, list[str]]) -> None:
    values, sites = training
    factor, offset = np.geomspace(1e-6, 1e9, 40), np.linspace(-5, 5, 40)
    expected = _apply(_fit(values, sites), values, sites) * factor + offset
    moved = values * factor + offset
    np.testing.assert_allclose(_apply(_fit(moved, sites), moved, sites), expected, rtol=1e-6)


def test_the_reference_site_keeps_every_bit(training: tuple[np.ndarray, list[str]]) -> None:
    values, sites = training
    found = _apply(_fit(values, sites, CombatSettings(reference_site="B")), values, sites)
    of_reference = np.array(sites) == "B"
    np.testing.assert_array_equal(found[of_reference], values[of_reference])
    assert abs(found[~of_reference].mean() - values[of_reference].mean()) < 0.5


def test_mean_only_leaves_the_spread(training: tuple[np.ndarray, list[str]]) -> None:
    values, sites = training
    found = _apply(_fit(values, sites, CombatSettings(mean_only=True)), values, sites)
    for name in "ABC":
        inside = np.array(sites) == name
        np.testing.assert_allclose(found[inside].std(axis=0), values[inside].std(axis=0), rtol=1e-9)


def test_constant_and_undefined_columns_pass_through(training: tuple[np.ndarray, list[str]]) -> None:
    values, sites = training
    changed = values.copy()
    changed[:, 0] = 7.1
    changed[3, 1] = np.nan
    changed[np.array(sites) == "B", 2] = 0.1 + 0.2
    changed[5, 3] = np.inf
    parameters = _fit(changed, sites)
    assert parameters.unchanged == tuple(f"feature {number}" for number in range(4))
    found = _apply(parameters, changed, sites)
    np.testing.assert_array_equal(found[:, :4], changed[:, :4])
    np.testing.assert_array_equal(found[:, 4:], apply_combat(
        fit_combat(values[:, 4:], sites, _PLAIN, columns=_names(values)[4:]),
        values[:, 4:], sites, columns=_names(values)[4:],
    ))  # fmt: skip
    assert parameters.subset(["feature 1", "feature 9"]).unchanged == ("feature 1",)


def test_a_new_patients_undefined_value_stays_undefined(training: tuple[np.ndarray, list[str]]) -> None:
    values = training[0][:1].copy()
    values[0, 6] = np.nan
    found = _apply(_fit(*training), values, ["C"])
    assert np.flatnonzero(np.isnan(found[0])).tolist() == [6]


def test_features_that_are_copies_of_one_another_have_no_prior_spread() -> None:
    """All shifts and scales are the same, so that they are known without drawing them anywhere."""
    column = np.random.default_rng(1).normal(size=30) + np.repeat([0.0, 3.0], 15)
    sites = ["A"] * 15 + ["B"] * 15
    values = np.tile(column[:, None], 4)
    found = _apply(_fit(values, sites), values, sites)
    assert np.isfinite(found).all()
    assert found[:15].mean() == pytest.approx(found[15:].mean())
    assert found[:15].std() == pytest.approx(found[15:].std())


def test_a_site_never_seen_is_refused_with_the_known_ones(training: tuple[np.ndarray, list[str]]) -> None:
    with pytest.raises(HarmonisationError, match=r"site D, so that .* Known sites: A, B, C\."):
        _apply(_fit(*training), training[0][:2], ["A", "D"])


@pytest.mark.parametrize(
    ("change", "settings", "sentence"),
    [
        ({"sites": ["A"] * 94 + ["Z"]}, {}, r"at least 2 training cases of each site; fewer came from Z \(1\)"),
        ({"sites": ["A"] * 95}, {}, "come from one site"),
        ({}, {"reference_site": "D"}, "No training case came from the reference site D. Sites .* A, B, C"),
        ({"columns": 1}, {}, "1 of 1 can be used"),
    ],
)
def test_unsuitable_training_cases_are_refused(
    training: tuple[np.ndarray, list[str]], change: dict[str, Any], settings: dict[str, Any], sentence: str
) -> None:
    values, sites = training
    values = values[:, : change.get("columns", 40)]
    with pytest.raises(HarmonisationError, match=sentence):
        _fit(values, change.get("sites", sites), CombatSettings(**settings))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sites": ["A", "A", "B"]}, "each site may be listed only once"),
        ({"cases": [1]}, "number of cases"),
        ({"reference_site": "D"}, "not among the sites"),
        ({"covariates": ["age"]}, "at most 0 items"),
        ({"sites": ["A", "B"], "cases": [4, 4]}, "a shift and a scale for each site"),
    ],
)
def test_parameters_that_do_not_fit_together_are_refused(
    training: tuple[np.ndarray, list[str]], change: dict[str, Any], sentence: str
) -> None:
    document = _fit(*training).model_dump(mode="json")
    with pytest.raises(ValidationError, match=sentence):
        CombatParameters.model_validate({**document, **change})


def test_a_protocol_can_ask_for_it() -> None:
    document = {"name": "a", "title": "a", "harmonisation": {"mean_only": True, "reference_site": "A"}}
    assert protocol_from(document, where="test").harmonisation == CombatSettings(mean_only=True, reference_site="A")
    assert protocol_from({"name": "a", "title": "a"}, where="test").harmonisation is None
