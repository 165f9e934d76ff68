"""Numbers as a journal prints them."""

from __future__ import annotations

import pytest

from HabitatRadiomicsLib.reporting.text.wording import counted, decimals, digits_for, listed, p_value, percent


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0, "<0.001"), (0.00099, "<0.001"), (0.001, "0.001"), (0.0094, "0.009"), (0.0127, "0.01"), (0.0357, "0.04"),
        (0.0449, "0.04"), (0.045, "0.045"), (0.0496, "0.049"), (0.04999, "0.049"), (0.05, "0.05"), (0.0512, "0.05"),
        (0.238, "0.24"), (0.99, "0.99"), (0.9901, ">0.99"), (1, ">0.99"), (None, "–"),
    ],
)  # fmt: skip
def test_p_values(p: float | None, text: str) -> None:
    assert p_value(p) == text


def test_a_printed_p_value_never_changes_sides() -> None:
    """What is printed is below 0.05 exactly when the value is."""
    for value in (number / 100_000 for number in range(1, 10_000)):
        printed = float(p_value(value).lstrip("<"))
        assert (printed < 0.05) == (value < 0.05), value


def test_lists_and_counts() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", 3])] == ["", "a", "a and b", "a, b and 3"]
    assert [counted(1, "case"), counted(0, "case"), counted(1200, "copy", "copies")] == [
        "1 case", "0 cases", "1,200 copies"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.005, 2, "0.01"), (-0.118, 3, "−0.118"), (-0.001, 2, "0.00"), (None, 2, "–"), (12.34, 0, "12")],
)
def test_decimals(value: float | None, digits: int, text: str) -> None:
    assert decimals(value, digits) == text


def test_percent() -> None:
    assert [percent(0.625), percent(0.631), percent(None)] == ["62%", "63%", "–"]


@pytest.mark.parametrize(("sd", "digits"), [(None, 1), (0, 1), (140, 0), (12.5, 1), (1, 1), (0.5, 2), (0.034, 3)])
def test_digits_follow_the_scatter(sd: float | None, digits: int) -> None:
    assert digits_for(sd) == digits
