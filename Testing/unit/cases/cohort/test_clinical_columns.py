"""What a clinical column holds: each rule, and what looks like another one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from HabitatRadiomicsLib.cases.cohort.clinical_columns import clinical_column, clinical_columns, left_out_sentences

_CASES = range(40)


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        # Numbers
        ("age", [f"{31 + case}" for case in _CASES], "numeric"),
        ("age", [f"{31 + case},5" for case in _CASES], "numeric"),
        ("age", ["NA" if case % 4 == 0 else f"{31 + case}" for case in _CASES], "numeric"),
        ("lesions", [f"{case % 6}" for case in _CASES], "numeric"),
        ("number of lesions", [f"{case % 7}" for case in _CASES], "numeric"),
        ("lesion number", [f"{case % 7}" for case in _CASES], "numeric"),
        ("ratio", ["0.5", "0.7"] * 20, "numeric"),
        ("platelets", [f"{150_000 + 1_000 * case}" for case in _CASES], "numeric"),
        ("volume", [f"{150_000.5 + case}" for case in _CASES], "numeric"),
        ("volume", [f"{99_980 + case}" for case in _CASES], "numeric"),
        ("born", [f"{1931 + case}" for case in _CASES], "numeric"),
        ("change", [f"{case - 20}" for case in _CASES], "numeric"),
        ("steroid", [f"{case}" for case in _CASES], "numeric"),
        ("count", ["1", "2", "3"], "numeric"),
        # Categories
        ("metastasis", ["0", "1"] * 20, "categorical"),
        ("metastasis", ["1.0", "1", "0", "", "?"] * 8, "categorical"),
        ("metastasis", ["0", "1", "1"], "categorical"),
        ("stage", ["1", "2", "3", "4", "2"] * 8, "categorical"),
        ("stage", ["I", "II", "III", "NA"] * 10, "categorical"),
        ("sex", ["f", "m", "f"], "categorical"),
        ("grade", ["1", "2", "unknown", "3"] * 10, "categorical"),
        ("centre", ["01", "02", "03"] * 13, "categorical"),
        ("centre_id", ["4", "7", "9", "4"] * 10, "categorical"),
        ("nothing", ["", "NA"] * 20, "categorical"),
        # Identifiers
        ("patient_id", [f"{case}" for case in _CASES], "identifier"),
        ("PatientID", [f"{case}" for case in _CASES], "identifier"),
        ("Study No.", [f"{case},0" for case in _CASES], "identifier"),
        ("MRN", [f"{case // 2 * 3 if case < 8 else case}" for case in _CASES], "identifier"),
        ("hospital", [f"{100_003 + 7 * case}" for case in _CASES], "identifier"),
        ("code", [f"{case:03d}" for case in _CASES], "identifier"),
        ("name", [f"P{case}" for case in _CASES], "identifier"),
        ("name", ["NA" if case % 4 == 0 else f"Name, {case}" for case in _CASES], "identifier"),
        ("patient id", [f"P{case // 2}" for case in _CASES], "identifier"),
        ("name", ["Ann", "Bob", "Cid", "Dan"], "identifier"),
        # Free text
        ("comment", [f"seen {case // 2}" for case in _CASES], "free text"),
        ("comment", [f"case {case}: a long note on the course of the disease" for case in _CASES], "free text"),
        ("comment", [f"word {case % 11}" for case in _CASES], "free text"),
        ("scanned", [f"2023-01-{1 + case % 28:02d}" for case in _CASES], "free text"),
        ("scanned", [f"{1 + case % 28}.1.23" for case in _CASES], "free text"),
        ("scanned", [f"1/{1 + case % 28}/2023" for case in _CASES], "free text"),
        ("scanned", [f"202301{1 + case % 28:02d}" for case in _CASES], "free text"),
        ("scanned", ["2023-01-05T10:30", "2023-02-05 11:30", "", "not"] * 10, "free text"),
    ],
)
def test_kinds(name: str, cells: Sequence[str], kind: str) -> None:
    column = clinical_column(name, cells)
    assert column.kind == kind
    assert bool(column.reason) == (kind in ("identifier", "free text"))


def test_one_number_is_one_level_however_it_is_written() -> None:
    column = clinical_column("metastasis", ["1", " 1.0", "0", "0,0", "NA"])
    assert (column.kind, column.cells) == ("categorical", ("1", "1", "0", "0", None))
    assert column.known == ["1", "1", "0", "0"]
    assert clinical_column("centre", ["01", "02", "01", "02"]).known == ["01", "02", "01", "02"]


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("patient_id", [f"{case}" for case in _CASES], "numeric"),
        ("hospital", [f"{100_003 + 7 * case}" for case in _CASES], "numeric"),
        ("histology", [f"type {case % 15}" for case in _CASES], "categorical"),
        ("scanned", ["2023-01-05", "2023-02-05"] * 20, "categorical"),
        ("scanned", [f"202301{1 + case % 28:02d}" for case in _CASES], "numeric"),
    ],
)
def test_what_is_wanted_by_name_is_a_number_or_a_category(name: str, cells: Sequence[str], kind: str) -> None:
    assert clinical_column(name, cells).reason
    column = clinical_column(name, cells, wanted=True)
    assert (column.kind, column.reason) == (kind, "")


def test_columns_come_in_the_tables_order_and_those_left_out_have_a_sentence() -> None:
    rows = [{"id": f"P{case}", "age": f"{50 + case}"} for case in _CASES] + [{"age": "99", "seen": "1.2.2023"}]
    assert [(column.name, column.kind) for column in clinical_columns(rows)] == [
        ("id", "identifier"),
        ("age", "numeric"),
        ("seen", "free text"),
    ]
    assert left_out_sentences(rows) == [
        "The clinical column 'id' is left out of models: its 40 different texts look like an identifier.",
        "The clinical column 'seen' is left out of models: it holds dates; an age or a duration could be used.",
    ]
    assert len(left_out_sentences(rows, ["id"])) == 1
    assert left_out_sentences([{}]) == []
