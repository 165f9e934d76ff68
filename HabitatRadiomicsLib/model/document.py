"""The content of a model file."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from HabitatRadiomicsLib import EVIDENCE_IN_WORDS
from HabitatRadiomicsLib.errors import ModelError
from HabitatRadiomicsLib.features import FeatureName, parse
from HabitatRadiomicsLib.features.catalogue import CLINICAL
from HabitatRadiomicsLib.features.delta import DELTA, measured_names
from HabitatRadiomicsLib.features.harmonisation import CombatParameters
from HabitatRadiomicsLib.model.nomogram import NomogramPart
from HabitatRadiomicsLib.protocol import ClassifierName, Protocol
from HabitatRadiomicsLib.protocol.base import NAME_PATTERN, Finite, Part, Positive

FORMAT_VERSION: Literal[1] = 1

EvidenceKind = Literal["trained-on-patients", "published-coefficients", "synthetic-demonstration"]


class Endpoint(Part):
    """The endpoint that the score predicts."""

    name: str
    positive: str
    """What a score at or above the cut-off is called."""
    negative: str


class Performance(Part):
    """How well the score separated the outcomes, and how that was estimated."""

    auc: Finite
    auc_low: Finite
    auc_high: Finite
    method: str


class Evidence(Part):
    """The evidence for the model."""

    kind: EvidenceKind
    cohort: str
    cases: int = Field(ge=2)
    excluded: int = Field(0, ge=0)
    """Cases of the cohort that could not be measured and are missing from ``cases``."""
    events: int | None = Field(ge=1)
    """Null: the publication does not state it."""
    sites: tuple[str, ...] = ()
    licence: str
    attribution: str = ""
    performance: Performance | None = None

    @property
    def in_words(self) -> str:
        """The kind of evidence in words."""
        return EVIDENCE_IN_WORDS[self.kind]


class ModelFeature(Part):
    """One term of a linear score, ``coefficient * (value - mean) / sd``, or one input of a classifier."""

    name: str
    """A feature's column, or a clinical one: ``clinical:age``, ``clinical:visceral=yes`` (1 or 0)."""
    mean: Finite | None
    """Null, like ``sd``, ``minimum`` and ``maximum``, if the publication does not state it: see ``reference``."""
    sd: Positive | None
    coefficient: Finite | None
    """Null: a classifier has none."""
    minimum: Finite | None
    """Of the training cases; a value outside draws a warning."""
    maximum: Finite | None

    @property
    def is_clinical(self) -> bool:
        """Whether the feature is a clinical variable, not measured in an image."""
        return self.name.startswith(CLINICAL)

    @property
    def parsed(self) -> FeatureName:
        """The parts of the name of a measured feature."""
        return parse(self.name)


class ReferenceCohort(Part):
    """The source of means and SD that a publication does not give."""

    description: str
    cases: int = Field(ge=2)
    excluded: int = Field(0, ge=0)
    """Cases of it that could not be measured."""
    features_sha256: str
    """Of the measured values."""


class ClassifierInput(Part):
    """One input of a classifier, ``intercept + sum weight * z`` of some features: a feature or a rad-score."""

    name: str
    intercept: Finite
    weights: dict[str, Finite] = Field(min_length=1)
    """By feature."""


class FrozenClassifier(Part):
    """A classifier that is not linear. Its score is its decision function, or the log-odds of its probability."""

    name: ClassifierName
    inputs: tuple[ClassifierInput, ...] = Field(min_length=1, max_length=12)
    """Few enough for exact Shapley values."""
    estimator: str
    """scikit-learn's, by skops, as base64; only types on this library's list are loaded."""


class OperatingPoint(Part):
    """Performance at a cut-off in a set of cases, 0 to 1."""

    sensitivity: Finite
    specificity: Finite


class CutOff(Part):
    """Scores at or above the value are called positive."""

    value: Finite
    rule: str
    training: OperatingPoint | None = None
    """On the training cases: optimistic."""
    held_out: OperatingPoint | None = None
    """On the held-out cases of the cross-validation, with their scores on the same scale."""


class Calibration(Part):
    """``probability = 1 / (1 + exp(-(intercept + slope * score)))``."""

    slope: Positive
    """A model whose score decreases with the outcome has no calibration and gives no probability."""
    intercept: Finite
    covariance: tuple[tuple[Finite, Finite], tuple[Finite, Finite]]
    """Of (slope, intercept)."""
    method: str


