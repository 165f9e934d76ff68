"""What a column of the clinical table holds: numbers, categories, an identifier or free text. One rule for Table 1, the
model of clinical variables alone and the nomogram.

The rules, of the cells that are not missing (see ``cells.is_missing``), in this order:

1. **Identifier.** Whole numbers, most of them different, in a column whose name marks an identifier (its last word
   is ``id``, ``no``, ``number``, ``mrn`` ...); or whole numbers, all different, all of one length of six
   digits or more, and not all multiples of ten, as hospital numbers are.
2. **Category.** Numbers with two whole values at most, or with at most five that are half the cases or fewer: codes
   (0 and 1, stages, grades).
3. **Number.** Any other column in which each cell is a number, with a decimal point or comma. Ages are numbers also
   where they all differ. Digits with a leading zero (``007``) are a code, not a number, and are read as text.
4. **Free text**, where half the cells or more are dates: the date itself predicts nothing; an age or a duration does.
5. **Category.** Texts with ten levels at most, and not more than half the cases (two levels always are one).
6. **Identifier**, where every case has a text of its own, none of more than 40 characters, or the name says so; else
   **free text**.

Identifiers and free text are left out of models, and Table 1 counts them without showing them. A measurement can look
like an identifier: whole cubic millimetres of six digits each, say. Written with a decimal (``123456.0``) it still is
whole; in millilitres it is a number. A factor that a protocol names is taken as a number or a category whatever its
column looks like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from HabitatRadiomicsLib.cases.cohort.cells import is_missing, number_in

ColumnKind = Literal["numeric", "categorical", "identifier", "free text"]

#: Whole numbers with no more distinct values are codes; texts with more levels are no category.
_CODES, _LEVELS = 5, 10
#: Digits that a hospital number has at least; characters that an identifier has at most.
_DIGITS, _CHARACTERS = 6, 40
_NUMBERING = frozenset({"id", "ids", "identifier", "no", "nr", "num", "number", "mrn", "pid", "uid", "accession"})
_YEAR, _MONTH, _DAY = "(19|20)[0-9]{2}", "(0?[1-9]|1[0-2])", "(0?[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(
    rf"({_YEAR}([-/.]){_MONTH}\3{_DAY}|{_DAY}[-/.]{_MONTH}[-/.]({_YEAR}|[0-9]{{2}})|"
    rf"{_MONTH}[-/.]{_DAY}[-/.]({_YEAR}|[0-9]{{2}})|(19|20)[0-9]{{2}}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))"
    r"([T ].*)?"
)


@dataclass(frozen=True)
class ClinicalColumn:
    """A column and what it holds.

    Attributes:
        cells: of each case, None where it is missing; ``1`` and ``1.0`` are one level, written ``1``.
        reason: why the column counts as an identifier or as free text; else empty.
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
        name: in the table's header.
        cells: of each case, unchanged from the table.
        wanted: requested by name as a factor: always a number or a category.
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
            return ClinicalColumn(name, "categorical", tuple(None if text is None else _level(text) for text in texts))
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
        rows: the cells of each case by column; one that a row lacks is missing.
        wanted: columns that are factors by name.
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


def _level(text: str) -> str:
    return f"{number_in(text):.12g}"


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
    """Whether a column's name ends like that of a patient identifier: ``PatientID``, ``study_no``, ``MRN``."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return bool(words) and words[-1].lower() in _NUMBERING
