"""Robust columns and harmonised sites, learned from training cases, and the model file that goes with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.errors import HarmonisationError
from HabitatRadiomicsLib.extraction.prepared_cases import PERTURBED
from HabitatRadiomicsLib.features import feature_names
from HabitatRadiomicsLib.features.harmonisation import apply_combat, fit_combat
from HabitatRadiomicsLib.features.reliability import intraclass_correlation
from HabitatRadiomicsLib.learning.preparation import FoldTable, Repetitions, prepare_fold, reliability_of
from HabitatRadiomicsLib.model import Model, load_model, model_text
from HabitatRadiomicsLib.protocol import CombatSettings, Protocol
from HabitatRadiomicsLib.scoring.patient import harmonised
from HabitatRadiomicsLib.training import train as training_module
from HabitatRadiomicsLib.training.train import Training, train_model

from ..made_up_tables import PURPOSE, alternating, cohort, columns, measured, protocol, table

_NAMES = columns("T1W_whole", "T1W_S1")
_ALL = np.arange(40)


def _copied(noise: float | np.ndarray, *, seed: int = 3) -> FoldTable:
    """Twelve of 40 cases have four copies each, with so much noise on each column (SD)."""
    found = table(alternating(40), _NAMES)
    generator = np.random.default_rng(seed)
    perturbed = np.arange(0, 36, 3)
    repeated = found.values[perturbed][:, None] + generator.normal(size=(12, 4, 12)) * noise
    return replace(found, repeated={PERTURBED: Repetitions(perturbed, repeated)})


def _with_copies(found: FoldTable, values: np.ndarray) -> FoldTable:
    """The table with other values of the copies."""
    return replace(found, repeated={PERTURBED: replace(found.repeated[PERTURBED], values=values)})


def _robust(**more: float) -> Protocol:
    return protocol(robustness={"cases": 12, "copies": 4, **more})


def _sites(names: list[str], *, seed: int = 1) -> FoldTable:
    """Sites with a shift and a scale of their own."""
    found = table(alternating(len(names)), _NAMES, sites=names, seed=seed)
    shift = np.array([{"Alpha": 0.0, "Beta": 4.0, "Gamma": -3.0, "": 9.0}[name] for name in names])
    scale = np.array([{"Alpha": 1.0, "Beta": 2.5, "Gamma": 0.5, "": 1.0}[name] for name in names])
    return replace(found, values=found.values * scale[:, None] + shift[:, None])


_HARMONISED = protocol(harmonisation={})


def test_without_either_the_table_is_left_alone() -> None:
    found = table(alternating(20), _NAMES)
    prepared = prepare_fold(found, np.arange(10), protocol())
    assert prepared.columns == found.columns
    assert prepared.values is found.values
    assert prepared.robust is None
    assert prepared.combat is None


def test_columns_stay_whose_icc_over_the_training_cases_copies_reaches_the_threshold() -> None:
    noise = np.linspace(0.05, 1.5, 12)
    found = _copied(noise)
    training = np.arange(0, 25)
    copies = found.repeated[PERTURBED]
    seen = np.isin(copies.cases, training)
    ratings = np.concatenate([found.values[copies.cases[seen]][:, None], copies.values[seen]], axis=1)
    expected = intraclass_correlation(ratings, "1,1").icc >= 0.8
    assert 0 < expected.sum() < 12
    prepared = prepare_fold(found, training, _robust())
    assert prepared.robust is not None
    assert prepared.robust.tolist() == expected.tolist()
    assert prepared.columns == tuple(name for name, kept in zip(_NAMES, expected) if kept)
    assert prepared.values.tobytes() == found.values[:, expected].tobytes()


def _closed_form(first: np.ndarray, second: np.ndarray, form: str) -> np.ndarray:
    """ICC of two readings from sums and differences, whose variances are those of the two-way table's mean squares."""
    sums, differences = first + second, first - second
    between, error = sums.var(axis=0, ddof=1) / 2, differences.var(axis=0, ddof=1) / 2
    rater = len(first) * differences.mean(axis=0) ** 2 / 2
    shift = {"2,1": 2 * (rater - error) / len(first), "3,1": 0.0}[form]
    return (between - error) / (between + error + shift)


