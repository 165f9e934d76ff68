"""What a column of the clinical table holds: numbers, categories, an identifier or free text. Table 1, the model of
clinical variables alone and the nomogram use the same rules.

The rules apply to the cells that are not missing (see :func:`is_missing`), in this order:

1. **Identifier.** Whole numbers, most of them different, in a column whose name ends like an identifier's (``id``,
   ``no``, ``number``, ``mrn`` ...); or whole numbers that all differ, have the same number of digits (six or more),
   and are not all multiples of ten, like hospital numbers.
2. **Category.** Whole numbers with at most two values, or with at most five values that are no more than half the
   number of cases: codes (0 and 1, stages, grades).
3. **Number.** Any other column in which each cell is a number, with a decimal point or comma. Ages are numbers even
   if they all differ. Digits with a leading zero (``007``) are a code and are read as text.
4. **Free text**, if at least half of the cells are dates: a date itself predicts nothing; an age or a duration may.
5. **Category.** Texts with at most ten levels, and no more than half the number of cases (or with two levels).
6. **Identifier**, if all texts differ and none has more than 40 characters, or the column's name says so; else
   **free text**.

Identifiers and free text are left out of models; Table 1 counts them without showing them. A measurement can look like
an identifier, for instance a volume of six digits in cubic millimetres (also when written ``123456.0``); in millilitres
it is a number. A factor that a protocol names is a number or a category, whatever its column looks like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

ColumnKind = Literal["numeric", "categorical", "identifier", "free text"]

#: Cells that mean a missing value, in lower case.
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "?", "-", "."})
#: Whole numbers with no more distinct values are codes; texts with more levels are no category.
_CODES, _LEVELS = 5, 10
#: The fewest digits of a hospital number; the most characters of an identifier.
_DIGITS, _CHARACTERS = 6, 40
_NUMBERING = frozenset({"id", "ids", "identifier", "no", "nr", "num", "number", "mrn", "pid", "uid", "accession"})
_YEAR, _MONTH, _DAY = "(19|20)[0-9]{2}", "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(
    rf"({_YEAR}([-/.]){_MONTH}\3{_DAY}|{_DAY}[-/.]{_MONTH}[-/.]({_YEAR}|[0-9]{{2}})|"
    rf"{_MONTH}[-/.]{_DAY}[-/.]({_YEAR}|[0-9]{{2}})|(19|20)[0-9]{{2}}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))"
    r"([T ].*)?"
)


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or one of ``NA, N/A, NaN, null, ?, -, .``, in upper or lower case."""
    return cell.strip().lower() in _MISSING


def number_in(cell: str) -> float | None:
    """A finite number, with a decimal point or a decimal comma; None if the cell is not a number."""
    try:
        value = float(cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell)
    except ValueError:
        return None
    # Python reads 1_000 as a thousand; in a table it is a text.
    return value if math.isfinite(value) and "_" not in cell else None


def level_of(text: str, levels: Sequence[str]) -> str | None:
    """The level that a text matches: the same text, else the only one with the same number, or the same letters in
    upper or lower case; None if there is none."""
    text = text.strip()
    if text in levels:
        return text
    folded, number = text.casefold(), number_in(text)
    alike = [row for row in levels if row.casefold() == folded or (number is not None and number == number_in(row))]
    return alike[0] if len(alike) == 1 else None


@dataclass(frozen=True)
class ClinicalColumn:
    """A column and what it holds.

    Attributes:
        cells: one per case, None if missing; the levels ``1`` and ``1.0`` are the same, written ``1``.
        reason: why the column is an identifier or free text; else empty.
    """

    name: str
    kind: ColumnKind
    cells: tuple[str | None, ...]
    reason: str = ""

    @property
    def known(self) -> list[str]:
        """The cells that are not missing."""
        return [cell for cell in self.cells if cell is not None]


def clinical_column(name: str, cells: Sequence[str], *, wanted: bool = False) -> ClinicalColumn:
    """Classify a column.

    Args:
        name: of the column.
        cells: one per case, unchanged from the table.
        wanted: the column is a factor that was requested by name: always a number or a category.
    """
    texts = tuple(None if is_missing(cell) else cell.strip() for cell in cells)
    known = [text for text in texts if text is not None]
    numbers = [number for number in map(number_in, known) if number is not None]
    padded = any(re.fullmatch(r"0[0-9]+", text) for text in known)
    dates = 2 * sum(_DATE.fullmatch(text) is not None for text in known) >= len(known) > 0
    if len(numbers) == len(known) > 0 and not padded and not (dates and not wanted):
        count = len(set(numbers))
        if not wanted and _are_identifiers(name, numbers):
            return ClinicalColumn(name, "identifier", texts, f"its {count} different numbers look like an identifier")
        if all(map(float.is_integer, numbers)) and count <= max(2, min(_CODES, len(known) // 2)):
            levels = (None if text is None else f"{number_in(text):.12g}" for text in texts)
            return ClinicalColumn(name, "categorical", tuple(levels))
        return ClinicalColumn(name, "numeric", texts)
    count = len(set(known))
    few = count <= 2 or (count <= _LEVELS and 2 * count <= len(known))
    if dates and not wanted:
        return ClinicalColumn(name, "free text", texts, "it holds dates; an age or a duration could be used")
    if few or wanted:
        return ClinicalColumn(name, "categorical", texts)
    if _numbers_things(name) or (count == len(known) and max(map(len, known)) <= _CHARACTERS):
        return ClinicalColumn(name, "identifier", texts, f"its {count} different texts look like an identifier")
    return ClinicalColumn(name, "free text", texts, f"its {count} different texts look like free text")


def clinical_columns(rows: Sequence[Mapping[str, str]], wanted: Sequence[str] = ()) -> list[ClinicalColumn]:
    """Every column of a clinical table, in its order.

    Args:
        rows: cells by column, one mapping per case; a cell that a row lacks is missing.
        wanted: columns that are requested by name as factors.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return [clinical_column(name, [row.get(name, "") for row in rows], wanted=name in wanted) for name in names]


def left_out_sentences(rows: Sequence[Mapping[str, str]], wanted: Sequence[str] = ()) -> list[str]:
    """Which columns no model of clinical variables uses, and why; a sentence each."""
    return [
        f"The clinical column '{column.name}' is left out of models: {column.reason}."
        for column in clinical_columns(rows, wanted)
        if column.reason
    ]


def _are_identifiers(name: str, numbers: Sequence[float]) -> bool:
    count = len(set(numbers))
    if not all(number.is_integer() and number >= 0 for number in numbers) or count <= 2:
        return False
    if _numbers_things(name) and 2 * count > len(numbers):
        return True
    lengths = {len(f"{number:.0f}") for number in numbers}
    rounded = all(number % 10 == 0 for number in numbers)
    return count == len(numbers) and len(lengths) == 1 and min(lengths) >= _DIGITS and not rounded


def _numbers_things(name: str) -> bool:
    """Whether a column's name ends like that of an identifier: ``PatientID``, ``study_no``, ``MRN``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(words) and words[-1].lower() in _NUMBERING
