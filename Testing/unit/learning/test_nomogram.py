"""The nomogram finds planted factors and leaves noise out; its fit against Newton's method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from HabitatRadiomicsLib.errors import LearningError
from HabitatRadiomicsLib.learning.nomogram import Nomogram, fit_clinical_model, fit_nomogram
from HabitatRadiomicsLib.protocol import NomogramSettings

_SETTINGS = NomogramSettings()


def _cohort(seed: int = 5, cases: int = 160) -> tuple[np.ndarray, list[dict[str, str]], np.ndarray]:
    """The rad-score, age and visceral metastases matter, height and side do not; the shadow is age once more."""
    generator = np.random.default_rng(seed)
    score, age = generator.normal(size=cases), np.round(generator.normal(60, 9, cases))
    visceral = generator.random(cases) < 0.4
    linear = -0.6 + score + 0.1 * (age - 60) + 1.8 * visceral
    outcome = (generator.random(cases) < 1 / (1 + np.exp(-linear))).astype(int)
    shadow = np.round(age + generator.normal(0, 6, cases))
    height, side = np.round(generator.normal(170, 9, cases)), generator.choice(["left", "right"], cases)
    rows = [
        {"age": f"{a:.0f}", "visceral": "yes" if v else "no", "shadow": f"{s:.0f}", "height": f"{h:.0f}", "side": e}
        for a, v, s, h, e in zip(age, visceral, shadow, height, side)
    ]
    return score, rows, outcome


def _fitted(**changes: Any) -> Nomogram:
    score, rows, outcome = _cohort()
    return fit_nomogram(score, rows, outcome, NomogramSettings(**changes))


def test_planted_factors_are_found_and_noise_is_left_out() -> None:
    fitted = _fitted()
    assert fitted.terms[0] == "rad-score"
    assert set(fitted.terms[1:]) == {"clinical:age", "clinical:visceral=yes"}
    assert set(fitted.left_out) == {"shadow", "height", "side"}
    assert "in the multivariable model" in fitted.left_out["shadow"]  # it differs alone, and not beside age
    assert "in the univariate test" in fitted.left_out["height"]
    assert [row.factor for row in fitted.univariate] == ["age", "visceral", "shadow", "height", "side"]
    assert {row.term for row in fitted.multivariable} == {*fitted.terms, "clinical:shadow"}
    planted = {"rad-score": 1.0, "clinical:age": 0.1, "clinical:visceral=yes": 1.8}
    assert dict(zip(fitted.terms, fitted.model.coefficients)) == pytest.approx(planted, abs=0.15)


def test_final_model_is_the_likeliest_of_its_terms() -> None:
    score, rows, outcome = _cohort()
    fitted = _fitted()
    values = {
        "rad-score": score,
        "clinical:age": np.array([float(row["age"]) for row in rows]),
        "clinical:visceral=yes": np.array([float(row["visceral"] == "yes") for row in rows]),
    }
    design = np.column_stack([np.ones(len(score)), *(values[term] for term in fitted.terms)])
    linear = fitted.linear(score, rows)
    assert linear == pytest.approx(design @ [fitted.model.intercept, *fitted.model.coefficients])
    assert design.T @ (outcome - 1 / (1 + np.exp(-linear))) == pytest.approx(np.zeros(design.shape[1]), abs=1e-8)
    assert fitted.probability(score, rows) == pytest.approx(1 / (1 + np.exp(-linear)))
    assert fitted.linear_range == (linear.min(), linear.max())
    assert fitted.rad_score_range == (score.min(), score.max())
    assert fitted.probability(score, rows).sum() == pytest.approx(outcome.sum())  # as every fit with an intercept


def test_smallest_p_comes_first_whatever_the_order_of_the_table() -> None:
    score, rows, outcome = _cohort()
    turned = [dict(reversed(row.items())) for row in rows]
    assert fit_nomogram(score, turned, outcome, _SETTINGS).terms == _fitted().terms


def test_missing_values_are_those_of_training() -> None:
    score, rows, outcome = _cohort()
    for place in range(0, 40, 5):
        rows[place]["age"], rows[place]["visceral"] = "NA", ""
    fitted = fit_nomogram(score, rows, outcome, _SETTINGS)
    ages = sorted(float(row["age"]) for row in rows if row["age"] != "NA")
    middle = f"{np.median(ages)}"
    asked = np.zeros(2)
    usual = fitted.linear(asked, [{"age": middle, "visceral": "no"}] * 2)
    assert fitted.linear(asked, [{"age": "", "visceral": "nan"}, {}]) == pytest.approx(usual)


def test_settings_limit_the_factors_and_their_p() -> None:
    assert _fitted(factors=("height", "visceral")).terms == ("rad-score", "clinical:visceral=yes")
    assert _fitted(factors=()).terms == ("rad-score",)
    everything = _fitted(univariate_significance=1.0, multivariable_significance=1.0)
    assert len(everything.terms) == 6
    assert everything.left_out == {}
    assert _fitted(univariate_significance=1e-12).terms == ("rad-score",)


def test_a_factor_that_separates_the_outcomes_is_left_out_with_the_reason() -> None:
    score, rows, outcome = _cohort()
    for row, label, number in zip(rows, outcome, range(160)):
        row["marker"] = "positive" if label and number % 3 else "negative"  # never without the outcome
    fitted = fit_nomogram(score, rows, outcome, _SETTINGS)
    assert "clinical:marker=positive" not in fitted.terms
    assert "separate the outcomes" in fitted.left_out["marker"]
    assert "clinical:age" in fitted.terms
    assert max(row.ratio()[2] for row in fitted.multivariable) < 100


def test_a_copy_of_a_factor_is_left_out_with_the_reason() -> None:
    score, rows, outcome = _cohort()
    for row in rows:
        row["months"] = str(12 * int(row["age"]))
    fitted = fit_nomogram(score, rows, outcome, _SETTINGS)
    assert "clinical:age" in fitted.terms
    assert "depend on one another" in fitted.left_out["months"]


def test_all_levels_of_a_factor_stay_or_go_together() -> None:
    score, rows, outcome = _cohort()
    generator = np.random.default_rng(1)
    for row, label in zip(rows, outcome):
        row["stage"] = generator.choice(["I", "II", "III"], p=[0.2, 0.3, 0.5] if label else [0.6, 0.3, 0.1])
    terms = fit_nomogram(score, rows, outcome, _SETTINGS).terms
    assert sum(term.startswith("clinical:stage=") for term in terms) == 2


def test_clinical_model_is_the_same_without_the_rad_score() -> None:
    score, rows, outcome = _cohort()
    model = fit_clinical_model(rows, outcome, _SETTINGS)
    assert model is not None
    assert set(model.terms) == {"clinical:age", "clinical:visceral=yes"}
    assert model.rad_score_range is None
    assert model.linear(None, rows).shape == (160,)
    with pytest.raises(LearningError, match="does not use them"):
        model.linear(score, rows)
    with pytest.raises(LearningError, match="needs rad-scores"):
        _fitted().linear(None, rows)


def test_noise_alone_has_no_clinical_model() -> None:
    _, rows, outcome = _cohort()
    assert fit_clinical_model(rows, outcome, NomogramSettings(factors=("height", "side"))) is None
    assert fit_clinical_model([{}] * 160, outcome, _SETTINGS) is None


def test_same_input_has_the_same_bytes() -> None:
    first, again = _fitted(), _fitted()
    assert first.model.coefficients.tobytes() == again.model.coefficients.tobytes()
    assert first.model.covariance.tobytes() == again.model.covariance.tobytes()
    assert first.univariate == again.univariate


def test_what_cannot_be_fitted_is_told() -> None:
    score, rows, outcome = _cohort()
    with pytest.raises(LearningError, match="160 cases needs a finite rad-score"):
        fit_nomogram(score[:-1], rows, outcome, _SETTINGS)
    with pytest.raises(LearningError, match="finite rad-score"):
        fit_nomogram(np.full(160, np.nan), rows, outcome, _SETTINGS)
    with pytest.raises(LearningError, match="rad-score has no odds ratios: a term does not vary"):
        fit_nomogram(np.ones(160), [{}] * 160, outcome, _SETTINGS)
    with pytest.raises(LearningError, match="rad-score has no odds ratios: its terms separate"):
        fit_nomogram(outcome + 0.1 * score / np.abs(score).max(), rows, outcome, _SETTINGS)
    with pytest.raises(LearningError, match="same outcome"):
        fit_nomogram(score, rows, np.zeros(160), _SETTINGS)
    with pytest.raises(LearningError, match="no column grade"):
        fit_nomogram(score, rows, outcome, NomogramSettings(factors=("grade",)))