def _read_again(found: FoldTable, cases: np.ndarray, noise: np.ndarray, shift: float, *, seed: int) -> Repetitions:
    values = found.values[cases] + shift + np.random.default_rng(seed).normal(size=(len(cases), 12)) * noise
    return Repetitions(cases, values[:, None])


def _two_readings() -> FoldTable:
    """A second reader of 14 cases, and the same one of 11 others and some of these."""
    found = table(alternating(40), _NAMES)
    noise = np.linspace(0.1, 1.4, 12)
    inter = _read_again(found, np.arange(0, 28, 2), noise, 0.5, seed=5)
    intra = _read_again(found, np.arange(3, 36, 3), noise[::-1] / 2, -0.3, seed=6)
    return replace(found, repeated={INTER_OBSERVER: inter, INTRA_OBSERVER: intra})


@pytest.mark.parametrize("form", ["2,1", "3,1"])
def test_with_two_kinds_of_readings_columns_stay_that_reach_the_threshold_in_both(form: str) -> None:
    found = _two_readings()
    settings = protocol(robustness={"icc": form, "threshold": 0.7})
    training = np.arange(0, 33)
    expected = {}
    for kind, again in found.repeated.items():
        seen = again.cases < 33
        icc = _closed_form(found.values[again.cases[seen]], again.values[seen, 0], form)
        assert settings.robustness is not None
        numbers = reliability_of(found, training, settings.robustness)[kind]
        np.testing.assert_allclose(numbers.reliability.icc, icc, rtol=1e-10)
        assert set(numbers.cases) == {seen.sum()}
        expected[kind] = icc >= 0.7
    inter, intra = expected.values()
    both = inter & intra
    assert 0 < both.sum() < min(inter.sum(), intra.sum()), "each has some that the other has not"
    prepared = prepare_fold(found, training, settings)
    assert prepared.robust is not None
    assert prepared.robust.tolist() == both.tolist()
    assert prepared.columns == tuple(name for name, kept in zip(_NAMES, both) if kept)
    for kind, own in expected.items():
        alone = prepare_fold(replace(found, repeated={kind: found.repeated[kind]}), training, settings)
        assert alone.robust is not None
        assert alone.robust.tolist() == own.tolist()


@pytest.mark.parametrize("kind", [INTER_OBSERVER, INTRA_OBSERVER])
def test_either_reading_alone_can_take_a_feature_out(kind: str) -> None:
    found = _two_readings()
    again = found.repeated[kind]
    exact = {other: replace(row, values=found.values[row.cases][:, None]) for other, row in found.repeated.items()}
    settings = protocol(robustness={"icc": "2,1"})
    assert prepare_fold(replace(found, repeated=exact), _ALL, settings).columns == _NAMES
    values = exact[kind].values.copy()
    values[:, 0, 4] = np.random.default_rng(1).normal(size=len(again.cases))
    spoiled = replace(found, repeated={**exact, kind: replace(again, values=values)})
    assert prepare_fold(spoiled, _ALL, settings).columns == (*_NAMES[:4], *_NAMES[5:])


def test_readings_of_test_cases_have_no_say() -> None:
    found = _two_readings()
    training, settings = np.arange(0, 20), protocol(robustness={"icc": "2,1", "threshold": 0.6})
    spoiled = {}
    for kind, again in found.repeated.items():
        values = again.values.copy()
        values[again.cases >= 20] = 1e6
        spoiled[kind] = replace(again, values=values)
    kept = prepare_fold(found, training, settings).columns
    assert 0 < len(kept) < len(_NAMES)
    assert prepare_fold(replace(found, repeated=spoiled), training, settings).columns == kept


