"""The content of ``study.json``: everything that report, figures and tables need, and no identifier of a case."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_serializer, model_validator

from HabitatRadiomicsLib.model.document import CutOff, Endpoint
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import Finite, Part, Row, Share
from HabitatRadiomicsLib.protocol.frozen_habitats import ChoiceOfK
from HabitatRadiomicsLib.reporting.document import sections
from HabitatRadiomicsLib.reporting.document.figure_numbers import Count, FigureNumbers, Known, KnownRow
from HabitatRadiomicsLib.statistics.characteristics import Characteristic

#: Format 1 had no numbers of figures and is not read.
FORMAT_VERSION: Literal[2] = 2


class Exclusions(Part):
    """Cases that were left out for one reason."""

    reason: str
    cases: Count


class Flow(Part):
    """From the tables to the analysis."""

    cases: Count
    excluded: tuple[Exclusions, ...]
    analysed: int = Field(ge=1)
    events: Count

    @model_validator(mode="after")
    def _no_more_events_than_cases(self) -> Flow:
        if self.events > self.analysed:
            raise ValueError("there are more events than cases that were analysed")
        return self


class ModelTerm(Part):
    """A term of a linear score, or an input of a classifier."""

    name: str
    mean: Known
    sd: Known
    coefficient: Known


class ClassifierSummary(Part):
    """A classifier and the names of its inputs."""

    name: str
    inputs: tuple[Annotated[str, BeforeValidator(lambda row: getattr(row, "name", row))], ...]


class Reference(Part):
    """The cohort that means and standard deviations of published coefficients were taken from."""

    description: str
    cases: Count
    excluded: Count


class ModelSummary(Part):
    """The model's score."""

    name: str
    features: tuple[ModelTerm, ...] = Field(min_length=1)
    intercept: Known
    classifier: ClassifierSummary | None
    reference: Reference | None
    cutoff: CutOff

    @field_serializer("cutoff")
    def _with_nulls(self, cutoff: CutOff) -> dict[str, Any]:
        return cutoff.model_dump(mode="json")


class ProblemCount(Part):
    """The number of cases that had a problem."""

    step: str
    count: Count
    problem: str


class Permutation(Part):
    """The AUC against those of permuted outcomes."""

    observed: Finite
    p: Share
    count: Count


class Optimism(Part):
    """Harrell's optimism of the apparent AUC."""

    apparent: Finite
    optimism: Finite
    corrected: Finite
    count: Count


class LearningCurvePoint(Part):
    """Held-out AUC of trainings on fewer cases."""

    cases: Count
    auc_mean: Finite
    auc_sd: Finite


class FoldChoice(Part):
    """The choice of one outer fold, the AUCs it was made by, and the features that each candidate selected."""

    repeat: int = Field(ge=1)
    fold: int = Field(ge=1)
    chosen: str | None
    inner_auc: dict[str, Known]
    features: dict[str, tuple[str, ...]]


class ReliabilityOfKind(Part):
    """Intraclass correlations over one kind of repeated measurement, in the order of the features."""

    icc: KnownRow
    low: KnownRow
    high: KnownRow
    cases: tuple[Count, ...]


class Reliability(Part):
    """The reliability of every feature, by kind of repeated measurement."""

    features: tuple[str, ...]
    kept: tuple[bool, ...]
    kinds: dict[str, ReliabilityOfKind]

    @model_validator(mode="after")
    def _one_length(self) -> Reliability:
        columns = [self.kept, *(column for kind in self.kinds.values() for _, column in kind)]
        if any(len(column) != len(self.features) for column in columns):
            raise ValueError("every feature needs its correlations")
        return self


class MissingFigure(Part):
    """A figure that belongs to the study and cannot be drawn."""

    figure: str
    problem: str


def _of_one_length(curve: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    if not {"thresholds", "model", "treat_all"} <= set(curve) or len({len(values) for values in curve.values()}) != 1:
        raise ValueError("'decision_curve' needs thresholds, model and treat_all, all of one length")
    return curve


#: Net benefit by threshold probability: of the model, of treating everybody, and of other scores by name.
DecisionCurve = Annotated[dict[str, Row], AfterValidator(_of_one_length)]


class Study(Part):
    """The parts that studies of both kinds have."""

    format_version: Literal[2]
    title: str
    notice: str
    endpoint: Endpoint
    protocol: Protocol
    versions: dict[str, str]
    engine: str
    seed: int
    inputs: dict[Literal["cohort_sha256"], str]
    """Digests of the inputs."""
    flow: Flow
    characteristics: tuple[Characteristic, ...]

    @field_serializer("protocol")
    def _complete_protocol(self, protocol: Protocol) -> dict[str, object]:
        return protocol.document()

    def document(self) -> dict[str, Any]:
        """The study as plain data, without the parts that were never set."""
        return self.model_dump(mode="json", exclude_unset=True)


class TrainingStudy(Study):
    """A model from a cohort, and its performance in nested cross-validation; null: not requested, or there is none."""

    sample_size: dict[Literal["lines"], tuple[str, ...]]
    """Whether the cohort is large enough, in sentences."""
    validation: sections.NestedPerformance
    calibration: sections.Calibration | None
    calibration_problem: str | None = None
    decision_curve: DecisionCurve
    selection_frequency: tuple[sections.FrequencyRow, ...]
    robustness: sections.Robustness | None
    harmonisation: sections.Harmonisation | None
    habitats: dict[str, ChoiceOfK]
    habitat_tests: tuple[sections.HabitatTest, ...]
    search: sections.Search | None
    scouts: sections.Scouts | None
    fusion: sections.Fusion | None
    nomogram: sections.Nomogram | None
    network: sections.Network | None
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


class ExternalStudy(Study):
    """A frozen model on cases that had no part in it."""

    validation: sections.ExternalPerformance
    calibration: sections.Calibration | None
    calibration_problem: str | None = None
    decision_curve: DecisionCurve | None
    nomogram: sections.Nomogram | None
    model: ModelSummary
    problems: tuple[ProblemCount, ...]
    warnings: tuple[str, ...]
    figures_not_drawn: tuple[MissingFigure, ...]
    figures: FigureNumbers