class Model(Part):
    """Everything that a score needs, from the protocol to the background of its explanation."""

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    title: str
    intended_use: str
    endpoint: Endpoint
    evidence: Evidence
    protocol: Protocol
    """The full protocol, with the frozen habitats of each sequence under ``population``."""
    features: tuple[ModelFeature, ...] = Field(min_length=1)
    intercept: Finite | None
    """Null: a classifier has none."""
    classifier: FrozenClassifier | None = None
    """Null: the score is linear."""
    nomogram: NomogramPart | None = None
    """Null: no clinical factor is in the score."""
    cutoff: CutOff
    calibration: Calibration | None
    """Null: held-out scores did not increase with the outcome, or none are known; no probability is given."""
    coefficient_covariance: tuple[tuple[Finite, ...], ...] | None
    """Of (intercept, coefficients) over bootstrap refits, for the interval of the score; null: no interval."""
    combat: CombatParameters | None = None
    """Harmonisation of sites. Background and ranges are then harmonised, and cases of other sites are not scored."""
    reference: ReferenceCohort | None = None
    """For published coefficients: the cohort that means, SD and background come from."""
    background: tuple[tuple[Finite, ...], ...]
    """The training cases' feature values, one row each: the reference of the explanation."""
    versions: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> Model:
        names = [feature.name for feature in self.features]
        if len(set(names)) != len(names):
            raise ValueError("each feature may be listed only once")
        if any(len(row) != len(names) for row in self.background):
            raise ValueError("every row of 'background' needs one value per feature")
        self._check_score(names)
        self._check_scale()
        moments = self.protocol.timepoints
        known = () if moments is None else (*moments.names, DELTA)
        for name in self.measured_features:
            if (name.timepoint not in known) if known else name.timepoint:
                points = ", ".join(known) or "it has none"
                raise ValueError(f"{name} does not fit the protocol's time points ({points})")
            if name.region.startswith("S"):
                habitats = self.protocol.population.get(name.sequence)
                if habitats is None:
                    raise ValueError(f"{name} needs the habitats of {name.sequence}, which the protocol lacks")
                if name.region not in habitats.names:
                    raise ValueError(f"{name} needs {name.region}; the habitats are {', '.join(habitats.names)}")
        return self

    def _check_score(self, names: list[str]) -> None:
        linear = [feature.coefficient is not None for feature in self.features]
        if self.classifier is None:
            if not all(linear) or self.intercept is None:
                raise ValueError("a linear score needs 'intercept' and the 'coefficient' of every feature")
            covariance = self.coefficient_covariance
            if covariance is not None and np.shape(covariance) != (len(names) + 1, len(names) + 1):
                raise ValueError("'coefficient_covariance' needs one row and column per coefficient and the intercept")
            return
        if any(linear) or self.intercept is not None or self.coefficient_covariance is not None:
            raise ValueError("a classifier has neither 'intercept' nor coefficients")
        used = {name for row in self.classifier.inputs for name in row.weights}
        if used != set(names):
            raise ValueError("the inputs of 'classifier' must use all features, and no others")

    def _check_scale(self) -> None:
        known = [None not in (feature.mean, feature.sd, feature.minimum, feature.maximum) for feature in self.features]
        if all(known):
            if not self.background:
                raise ValueError("'background' needs a row")
        elif any(known) or self.background or self.evidence.kind != "published-coefficients":
            raise ValueError("every feature needs mean, sd, minimum and maximum")

    @property
    def needs_reference(self) -> bool:
        """Whether means and SD are still unknown: ``take-reference`` must measure a cohort before anybody is scored."""
        return not self.background

    @property
    def measured_features(self) -> tuple[FeatureName, ...]:
        """The features that come from images."""
        return tuple(feature.parsed for feature in self.features if not feature.is_clinical)

    @property
    def sequences(self) -> tuple[str, ...]:
        """The sequences that a case must have, in the order of the features; with two time points, the case's keys.

        A habitat at follow-up also needs the baseline, which defines its scale.
        """
        keys: list[str] = []
        moments = self.protocol.timepoints
        for name in self._measured:
            if name.region.startswith("S") and moments is not None and moments.habitat_scale != "own":
                keys.append(self.protocol.baseline_key(name.sequence))
            keys.append(name.key)
        return tuple(dict.fromkeys(keys))

    @property
    def _measured(self) -> tuple[FeatureName, ...]:
        """The names to measure for the features: for a change, its values at both time points."""
        timepoints = self.protocol.timepoints
        return tuple(
            dict.fromkeys(part for name in self.measured_features for part in measured_names(name, timepoints))
        )

    def measured_on(self, key: str) -> tuple[FeatureName, ...]:
        """The names to measure in one sequence, or in one key of a case with two time points."""
        return tuple(name for name in self._measured if name.key == key)

    def regions(self, key: str) -> tuple[str, ...]:
        """The regions of a sequence, or of a case's key, that the features need."""
        return tuple(dict.fromkeys(name.region for name in self.measured_on(key)))

    @property
    def is_demonstration(self) -> bool:
        """Whether the model was made without patients; every view of its score says so."""
        return self.evidence.kind == "synthetic-demonstration"

    def check_scorable(self) -> None:
        """Refuse to score with published coefficients alone.

        Raises:
            ModelError: means and SD are not known yet.
        """
        if self.needs_reference:
            raise ModelError(
                "The publication gives coefficients and no means and standard deviations: nobody can be scored yet.",
                where=self.name,
                remedy=f"Take them from a local cohort: habitat-radiomics take-reference --model "
                f"{self.name} --cohort images.csv --out referenced",
            )

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Feature values, shape (cases, features), z-scored by the training cases.

        Raises:
            ModelError: means and SD are not known yet.
        """
        self.check_scorable()
        means = np.array([feature.mean for feature in self.features], dtype=float)
        deviations = np.array([feature.sd for feature in self.features], dtype=float)
        return (np.asarray(values, dtype=float) - means) / deviations

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of a linear score per standard deviation, in the order of the features."""
        return np.array([feature.coefficient for feature in self.features], dtype=float)