def test_copies_of_test_cases_have_no_say() -> None:
    found = _copied(0.1)
    copies = found.repeated[PERTURBED]
    spoiled = copies.values.copy()
    test = copies.cases >= 25
    spoiled[test] = np.random.default_rng(1).normal(0, 100, spoiled[test].shape)
    spoiled_table = _with_copies(found, spoiled)
    assert prepare_fold(spoiled_table, np.arange(25), _robust()).columns == _NAMES
    assert prepare_fold(spoiled_table, _ALL, _robust()).columns == ()


def test_a_case_that_lacks_a_region_or_a_copy_takes_no_feature_from_the_others() -> None:
    """One lesion without S1, and one copy that could not be made."""
    found = _copied(0.1)
    copies = found.repeated[PERTURBED]
    values, repeated = found.values.copy(), copies.values.copy()
    values[0, 6:] = np.nan
    repeated[0, :, 6:] = np.nan
    repeated[4, 2] = np.nan
    spoiled = replace(_with_copies(found, repeated), values=values)
    prepared = prepare_fold(spoiled, _ALL, _robust())
    assert prepared.columns == _NAMES
    rest = Repetitions(np.delete(copies.cases, [0, 4]), np.delete(repeated, [0, 4], axis=0))
    without = replace(spoiled, repeated={PERTURBED: rest})
    strict = _robust(threshold=float(_icc(without)[6:].min()) + 1e-9)
    assert prepare_fold(spoiled, _ALL, strict).columns == tuple(
        name
        for name, kept in zip(_NAMES, _icc_by_region(spoiled) >= strict.robustness.threshold)
        if kept  # type: ignore[union-attr]
    )


def _icc(found: FoldTable) -> np.ndarray:
    copies = found.repeated[PERTURBED]
    ratings = np.concatenate([found.values[copies.cases][:, None], copies.values], axis=1)
    return intraclass_correlation(ratings, "1,1").icc


def _icc_by_region(found: FoldTable) -> np.ndarray:
    """S1 without the cases 0 and 4, the whole lesion without 4."""
    copies = found.repeated[PERTURBED]
    parts = []
    for own, lacking in ((slice(0, 6), [4]), (slice(6, 12), [0, 4])):
        rest = np.setdiff1d(np.arange(12), lacking)
        ratings = np.concatenate(
            [found.values[copies.cases[rest]][:, None, own], copies.values[rest][..., own]], axis=1
        )
        parts.append(intraclass_correlation(ratings, "1,1").icc)
    return np.concatenate(parts)


def test_a_change_that_is_not_known_takes_nothing_from_the_values_at_baseline() -> None:
    """A habitat may be gone at follow-up: the case then counts for the baseline alone."""
    found = replace(_copied(0.1), columns=columns("baseline_CT_S1", "delta_CT_S1"))
    repeated = found.repeated[PERTURBED].values.copy()
    repeated[2, 1, 6:] = np.nan
    settings = _robust().robustness
    assert settings is not None
    numbers = reliability_of(_with_copies(found, repeated), _ALL, settings)[PERTURBED]
    assert numbers.cases.tolist() == [12] * 6 + [11] * 6
    assert np.isfinite(numbers.reliability.icc).all()


def test_a_feature_that_is_undefined_in_a_copy_is_not_robust() -> None:
    found = _copied(0.1)
    repeated = found.repeated[PERTURBED].values.copy()
    repeated[3, 1, 2] = np.nan
    assert prepare_fold(_with_copies(found, repeated), _ALL, _robust()).columns == (*_NAMES[:2], *_NAMES[3:])


def test_where_fewer_than_two_training_cases_were_copied_nothing_is_known_to_be_robust() -> None:
    prepared = prepare_fold(_copied(0.1), np.array([0, 1, 2, 4, 5]), _robust())
    assert prepared.columns == ()
    assert prepared.values.shape == (40, 0)


