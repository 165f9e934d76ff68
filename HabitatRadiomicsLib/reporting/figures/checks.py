"""What a figure may be drawn from: finite numbers that fit together; anything else is refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from HabitatRadiomicsLib.errors import EvaluationError

#: One value per case, step or feature.
Numbers = Sequence[float] | np.ndarray
#: A value with the lower and the upper end of its interval.
Triple = tuple[float, float, float]
#: The lowest and the highest value that make sense.
Range = tuple[float, float]


def numbers(values: Numbers, what: str, *, length: int | None = None, within: Range | None = None) -> np.ndarray:
    """One-dimensional floats: as many as ``length`` says, or at least one; ``what`` names them in the error.

    Raises:
        EvaluationError: no values, the wrong number of them, or a value that is not finite or out of range.
    """
    return _checked(values, what, (length,), within)


def matrix(
    values: np.ndarray | Sequence[Numbers],
    what: str,
    *,
    rows: int | None = None,
    columns: int | None = None,
    within: Range | None = None,
) -> np.ndarray:
    """Two-dimensional floats, with as many rows and columns as asked, at least one of each.

    Raises:
        EvaluationError: another shape, or a value that is not finite or out of range.
    """
    return _checked(values, what, (rows, columns), within)


def two_classes(values: Sequence[int] | np.ndarray, *, length: int) -> np.ndarray:
    """An outcome as booleans.

    Raises:
        EvaluationError: values other than 0 and 1, a different number of cases, or only one class.
    """
    outcome = numbers(values, "outcome", length=length)
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise EvaluationError("The outcome must be 0 or 1 for each case.")
    if len(np.unique(outcome)) < 2:
        raise EvaluationError(
            f"All {length} cases have the same outcome ({outcome[0]:.0f}): there is nothing to tell apart.",
            remedy="The figure needs cases with the outcome and cases without it.",
        )
    return outcome == 1


def distinct_names(names: Sequence[str], *, length: int) -> list[str]:
    """The names of columns.

    Raises:
        EvaluationError: the wrong number of names, or a name that is repeated.
    """
    if len(names) != length:
        raise EvaluationError(f"There are {len(names)} names for {length} features.")
    if repeated := sorted({name for name in names if list(names).count(name) > 1}):
        raise EvaluationError(f"Feature names are repeated: {', '.join(repeated)}.")
    return list(names)


def estimate(values: Triple, what: str, *, within: Range | None = None) -> Triple:
    """A value and its interval; the interval need not contain the value: that of a bootstrap sometimes does not.

    Raises:
        EvaluationError: a number that is not finite or out of range, or an interval that ends before it begins.
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
        raise EvaluationError("The lower end of an interval lies above its upper end.", where=what)


def _checked(
    values: np.ndarray | Sequence[float] | Sequence[Numbers],
    what: str,
    shape: tuple[int | None, ...],
    within: Range | None,
) -> np.ndarray:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise EvaluationError("There are values that are not numbers.", where=what) from error
    if array.ndim != len(shape) or array.size == 0:
        problem = f"The figure needs {'a table' if len(shape) == 2 else 'a row'} of numbers; these have the shape "
        raise EvaluationError(f"{problem}{array.shape}.", where=what)
    if any(wanted not in (None, actual) for wanted, actual in zip(shape, array.shape)):
        wanted_text = " x ".join("any" if wanted is None else str(wanted) for wanted in shape)
        actual_text = " x ".join(map(str, array.shape))
        raise EvaluationError(f"The figure needs {wanted_text} numbers; there are {actual_text}.", where=what)
    if missing := int(np.count_nonzero(~np.isfinite(array))):
        raise EvaluationError(
            f"{missing} of {array.size} numbers are missing or infinite.",
            where=what,
            remedy="Leave these cases or features out, or find out why they have no value.",
        )
    if within is not None and (array.min() < within[0] or array.max() > within[1]):
        span = f"Numbers from {array.min():.4g} to {array.max():.4g}"
        raise EvaluationError(f"{span} do not lie between {within[0]:g} and {within[1]:g}.", where=what)
    return array
