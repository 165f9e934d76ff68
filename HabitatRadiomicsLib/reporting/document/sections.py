"""Sections of a study document: performance, calibration, habitats, and the ways of learning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from HabitatRadiomicsLib.model.nomogram import CalibrationCurve, HosmerLemeshow, UnivariateLine
from HabitatRadiomicsLib.protocol.base import Finite, Part, Share
from HabitatRadiomicsLib.reporting.document.figure_numbers import Count, Known


class Confusion(Part):
    """Cases by call and outcome, means over repeats."""

    tp: Finite
    fp: Finite
    tn: Finite
    fn: Finite


class Measures(Part):
    """Performance of a score with intervals; a score without a cut-off lacks the measures that need one."""

    name: str
    kind: str
    auc: Known
    auc_low: Known
    auc_high: Known
    sensitivity: Known = None
    sensitivity_low: Known = None
    sensitivity_high: Known = None
    specificity: Known = None
    specificity_low: Known = None
    specificity_high: Known = None
    accuracy: Known = None
    accuracy_low: Known = None
    accuracy_high: Known = None
    ppv: Known = None
    ppv_low: Known = None
    ppv_high: Known = None
    npv: Known = None
    npv_low: Known = None
    npv_high: Known = None
    f1: Known = None
    f1_low: Known = None
    f1_high: Known = None
    auprc: Known
    auprc_low: Known
    auprc_high: Known


class CandidateRow(Measures):
    """A score of the cross-validation; nothing could be learned in ``empty_folds`` of its ``folds``."""

    confusion: Confusion
    empty_folds: Count
    folds: Count
    features: Count | None


class FrozenRow(Measures):
    """A frozen model's score, or a score that it is compared with, which has no cut-off."""

    features: Count | None
    confusion: Confusion | None = None


class ComparisonRow(Part):
    """DeLong's test of two scores; ``untested`` gives the reason if there is no test."""

    first: str
    second: str
    difference: Finite
    low: Known
    high: Known
    z: Known
    p: Known
    p_holm: Known
    untested: str


class Choice(Part):
    """The candidate of the final model, and how many folds chose each candidate."""

    name: str
    rule: str
    frequency: dict[str, Count]


class NestedPerformance(Part):
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
    habitats_by_fold: dict[str, dict[str, Count]]


class ExternalPerformance(Part):
    """Performance of a frozen model, the first of the candidates, on new cases."""

    external: Literal[True]
    method: str
    interval: str
    candidates: tuple[FrozenRow, ...] = Field(min_length=1)
    comparisons: tuple[ComparisonRow, ...]


class Calibration(Part):
    """Calibration of the probabilities; measures that these cases do not allow are missing."""

    slope: Known = None
    intercept: Known = None
    citl: Known = None
    brier: Known
    scaled_brier: Known
    e_avg: Known = None
    e_max: Known = None
    slope_low: Known = None
    slope_high: Known = None
    intercept_low: Known = None
    intercept_high: Known = None
    citl_low: Known = None
    citl_high: Known = None
    spiegelhalter_p: Known = None
    hosmer_lemeshow_statistic: Known = None
    hosmer_lemeshow_degrees: int | None = None
    hosmer_lemeshow_p: Known = None


class FrequencyRow(Part):
    """How often a feature was selected."""

    feature: str
    folds: Share
    bootstraps: Share
    in_model: bool


class Repeated(Part):
    """The number of cases that were measured again, and of features that were reliable in them."""

    kind: str
    cases: Count
    kept: Count


class Robustness(Part):
    """Features that reached the threshold of the intraclass correlation."""

    threshold: float
    kept: Count
    of: Count
    method: str
    repeated: tuple[Repeated, ...]


class Harmonisation(Part):
    """ComBat's settings and the sites."""

    method: str
    mean_only: bool
    reference_site: str | None
    sites: tuple[str, ...]


class HabitatTest(Part):
    """Comparison of two neighbouring habitats over the cases that have both."""

    sequence: str
    quantity: Literal["entropy", "intensity"]
    habitats: tuple[str, str]
    medians: dict[str, Finite]
    cases: Count
    p: Share
    test: str


class SearchRow(Part):
    """A combination of selector, classifier and number of features."""

    candidate: str
    selector: str
    classifier: str
    features: Count
    auc: Finite
    sd: Finite
    chosen: Literal["yes", "no"]


class Search(Part):
    """Every combination of every candidate, and how often each was the best over the outer folds."""

    candidate: str
    rows: tuple[SearchRow, ...]
    folds: Count
    frequency: dict[str, Count]
    selectors: dict[str, Count]
    classifiers: dict[str, Count]


class ScoutRow(Part):
    """A scout model, trained on one kind of image."""

    candidate: str
    image: str
    selector: str
    classifier: str
    features: Count
    auc: Finite
    sd: Finite
    passed: Literal["yes", "no"]


class Scouts(Part):
    """The scout models, and the AUC required of them."""

    candidate: str
    minimum_auc: float
    rows: tuple[ScoutRow, ...]


class FusionRow(Part):
    """A classifier of the fused score."""

    candidate: str
    classifier: str
    auc: Finite
    sd: Finite
    chosen: Literal["yes", "no"]


class Fusion(Part):
    """The classifiers of a fused score and its inputs; no candidate where nothing was fused."""

    candidate: str | None
    rows: tuple[FusionRow, ...]
    folds: Count
    frequency: dict[str, Count]
    inputs: tuple[str, ...] = ()
    correlation: tuple[tuple[Known, ...], ...] = ()


class UnivariateRow(UnivariateLine):
    """A clinical factor tested alone, and the reason if it is not in the nomogram."""

    left_out: str | None


class OddsRatioRow(Part):
    """A term of a multivariable model."""

    model: str
    term: str
    what: str
    coefficient: Finite
    standard_error: Finite
    odds_ratio: Finite
    odds_ratio_low: Known
    odds_ratio_high: Known
    p: Share


class LeftOut(Part):
    """A clinical variable that is not in the nomogram."""

    variable: str
    reason: str


class Nomogram(Part):
    """The nomogram of the model file with its odds ratios, or why there is none; of a frozen one its terms only."""

    folds: Count = 0
    frequency: dict[str, Count] = Field(default_factory=dict)
    clinical_frequency: dict[str, Count] = Field(default_factory=dict)
    problem: str | None = None
    fitted: bool
    univariate: tuple[UnivariateRow, ...] = ()
    odds_ratios: tuple[OddsRatioRow, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    intercept: Known = None
    calibration: CalibrationCurve | None = None
    hosmer_lemeshow: HosmerLemeshow | None = None


class Network(Part):
    """The network behind the deep features."""

    name: str
    title: str
    sha256: str
    features: Count
