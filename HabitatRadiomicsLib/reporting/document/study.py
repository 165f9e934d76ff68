"""What ``study.json`` says: all that report, figures and tables are made of, and no identifier of a case."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer, model_validator

from HabitatRadiomicsLib.model.document import CutOff, Endpoint
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK
from HabitatRadiomicsLib.reporting.document.figure_numbers import FigureNumbers
from HabitatRadiomicsLib.reporting.document.sections import (
    Calibration,
    ExternalPerformance,
    FrequencyRow,
    Fusion,
    HabitatTest,
    Harmonisation,
    NestedPerformance,
    Network,
    Nomogram,
    Robustness,
    Scouts,
    Search,
)

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