def test_sites_are_put_on_one_scale_by_training_cases_alone() -> None:
    found = _sites(["Alpha", "Beta"] * 20)
    training = np.arange(30)
    prepared = prepare_fold(found, training, _HARMONISED)
    assert prepared.columns == _NAMES
    for places in (slice(0, 6), slice(6, 12)):  # each region by itself
        names = _NAMES[places]
        combat = fit_combat(found.values[:30, places], found.sites[:30].tolist(), CombatSettings(), columns=names)
        expected = apply_combat(combat, found.values[:, places], found.sites.tolist(), columns=names)
        assert prepared.values[:, places].tobytes() == expected.tobytes()
    before = (
        found.values[:30][found.sites[:30] == "Beta"].mean() - found.values[:30][found.sites[:30] == "Alpha"].mean()
    )
    own = prepared.values[:30]
    after = own[found.sites[:30] == "Beta"].mean() - own[found.sites[:30] == "Alpha"].mean()
    assert abs(after) < 0.05 * abs(before)
    spoiled = found.values.copy()
    spoiled[30:] = 1e6
    again = prepare_fold(replace(found, values=spoiled), training, _HARMONISED)
    assert again.values[:30].tobytes() == prepared.values[:30].tobytes()
    assert again.combat == prepared.combat


def test_a_case_without_a_region_still_counts_for_the_others() -> None:
    found = _sites(["Alpha", "Beta"] * 20)
    values = found.values.copy()
    values[3, 6:] = np.nan
    prepared = prepare_fold(replace(found, values=values), _ALL, _HARMONISED)
    whole = prepare_fold(found, _ALL, _HARMONISED)
    assert prepared.values[:, :6].tobytes() == whole.values[:, :6].tobytes()
    assert np.isnan(prepared.values[3, 6:]).all()
    assert np.isfinite(np.delete(prepared.values, 3, axis=0)).all()


@pytest.mark.parametrize("site", ["Gamma", ""])
def test_a_test_case_of_a_site_that_training_has_too_few_of_is_not_harmonised(site: str) -> None:
    """As if it had none of the regions: no knowledge, neither way."""
    names = ["Alpha", "Beta"] * 20
    names[5] = names[35] = site  # one in training, one in the test part
    found = _sites(names)
    prepared = prepare_fold(found, np.arange(30), _HARMONISED)
    assert prepared.combat is not None
    assert prepared.combat.sites == ("Alpha", "Beta")
    assert np.isnan(prepared.values[[5, 35]]).all()
    rest = np.setdiff1d(_ALL, [5, 35])
    assert np.isfinite(prepared.values[rest]).all()
    without = prepare_fold(found, np.setdiff1d(np.arange(30), [5]), _HARMONISED)
    assert prepared.values.tobytes() == without.values.tobytes()
    assert prepared.combat == without.combat


@pytest.mark.parametrize("left", [0, 1])
def test_a_region_that_a_site_has_too_few_cases_of_is_left_out(left: int) -> None:
    found = _sites(["Alpha", "Beta", "Gamma", "Beta"] * 10)
    values = found.values.copy()
    values[np.flatnonzero(found.sites == "Gamma")[left:], 6:] = np.nan
    prepared = prepare_fold(replace(found, values=values), _ALL, _HARMONISED)
    assert prepared.columns == _NAMES[:6]
    assert prepared.combat is not None
    assert prepared.combat.cases == (10, 20, 10)


def test_a_column_that_cannot_be_harmonised_is_left_out() -> None:
    found = _sites(["Alpha", "Beta"] * 20)
    values = found.values.copy()
    values[found.sites == "Beta", 2] = 1.0  # constant within a site
    values[7, 8] = np.nan
    prepared = prepare_fold(replace(found, values=values), _ALL, _HARMONISED)
    assert prepared.columns == tuple(name for place, name in enumerate(_NAMES) if place not in (2, 8))


