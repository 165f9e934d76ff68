"""What a model file says."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from HabitatRadiomicsLib.features import FeatureName, parse
from HabitatRadiomicsLib.features.combat_parameters import CombatParameters
from HabitatRadiomicsLib.features.delta import DELTA, parts_of
from HabitatRadiomicsLib.model_card import EVIDENCE_IN_WORDS
from HabitatRadiomicsLib.protocol import HabitatModel, Protocol
from HabitatRadiomicsLib.protocol.base import NAME_PATTERN

FORMAT_VERSION: Literal[1] = 1

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


EvidenceKind = Literal["trained-on-patients", "published-coefficients", "synthetic-demonstration"]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(_Part):
    """What the score speaks of."""

    name: str
    positive: str
    """What a score at or above the cut-off is called."""
    negative: str


class Performance(_Part):
    """How well the score separated the outcomes, and how that was found."""

    auc: _Finite
    auc_low: _Finite
    auc_high: _Finite
    method: str


class Evidence(_Part):
    """What stands behind the model."""

    kind: EvidenceKind
    cohort: str
    cases: int = Field(ge=2)
    excluded: int = Field(0, ge=0)
    """Cases of the cohort that could not be measured and are missing from ``cases``."""
    events: int = Field(ge=1)
    sites: tuple[str, ...] = ()
    licence: str
    attribution: str = ""
    performance: Performance | None = None

    @property
    def in_words(self) -> str:
        """The kind as a reader would say it."""
        return EVIDENCE_IN_WORDS[self.kind]


class ModelFeature(_Part):
    """One term of the rad-score: ``coefficient * (value - mean) / sd``."""

    name: str
    mean: _Finite
    sd: _Positive
    coefficient: _Finite
    minimum: _Finite
    """Of the training cases; a value outside draws a warning."""
    maximum: _Finite

    @property
    def parsed(self) -> FeatureName:
        """The parts of the name."""
        return parse(self.name)


class OperatingPoint(_Part):
    """What a cut-off does to a set of cases, 0 to 1."""

    sensitivity: _Finite
    specificity: _Finite


class CutOff(_Part):
    """Scores at or above the value are called positive."""

    value: _Finite
    rule: str
    training: OperatingPoint | None = None
    """On the cases that the score was fitted on: flattering."""
    held_out: OperatingPoint | None = None
    """On cases that the models of the cross-validation had not seen, their scores put on the same scale."""


class Calibration(_Part):
    """``probability = 1 / (1 + exp(-(intercept + slope * score)))``."""

    slope: _Positive
    """A score that falls where the outcome rises gives no probability: such a model has no calibration."""
    intercept: _Finite
    covariance: tuple[tuple[_Finite, _Finite], tuple[_Finite, _Finite]]
    """Of (slope, intercept)."""
    method: str


class Model(_Part):
    """Everything that a score needs, from the protocol to the background of its explanation."""

    format_version: Literal[1] = FORMAT_VERSION
    name: str = Field(pattern=NAME_PATTERN)
    title: str
    intended_use: str
    endpoint: Endpoint
    evidence: Evidence
    protocol: Protocol
    """With the frozen habitats of each sequence under ``population``."""
    features: tuple[ModelFeature, ...] = Field(min_length=1)
    intercept: _Finite
    cutoff: CutOff
    calibration: Calibration | None
    """Null: held-out scores did not rise with the outcome, and no probability is given."""
    coefficient_covariance: tuple[tuple[_Finite, ...], ...]
    """Of (intercept, coefficients) over bootstrap refits; gives the score its interval."""
    combat: CombatParameters | None = None
    """Harmonisation of sites. Background and ranges are then harmonised, and cases of other sites are not scored."""
    background: tuple[tuple[_Finite, ...], ...] = Field(min_length=1)
    """The training cases' feature values, one row each: the reference of the explanation."""
    versions: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> Model:
        count = len(self.features)
        names = [feature.name for feature in self.features]
        if len(set(names)) != count:
            raise ValueError("each feature may stand there once")
        if any(len(row) != count for row in self.background):
            raise ValueError("every row of 'background' needs one value per feature")
        if np.shape(self.coefficient_covariance) != (count + 1, count + 1):
            raise ValueError("'coefficient_covariance' needs one row and column per coefficient and the intercept")
        for name in (parse(name) for name in names):
            self._check_timepoint(name)
            if name.region.startswith("S"):
                habitats = self.protocol.population.get(name.sequence)
                if habitats is None:
                    raise ValueError(f"{name} needs the habitats of {name.sequence}, which the protocol lacks")
                if name.region not in habitats.names:
                    raise ValueError(f"{name} needs {name.region}; the habitats are {', '.join(habitats.names)}")
        return self

    def _check_timepoint(self, name: FeatureName) -> None:
        timepoints = self.protocol.timepoints
        known = () if timepoints is None else (*timepoints.names, DELTA)
        if (name.timepoint not in known) if known else name.timepoint:
            raise ValueError(f"{name} does not fit the protocol's time points ({', '.join(known) or 'it has none'})")

    @property
    def sequences(self) -> tuple[str, ...]:
        """The sequences that a case must have, in the order of the features; of two time points, the case's keys."""
        return tuple(dict.fromkeys(name.key for name in self._measured))

    @property
    def _measured(self) -> tuple[FeatureName, ...]:
        """What is measured for the features: of a change, its values at both time points."""
        timepoints = self.protocol.timepoints
        return tuple(dict.fromkeys(part for row in self.features for part in parts_of(row.parsed, timepoints)))

    def measured_on(self, key: str) -> tuple[FeatureName, ...]:
        """What the features need of one sequence, or of one key of a case with two time points."""
        return tuple(name for name in self._measured if name.key == key)

    @property
    def habitats(self) -> dict[str, HabitatModel]:
        """The frozen habitats by sequence."""
        return self.protocol.population

    def regions(self, key: str) -> tuple[str, ...]:
        """The regions of a sequence, or of a case's key, that the features need."""
        return tuple(dict.fromkeys(name.region for name in self.measured_on(key)))

    @property
    def is_demonstration(self) -> bool:
        """No patient behind it: every view of its score says so."""
        return self.evidence.kind == "synthetic-demonstration"

    def standardised(self, values: np.ndarray) -> np.ndarray:
        """Feature values, shape (cases, features), z-scored by the training cases."""
        means = np.array([feature.mean for feature in self.features])
        deviations = np.array([feature.sd for feature in self.features])
        return (np.asarray(values, dtype=float) - means) / deviations

    @property
    def training_scores(self) -> np.ndarray:
        """The rad-score of each training case."""
        return self.intercept + self.standardised(np.array(self.background)) @ self.coefficients

    @property
    def coefficients(self) -> np.ndarray:
        """Per standard deviation, in the order of the features."""
        return np.array([feature.coefficient for feature in self.features])
