"""Every exception that a user can see: what went wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial


class HabitatRadiomicsError(Exception):
    """A problem, described in sentences.

    Attributes:
        problem: what is wrong, a full sentence.
        where: the file, table row, sequence or region concerned; may be empty.
        remedy: what the user can do about it, a full sentence; may be empty.
    """

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.where = where
        self.remedy = remedy
        super().__init__(problem, where, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        # Errors are sent between processes; the default would lose the keyword arguments.
        return partial(type(self), where=self.where, remedy=self.remedy), (self.problem,)

    def __str__(self) -> str:
        problem = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{problem} {self.remedy}" if self.remedy else problem

    def at(self, where: str) -> HabitatRadiomicsError:
        """The same error with a location in front of its own."""
        where = f"{where}, {self.where}" if self.where else where
        return type(self)(self.problem, where=where, remedy=self.remedy)


class ProtocolError(HabitatRadiomicsError):
    """A protocol that cannot be read, or a setting that makes no sense."""


class ImageError(HabitatRadiomicsError):
    """An image that cannot be read or measured."""


class MaskError(HabitatRadiomicsError):
    """A mask that is missing, empty, ambiguous or too small."""


class GeometryError(HabitatRadiomicsError):
    """An image and a mask on different grids, or a grid that is not valid."""


class CohortError(HabitatRadiomicsError):
    """Cohort tables with problems, all reported together."""

    @classmethod
    def listing(cls, problems: Sequence[str], *, where: str, remedy: str = "") -> CohortError:
        """One error that names every problem of a table, one per line."""
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        return cls(f"The table has {count}:\n{lines}" + ("\n" if remedy else ""), where=where, remedy=remedy)


class RegionError(HabitatRadiomicsError):
    """A habitat, ring or lesion that cannot be found or is too small to measure."""


class FeatureError(HabitatRadiomicsError):
    """Features that cannot be computed, or names that are not features."""


class HarmonisationError(HabitatRadiomicsError):
    """Sites whose features cannot be harmonised, or a patient from an unknown site."""


class RobustnessError(HabitatRadiomicsError):
    """Repeated measurements that do not belong together, or are too few to estimate reliability."""


class LearningError(HabitatRadiomicsError):
    """Training data from which no model can be learned."""


class EvaluationError(HabitatRadiomicsError):
    """Outcomes and scores that cannot be evaluated, or too few of them."""


class ModelError(HabitatRadiomicsError):
    """A model file that is unreadable, edited, too new, or does not fit the case."""


class StudyError(HabitatRadiomicsError):
    """A study document that is missing, unreadable, edited or too new."""


class NetworkError(HabitatRadiomicsError):
    """A neural network's file that is missing, is not the expected one, or lacks a required output."""


class OutputError(HabitatRadiomicsError):
    """Results that cannot be written where the user asked."""


class DependencyError(HabitatRadiomicsError):
    """A package that is needed and not installed."""


class WorkersError(HabitatRadiomicsError):
    """A cluster that cannot be used, or processes that died."""


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """Raised by a progress callback to stop the work; no partial result is left."""
