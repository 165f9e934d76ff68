"""What a figure may be drawn from: finite numbers that fit together, anything else is refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError

#: One value per case, step or feature.
Numbers = Sequence[float] | np.ndarray
#: A value with the lower and the upper end of its interval.
Triple = tuple[float, float, float]


def refused(problem: str, *, where: str = "", remedy: str = "") -> EvaluationError:
    """The error to raise: numbers from which no honest figure can be drawn."""
    return EvaluationError(problem, where=where, remedy=remedy)


def numbers(values: Numbers, what: str, *, length: int | None = None, within: tuple[float, float] | None = None) -> (
    np.ndarray
):  # fmt: skip
    """One-dimensional floats.

    Args:
        values: as many as ``length`` says, or at least one.
        what: they are, for the sentence.
        within: the lowest and the highest that make sense.

    Raises:
        EvaluationError: none, another number of them, not finite, or out of the range.
    """
    return _checked(values, what, (length,), within)


def matrix(
    values: np.ndarray | Sequence[Numbers],
    what: str,
    *,
    rows: int | None = None,
    columns: int | None = None,
    within: tuple[float, float] | None = None,
) -> np.ndarray:
    """Two-dimensional floats, with as many rows and columns as asked, at least one of each.

    Raises:
        EvaluationError: another shape, not finite, or out of the range.
    """
    return _checked(values, what, (rows, columns), within)


def two_classes(values: Sequence[int] | np.ndarray, *, length: int) -> np.ndarray:
    """An outcome as booleans.

    Raises:
        EvaluationError: values other than 0 and 1, a different number of cases, or only one class.
    """
    outcome = numbers(values, "outcome", length=length)
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise refused("The outcome must be 0 or 1 for each case.")
    if len(np.unique(outcome)) < 2:
        raise refused(
            f"All {length} cases have the same outcome ({outcome[0]:.0f}): there is nothing to tell apart.",
            remedy="The figure needs cases with the outcome and cases without it.",
        )
    return outcome == 1


def distinct_names(names: Sequence[str], *, length: int) -> list[str]:
    """The names of columns.

    Raises:
        EvaluationError: another number of them, or twice the same.
    """
    if len(names) != length:
        raise refused(f"There are {len(names)} names for {length} features.")
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise refused(f"Feature names are repeated: {', '.join(twice)}.")
    return list(names)


def estimate(values: Triple, what: str, *, within: tuple[float, float] | None = None) -> Triple:
    """A value and its interval, which may lie beside the value: those of a bootstrap sometimes do.

    Raises:
        EvaluationError: not finite, out of the range, or an interval that ends before it begins.
    """
    value, low, high = numbers(values, what, length=3, within=within).tolist()
    ordered(np.array([low]), np.array([high]), what)
    return value, low, high


def ordered(low: np.ndarray, high: np.ndarray, what: str) -> None:
    """Refuse intervals that end before they begin.

    Raises:
        EvaluationError: there is one.
    """
    if (low > high).any():
        raise refused("The lower end of an interval lies above its upper end.", where=what)


def _checked(
    values: np.ndarray | Sequence[float] | Sequence[Numbers],
    what: str,
    shape: tuple[int | None, ...],
    within: tuple[float, float] | None,
) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise refused("There are values that are not numbers.", where=what) from error
    if array.ndim != len(shape) or array.size == 0:
        raise refused(
            f"The figure needs {'a table' if len(shape) == 2 else 'a row'} of numbers; these have the shape "
            f"{array.shape}.",
            where=what,
        )
    if any(wanted not in (None, found) for wanted, found in zip(shape, array.shape)):
        wanted_text = " x ".join("any" if wanted is None else str(wanted) for wanted in shape)
        raise refused(f"The figure needs {wanted_text} numbers; there are {_times(array.shape)}.", where=what)
    missing = int(np.count_nonzero(~np.isfinite(array)))
    if missing:
        raise refused(
            f"{missing} of {array.size} numbers are missing or infinite.",
            where=what,
            remedy="Leave these cases or features out, or find out why they have no value.",
        )
    if within is not None and (array.min() < within[0] or array.max() > within[1]):
        raise refused(
            f"Numbers from {array.min():.4g} to {array.max():.4g} do not lie between {within[0]:g} and {within[1]:g}.",
            where=what,
        )
    return array


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
