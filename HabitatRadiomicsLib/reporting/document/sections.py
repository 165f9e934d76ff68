"""Sections of a study document: performance, calibration, habitats, and the ways of learning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from HabitatRadiomicsLib.model.nomogram import CalibrationCurve, HosmerLemeshow, UnivariateLine

_Finite = Annotated[float, Field(allow_inf_nan=False)]
#: Null where there is none: of too few cases, or an interval without an end.
_Known = _Finite | None
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Confusion(_Part):
    """Cases by call and outcome, means over repeats."""

    tp: _Finite
    fp: _Finite
    tn: _Finite
    fn: _Finite


class Measures(_Part):
    """How well a score does, each measure with its interval; what a score without a cut-off lacks is missing."""

    name: str
    kind: str
    auc: _Known
    auc_low: _Known
    auc_high: _Known
    sensitivity: _Known = None
    sensitivity_low: _Known = None
    sensitivity_high: _Known = None
    specificity: _Known = None
    specificity_low: _Known = None
    specificity_high: _Known = None
    accuracy: _Known = None
    accuracy_low: _Known = None
    accuracy_high: _Known = None
    ppv: _Known = None
    ppv_low: _Known = None
    ppv_high: _Known = None
    npv: _Known = None
    npv_low: _Known = None
    npv_high: _Known = None
    f1: _Known = None
    f1_low: _Known = None
    f1_high: _Known = None
    auprc: _Known
    auprc_low: _Known
    auprc_high: _Known


class CandidateRow(Measures):
    """A score of the cross-validation; in ``empty_folds`` of its ``folds`` nothing could be learned."""

    confusion: Confusion
    empty_folds: _Count
    folds: _Count
    features: _Count | None


class FrozenRow(Measures):
    """A frozen model's score, or one that it is compared with, which has no cut-off."""

    features: _Count | None
    confusion: Confusion | None = None


class ComparisonRow(_Part):
    """DeLong's test of two scores; ``untested`` says why there is none."""

    first: str
    second: str
    difference: _Finite
    low: _Known
    high: _Known
    z: _Known
    p: _Known
    p_holm: _Known
    untested: str


class Choice(_Part):
    """The candidate of the final model, and how often each fold chose which."""

    name: str
    rule: str
    frequency: dict[str, _Count]


class NestedPerformance(_Part):
    """Held-out performance in a nested cross-validation."""

    folds: int = Field(ge=2)
    repeats: int = Field(ge=1)
    nested: bool
    frozen_habitats: bool
    habitats_from_protocol: bool
    method: str
    interval: str
    candidates: tuple[CandidateRow, ...] = Field(min_length=1)
    chosen: Choice
    only_in_some_folds: tuple[str, ...]
    no_clinical_model: bool
    comparisons: tuple[ComparisonRow, ...]
    habitats_by_fold: dict[str, dict[str, _Count]]


class ExternalPerformance(_Part):
    """Performance of a frozen model, the first of the candidates, on new cases."""

    external: Literal[True]
    method: str
    interval: str
    candidates: tuple[FrozenRow, ...] = Field(min_length=1)
    comparisons: tuple[ComparisonRow, ...]


class Calibration(_Part):
    """How far the probabilities are right; what these cases do not allow is missing."""

    slope: _Known = None
    intercept: _Known = None
    citl: _Known = None
    brier: _Known
    scaled_brier: _Known
    e_avg: _Known = None
    e_max: _Known = None
    slope_low: _Known = None
    slope_high: _Known = None
    intercept_low: _Known = None
    intercept_high: _Known = None
    citl_low: _Known = None
    citl_high: _Known = None
    spiegelhalter_p: _Known = None
    hosmer_lemeshow_statistic: _Known = None
    hosmer_lemeshow_degrees: int | None = None
    hosmer_lemeshow_p: _Known = None


class FrequencyRow(_Part):
    """How often a feature was selected."""

    feature: str
    folds: _Share
    bootstraps: _Share
    in_model: bool


class Repeated(_Part):
    """How many cases were measured again, and how many features were reliable in them."""

    kind: str
    cases: _Count
    kept: _Count


class Robustness(_Part):
    """Features that reached the threshold of the intraclass correlation."""

    threshold: float
    kept: _Count
    of: _Count
    method: str
    repeated: tuple[Repeated, ...]


class Harmonisation(_Part):
    """ComBat's settings and the sites."""

    method: str
    mean_only: bool
    reference_site: str | None
    sites: tuple[str, ...]


class HabitatTest(_Part):
    """Two neighbouring habitats, compared over the cases that have both."""

    sequence: str
    quantity: Literal["entropy", "intensity"]
    habitats: tuple[str, str]
    medians: dict[str, _Finite]
    cases: _Count
    p: _Share
    test: str


class SearchRow(_Part):
    """A combination of selector, classifier and number of features."""

    candidate: str
    selector: str
    classifier: str
    features: _Count
    auc: _Finite
    sd: _Finite
    chosen: Literal["yes", "no"]


class Search(_Part):
    """Every combination of every candidate, and how often each was the best over the outer folds."""

    candidate: str
    rows: tuple[SearchRow, ...]
    folds: _Count
    frequency: dict[str, _Count]
    selectors: dict[str, _Count]
    classifiers: dict[str, _Count]


class ScoutRow(_Part):
    """A model of one kind of image."""

    candidate: str
    image: str
    selector: str
    classifier: str
    features: _Count
    auc: _Finite
    sd: _Finite
    passed: Literal["yes", "no"]


class Scouts(_Part):
    """The scout models, and the AUC that they had to reach."""

    candidate: str
    minimum_auc: float
    rows: tuple[ScoutRow, ...]


class FusionRow(_Part):
    """A classifier of the fused score."""

    candidate: str
    classifier: str
    auc: _Finite
    sd: _Finite
    chosen: Literal["yes", "no"]


class Fusion(_Part):
    """The classifiers of a fused score and its inputs; no candidate where nothing was fused."""

    candidate: str | None
    rows: tuple[FusionRow, ...]
    folds: _Count
    frequency: dict[str, _Count]
    inputs: tuple[str, ...] = ()
    correlation: tuple[tuple[_Known, ...], ...] = ()


class UnivariateRow(UnivariateLine):
    """A clinical factor tested alone, and why it is not in the nomogram."""

    left_out: str | None


class OddsRatioRow(_Part):
    """A term of a multivariable model."""

    model: str
    term: str
    what: str
    coefficient: _Finite
    standard_error: _Finite
    odds_ratio: _Finite
    odds_ratio_low: _Known
    odds_ratio_high: _Known
    p: _Share


class LeftOut(_Part):
    """A clinical variable that is not in the nomogram."""

    variable: str
    reason: str


class Nomogram(_Part):
    """The nomogram of the model file with its odds ratios, or why there is none; of a frozen one its terms alone."""

    folds: _Count = 0
    frequency: dict[str, _Count] = Field(default_factory=dict)
    clinical_frequency: dict[str, _Count] = Field(default_factory=dict)
    problem: str | None = None
    fitted: bool
    univariate: tuple[UnivariateRow, ...] = ()
    odds_ratios: tuple[OddsRatioRow, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    intercept: _Known = None
    calibration: CalibrationCurve | None = None
    hosmer_lemeshow: HosmerLemeshow | None = None


class Network(_Part):
    """The network behind the deep features."""

    name: str
    title: str
    sha256: str
    features: _Count