@pytest.mark.parametrize("sites", [["Alpha"] * 40, ["Alpha"] * 39 + ["Beta"], [""] * 40], ids=["one", "alone", "none"])
def test_where_no_two_sites_are_left_there_is_nothing_to_learn_from(sites: list[str]) -> None:
    prepared = prepare_fold(_sites(sites), _ALL, _HARMONISED)
    assert prepared.columns == ()
    assert prepared.combat is None


def test_copies_of_one_case_in_a_bootstrap_sample_are_not_two_of_a_site() -> None:
    names = ["Alpha", "Beta"] * 20
    names[5] = names[35] = "Gamma"
    rows = np.array([*range(0, 5), *range(6, 35), 35, 35, 35])
    prepared = prepare_fold(_sites(names), rows, _HARMONISED)
    assert prepared.combat is not None
    assert prepared.combat.sites == ("Alpha", "Beta")


def test_one_robust_column_of_a_region_stops_no_run() -> None:
    """ComBat learns from all features of a region together, and needs two."""
    noise = np.full(12, 0.05)
    noise[7:] = 9.0
    found = _copied(noise)
    found = replace(found, sites=np.array(["Alpha", "Beta", "Beta", "Alpha"] * 10))
    both = protocol(robustness={"cases": 12, "copies": 4}, harmonisation={})
    prepared = prepare_fold(found, _ALL, both)
    assert prepared.columns == _NAMES[:6]
    assert prepared.robust is not None
    assert prepared.robust.sum() == 7


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Training:
    """A model of two sites that differ much."""
    outcome = [0, 0, 1, 1] * 12
    sites = {f"P{place:03}": ("Alpha", "Beta")[place % 2] for place in range(48)}
    given = cohort(outcome, sites=sites)
    values = np.random.default_rng(5).normal(size=(48, 6))
    values[:, 2] += 1.6 * np.array(outcome)
    values[1::2] = values[1::2] * 3 + 20
    settings = protocol(harmonisation={}, learning={"significance": 0.3})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_module, "measure_study", lambda *args, **kwargs: measured(given, settings, values))
        return train_model(given, settings, PURPOSE, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def model(trained: Training, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("model") / "model.json"
    path.write_text(model_text(trained.model), encoding="utf-8")
    return load_model(path)


def test_a_frozen_model_carries_the_harmonisation_of_its_features_and_no_others(
    trained: Training, model: Model
) -> None:
    assert model == trained.model
    assert model.combat is not None
    assert set(model.combat.features) == {feature.name for feature in model.features}
    assert model.combat.sites == ("Alpha", "Beta") == model.evidence.sites
    assert model.evidence.performance is not None
    assert "harmonisation" in model.evidence.performance.method


def test_a_case_of_a_known_site_gets_the_values_that_it_had_in_training(trained: Training, model: Model) -> None:
    names = feature_names(trained.model.protocol.features)
    places = [names.index(feature.parsed.within_region) for feature in model.features]
    raw = trained.table.values[:, places]
    assert raw.tobytes() != np.array(model.background).tobytes()
    for row, (site, kept) in enumerate(zip(trained.table.sites, model.background)):
        named = dict(zip((feature.name for feature in model.features), raw[row].tolist()))
        values = np.array(list(harmonised(model, named, str(site)).values()))
        assert values.tobytes() == np.array(kept).tobytes()
        score = model.intercept + model.standardised(values[None])[0] @ model.coefficients
        assert score == pytest.approx(trained.learned.score.score(trained.prepared.values)[row], abs=1e-12)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("site", "told"), [(None, "none is given"), ("", "none is given"), ("Rome", "Rome is none of them")]
)
def test_a_case_without_a_site_or_of_an_unknown_one_is_refused(model: Model, site: str | None, told: str) -> None:
    with pytest.raises(HarmonisationError, match=f"knows Alpha, Beta; {told}") as error:
        harmonised(model, {feature.name: 0.0 for feature in model.features}, site)
    assert error.value.remedy
