"""Intraclass correlations against R's psych, and their intervals against simulation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import RobustnessError
from HabitatRadiomicsLib.features.reliability import intraclass_correlation
from HabitatRadiomicsLib.protocol import IccForm

_FORMS: tuple[IccForm, ...] = ("1,1", "2,1", "3,1")


@pytest.mark.parametrize(("place", "form"), list(enumerate(_FORMS)))
def test_equals_psych(place: int, form: IccForm) -> None:
    reference = json.loads((Path(__file__).parents[1] / "reference" / "r_sva_psych.json").read_text(encoding="utf-8"))[
        "icc"
    ]
    assert reference["type"][place].removeprefix("ICC") == form.removesuffix(",1")
    found = intraclass_correlation(np.array(reference["ratings"], dtype=float)[:, :, None], form)
    assert found.icc[0] == pytest.approx(reference["icc"][place], abs=1e-12)
    assert found.low[0] == pytest.approx(reference["lower"][place], abs=1e-12)
    assert found.high[0] == pytest.approx(reference["upper"][place], abs=1e-12)


def test_the_forms_are_all_tested() -> None:
    assert get_args(IccForm) == _FORMS


@pytest.mark.parametrize(
    ("form", "rater_sd", "truth"),
    [("1,1", 0.0, 0.8), ("2,1", 0.5, 4 / 5.25), ("3,1", 0.5, 0.8), ("3,1", 0.0, 0.8)],
)
def test_intervals_hold_the_truth_as_often_as_they_say(form: IccForm, rater_sd: float, truth: float) -> None:
    """Subjects with variance 4, raters and noise; the ICC of the population is known."""
    generator = np.random.default_rng(11)
    subjects, raters, repeats = 25, 4, 4000
    ratings = 2 * generator.normal(size=(subjects, 1, repeats)) + generator.normal(size=(subjects, raters, repeats))
    ratings += rater_sd * generator.normal(size=(1, raters, repeats))
    found = intraclass_correlation(ratings, form)
    assert np.median(found.icc) == pytest.approx(truth, abs=0.015)
    assert np.mean((found.low <= truth) & (truth <= found.high)) == pytest.approx(0.95, abs=0.015)
    narrow = intraclass_correlation(ratings, form, confidence=0.5)
    assert np.mean((narrow.low <= truth) & (truth <= narrow.high)) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("form", _FORMS)
def test_features_do_not_touch_each_other(form: IccForm) -> None:
    ratings = np.random.default_rng(2).normal(5, 1, (8, 3, 6)) + np.arange(8)[:, None, None] * np.linspace(0, 1, 6)
    together = intraclass_correlation(ratings, form)
    for feature in range(6):
        alone = intraclass_correlation(ratings[:, :, [feature]], form)
        np.testing.assert_allclose(
            [alone.icc[0], alone.low[0], alone.high[0]],
            [together.icc[feature], together.low[feature], together.high[feature]],
            rtol=1e-12,
        )
        assert alone.low[0] <= alone.icc[0] <= alone.high[0]


@pytest.mark.parametrize("form", _FORMS)
def test_unit_and_offset_do_not_matter(form: IccForm) -> None:
    ratings = np.random.default_rng(3).normal(size=(9, 3, 5)) + np.arange(9)[:, None, None]
    expected = intraclass_correlation(ratings, form)
    found = intraclass_correlation(ratings * 1e12 - 3e12, form)
    np.testing.assert_allclose(found.icc, expected.icc, rtol=1e-9)
    np.testing.assert_allclose(found.low, expected.low, rtol=1e-9)


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("value", [0.0, 0.1 + 0.2, 1e20])
def test_a_constant_tells_nothing(form: IccForm, value: float) -> None:
    found = intraclass_correlation(np.full((7, 3, 1), value), form)
    assert (found.icc[0], found.low[0], found.high[0]) == (0, 0, 0)


@pytest.mark.parametrize("form", _FORMS)
def test_perfect_agreement_is_one(form: IccForm) -> None:
    ratings = np.tile((np.arange(6) * 0.1)[:, None, None], (1, 4, 1))
    found = intraclass_correlation(ratings, form)
    np.testing.assert_allclose([found.icc[0], found.low[0], found.high[0]], 1)


def test_a_raters_shift_is_an_error_of_agreement_and_none_of_consistency() -> None:
    ratings = (np.arange(6.0)[:, None] + np.array([0.0, 2.0]))[:, :, None]
    assert intraclass_correlation(ratings, "3,1").icc[0] == pytest.approx(1)
    # 3.5 between subjects, raters' variance 2 (McGraw and Wong's case 2A, by hand).
    assert intraclass_correlation(ratings, "2,1").icc[0] == pytest.approx(3.5 / 5.5)
    assert intraclass_correlation(ratings, "1,1").icc[0] < intraclass_correlation(ratings, "2,1").icc[0]


def test_subjects_who_do_not_differ_give_no_reliability() -> None:
    ratings = np.tile(np.array([1.0, 1.3, 0.9])[None, :, None], (6, 1, 1))
    assert intraclass_correlation(ratings, "1,1").icc[0] == pytest.approx(-1 / 2)
    for form in ("2,1", "3,1"):
        found = intraclass_correlation(ratings, form)
        assert (found.icc[0], found.low[0], found.high[0]) == (0, 0, 0)


def test_an_undefined_rating_makes_its_feature_undefined_and_no_other() -> None:
    ratings = np.random.default_rng(4).normal(size=(6, 2, 3))
    whole = intraclass_correlation(ratings, "2,1")
    for hole in (np.nan, np.inf):
        ratings[3, 1, 1] = hole
        found = intraclass_correlation(ratings, "2,1")
        for values, expected in ((found.icc, whole.icc), (found.low, whole.low), (found.high, whole.high)):
            assert np.isnan(values).tolist() == [False, True, False]
            np.testing.assert_array_equal(values[[0, 2]], expected[[0, 2]])


@pytest.mark.parametrize("form", _FORMS)
def test_any_small_table_has_an_answer(form: IccForm) -> None:
    """Also where the agreement is far worse than chance, and degrees of freedom vanish."""
    ratings = np.random.default_rng(6).integers(0, 3, (3, 2, 20_000)).astype(float)
    found = intraclass_correlation(ratings, form)
    for values in (found.icc, found.low, found.high):
        assert not np.isnan(values).any()
    assert (found.icc <= 1 + 1e-12).all()


@pytest.mark.parametrize("shape", [(1, 3, 2), (5, 1, 2)])
def test_too_few_measurements_are_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(RobustnessError, match="at least two patients, each measured twice"):
        intraclass_correlation(np.zeros(shape), "1,1")
