"""What ``study.json`` says: all that report, figures and tables are made of, and no identifier of a case."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from HabitatRadiomicsLib.model.document import CutOff, Endpoint
from HabitatRadiomicsLib.model.nomogram import CalibrationCurve, HosmerLemeshow, UnivariateLine
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK
from HabitatRadiomicsLib.reporting.document.figure_numbers import FigureNumbers

#: Format 1 had no numbers of figures.
OLDEST_FORMAT = 2
FORMAT_VERSION: Literal[2] = 2

_Finite = Annotated[float, Field(allow_inf_nan=False)]
#: Null where there is none: of too few cases, or an interval without an end.
_Known = _Finite | None
_Share = Annotated[float, Field(ge=0, le=1)]
_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Inputs(_Part):
    """Digests of what the study was made from."""

    cohort_sha256: str


class Exclusions(_Part):
    """Cases that were left out for one reason."""

    reason: str
    cases: _Count


class Flow(_Part):
    """From the tables to the analysis."""

    cases: _Count
    excluded: tuple[Exclusions, ...]
    analysed: int = Field(ge=1)
    events: _Count

    @model_validator(mode="after")
    def _no_more_events_than_cases(self) -> Flow:
        if self.events > self.analysed:
            raise ValueError("there are more events than cases that were analysed")
        return self


class Group(_Part):
    """A characteristic within a group: a summary of numbers, or cases of each level."""

    cases: _Count
    missing: _Count
    mean: _Known = None
    sd: _Known = None
    median: _Known = None
    lower_quartile: _Known = None
    upper_quartile: _Known = None
    counts: tuple[_Count, ...] = ()


class CharacteristicRow(_Part):
    """A row of Table 1."""

    name: str
    kind: Literal["numeric", "categorical", "text"]
    levels: tuple[str, ...]
    groups: dict[Literal["all", "negative", "positive"], Group]
    test: str | None
    p: _Share | None

    @model_validator(mode="after")
    def _complete(self) -> CharacteristicRow:
        if len(self.groups) != 3:
            raise ValueError("a characteristic has three groups: all, negative, positive")
        if self.levels and any(len(group.counts) != len(self.levels) for group in self.groups.values()):
            raise ValueError("a characteristic has a count for each level")
        return self


class SampleSize(_Part):
    """Whether the cohort is large enough, in sentences."""

    lines: tuple[str, ...]


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


class ModelTerm(_Part):
    """A term of the score, or what a classifier is given."""

    name: str
    mean: _Known
    sd: _Known
    coefficient: _Known


class ClassifierSummary(_Part):
    """A classifier and the names of its inputs."""

    name: str
    inputs: tuple[str, ...]


class Reference(_Part):
    """The cohort that published coefficients took their means and standard deviations from."""

    description: str
    cases: _Count
    excluded: _Count


class ModelSummary(_Part):
    """The score itself."""

    name: str
    features: tuple[ModelTerm, ...] = Field(min_length=1)
    intercept: _Known
    classifier: ClassifierSummary | None
    reference: Reference | None
    cutoff: CutOff


class ProblemCount(_Part):
    """How many cases had a problem."""

    step: str
    count: _Count
    problem: str


class Permutation(_Part):
    """The AUC against those of permuted outcomes."""

    observed: _Finite
    p: _Share
    count: _Count


class Optimism(_Part):
    """Harrell's optimism of the apparent AUC."""

    apparent: _Finite
    optimism: _Finite
    corrected: _Finite
    count: _Count


class LearningCurvePoint(_Part):
    """Held-out AUC of trainings on fewer cases."""

    cases: _Count
    auc_mean: _Finite
    auc_sd: _Finite


class FoldChoice(_Part):
    """What one outer fold chose, by what, and what each of its candidates selected."""

    repeat: int = Field(ge=1)
    fold: int = Field(ge=1)
    chosen: str | None
    inner_auc: dict[str, _Known]
    features: dict[str, tuple[str, ...]]


class ReliabilityOfKind(_Part):
    """Intraclass correlations over one kind of repeated measurement, in the order of the features."""

    icc: tuple[_Known, ...]
    low: tuple[_Known, ...]
    high: tuple[_Known, ...]
    cases: tuple[_Count, ...]


class Reliability(_Part):
    """How reliable every feature is."""

    features: tuple[str, ...]
    kept: tuple[bool, ...]
    kinds: dict[str, ReliabilityOfKind]

    @model_validator(mode="after")
    def _one_length(self) -> Reliability:
        columns = [self.kept, *(column for kind in self.kinds.values() for _, column in kind)]
        if any(len(column) != len(self.features) for column in columns):
            raise ValueError("every feature needs its correlations")
        return self


class MissingFigure(_Part):
    """A figure that belongs to the study and cannot be drawn."""

    figure: str
    problem: str


class Study(_Part):
    """What the studies of both kinds say."""

    format_version: Literal[2] = FORMAT_VERSION
    title: str
    notice: str
    endpoint: Endpoint
    protocol: Protocol
    versions: dict[str, str]
    engine: str
    seed: int
    inputs: Inputs
    flow: Flow
    characteristics: tuple[CharacteristicRow, ...]

    @field_serializer("protocol")
    def _complete_protocol(self, protocol: Protocol) -> dict[str, object]:
        return protocol.document()

    def document(self) -> dict[str, Any]:
        """The study as plain data, as it was given."""
        return self.model_dump(mode="json", exclude_unset=True)


class TrainingStudy(Study):
    """A model from a cohort, and how good it is by nested cross-validation; null: not asked for, or none."""

    sample_size: SampleSize
    validation: NestedPerformance
    calibration: Calibration | None
    calibration_problem: str | None = None
    decision_curve: dict[str, tuple[_Finite, ...]]
    selection_frequency: tuple[FrequencyRow, ...]
    robustness: Robustness | None
    harmonisation: Harmonisation | None
    habitats: dict[str, ChoiceOfK]
    habitat_tests: tuple[HabitatTest, ...]
    search: Search | None
    scouts: Scouts | None
    fusion: Fusion | None
    nomogram: Nomogram | None
    network: Network | None
    model: ModelSummary
    problems: tuple[ProblemCount, ...]
    warnings: tuple[str, ...]
    permutation: Permutation | None
    optimism: Optimism | None
    learning_curve: tuple[LearningCurvePoint, ...] | None
    figures_not_drawn: tuple[MissingFigure, ...]
    folds: tuple[FoldChoice, ...]
    reliability: Reliability | None
    figures: FigureNumbers

    @model_validator(mode="after")
    def _curves_fit(self) -> TrainingStudy:
        _check_curve(self.decision_curve)
        return self


class ExternalStudy(Study):
    """A frozen model on cases that had no part in it."""

    validation: ExternalPerformance
    calibration: Calibration | None
    calibration_problem: str | None = None
    decision_curve: dict[str, tuple[_Finite, ...]] | None
    nomogram: Nomogram | None
    model: ModelSummary
    problems: tuple[ProblemCount, ...]
    warnings: tuple[str, ...]
    figures_not_drawn: tuple[MissingFigure, ...]
    figures: FigureNumbers

    @model_validator(mode="after")
    def _curves_fit(self) -> ExternalStudy:
        _check_curve(self.decision_curve)
        return self


def _check_curve(curve: dict[str, tuple[float, ...]] | None) -> None:
    if curve is None:
        return
    if not {"thresholds", "model", "treat_all"} <= set(curve) or len({len(values) for values in curve.values()}) != 1:
        raise ValueError("'decision_curve' needs thresholds, model and treat_all, all of one length")
