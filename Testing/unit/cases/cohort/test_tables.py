"""Cohort tables as people write them, and every problem of a table at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from HabitatRadiomicsLib.cases.cohort import load_cohort
from HabitatRadiomicsLib.errors import CohortError

HEADER = "case_id,timepoint,sequence,image,mask,label"
GOOD = (
    "P1,baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1",
    "P1,baseline,T2FS,files/b.nrrd,files/b-mask.nrrd,",
    "P2,baseline,T1W,files/c.nrrd,files/c-mask.nrrd,3",
)

Write = Callable[..., Path]


@pytest.fixture
def images_csv(tmp_path: Path) -> Write:
    """Writes images.csv; the files a to c that it names exist beside it."""
    (tmp_path / "files").mkdir()
    for name in "abc":
        (tmp_path / "files" / f"{name}.nrrd").touch()
        (tmp_path / "files" / f"{name}-mask.nrrd").touch()

    def write(*lines: str, encoding: str = "utf-8", end: str = "\n") -> Path:
        path = tmp_path / "images.csv"
        path.write_bytes(end.join([*lines, ""]).encode(encoding))
        return path

    return write


@pytest.fixture
def clinical_csv(tmp_path: Path) -> Write:
    """Writes clinical.csv."""

    def write(*lines: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "clinical.csv"
        path.write_bytes("\n".join([*lines, ""]).encode(encoding))
        return path

    return write


def problems_of(error: pytest.ExceptionInfo[CohortError]) -> list[str]:
    """The lines of a listing, and its count checked against them."""
    lines = [line.removeprefix("  - ") for line in error.value.problem.splitlines() if line.startswith("  - ")]
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    assert error.value.problem.startswith(f"The table has {count}:\n")
    return lines


def test_the_good_table(images_csv: Write, clinical_csv: Write, tmp_path: Path) -> None:
    clinical = clinical_csv("case_id,outcome,site,age", "P2,0,Beta,60", "P1,1,Alpha,50", "P9,1,,70")
    cohort = load_cohort(images_csv(HEADER, *GOOD), clinical)
    assert [case.case_id for case in cohort.cases] == ["P1", "P2"]
    first, second = cohort.cases
    assert (first.timepoint, [image.sequence for image in first.images]) == ("baseline", ["T1W", "T2FS"])
    assert [image.label for image in (*first.images, *second.images)] == [1, None, 3]
    assert [image.row for image in (*first.images, *second.images)] == [2, 3, 4]
    assert first.images[0].image == tmp_path / "files" / "a.nrrd"
    assert first.images[0].mask == tmp_path / "files" / "a-mask.nrrd"
    assert (cohort.outcomes["P1"], cohort.outcomes["P2"]) == (1, 0)
    assert (cohort.sites["P1"], cohort.sites["P2"]) == ("Alpha", "Beta")


def test_optional_columns_may_be_left_out(images_csv: Write) -> None:
    cohort = load_cohort(images_csv("mask,image,sequence,case_id", "files/a-mask.nrrd,files/a.nrrd,T1W,P1"))
    (case,) = cohort.cases
    assert (case.case_id, case.timepoint, case.images[0].label) == ("P1", "baseline", None)
    assert case.images[0].image.name == "a.nrrd"
    assert (cohort.outcomes, cohort.sites) == ({}, {})


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write(images_csv: Write, separator: str, encoding: str, end: str) -> None:
    lines = [line.replace(",", separator) for line in (HEADER, *GOOD)]
    cohort = load_cohort(images_csv(*lines, encoding=encoding, end=end))
    assert [(case.case_id, len(case.images)) for case in cohort.cases] == [("P1", 2), ("P2", 1)]


@pytest.mark.parametrize("empty", ["", "   ", ",,,,,"])
def test_empty_lines_are_left_out_and_counted(images_csv: Write, empty: str) -> None:
    cohort = load_cohort(images_csv(HEADER, GOOD[0], empty, GOOD[1], empty))
    assert [image.row for image in cohort.cases[0].images] == [2, 4]


def test_the_separator_is_that_of_the_first_line_with_text(images_csv: Write) -> None:
    cohort = load_cohort(images_csv("", *(line.replace(",", ";") for line in (HEADER, *GOOD))))
    assert [image.row for image in cohort.cases[0].images] == [3, 4]


def test_quoted_cells(images_csv: Write, tmp_path: Path) -> None:
    (tmp_path / "files" / "a, second.nrrd").touch()
    quoted = '"P1","baseline","T1W","files/a, second.nrrd"," files/a-mask.nrrd ","1"'
    (case,) = load_cohort(images_csv(HEADER, quoted)).cases
    assert case.images[0].image.name == "a, second.nrrd"
    assert case.images[0].mask.name == "a-mask.nrrd"


@pytest.mark.parametrize(
    ("text", "outcome"), [("0", 0), ("1", 1), ("0.0", 0), ("1.0", 1), ("0,0", 0), ("1,0", 1), (" 1 ", 1)]
)
def test_an_outcome_may_have_a_decimal_comma(images_csv: Write, clinical_csv: Write, text: str, outcome: int) -> None:
    clinical = clinical_csv("case_id;outcome", f"P1;{text}", "P2;0")
    assert load_cohort(images_csv(HEADER, *GOOD), clinical).outcomes["P1"] == outcome


@pytest.mark.parametrize(("text", "label"), [("2", 2), ("2.0", 2), ("2.", 2), ('"2,0"', 2), ("", None)])
def test_a_label_is_a_whole_number(images_csv: Write, text: str, label: int | None) -> None:
    row = GOOD[0].removesuffix("1") + text
    (case,) = load_cohort(images_csv(HEADER, row)).cases
    assert case.images[0].label == label


def test_all_problems_of_the_image_table_at_once(images_csv: Write) -> None:
    table = images_csv(
        HEADER,
        GOOD[0],
        GOOD[0],
        "P/3,baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1",
        "P4,baseline,T1_W,files/a.nrrd,files/a-mask.nrrd,1",
        "P5,baseline,T1W,files/no.nrrd,files/neither.nrrd,1",
        "P6,baseline,T1W,,,1",
        "P7,baseline,T1W,files/a.nrrd,files/a-mask.nrrd,one",
        "P8,week 6,T1W,files/a.nrrd,files/a-mask.nrrd,1",
    )
    with pytest.raises(CohortError) as error:
        load_cohort(table)
    assert problems_of(error) == [
        "row 3: P1 baseline T1W is already in row 2",
        "row 4: case_id 'P/3' must have 1 to 64 letters, digits, dots, hyphens or underscores",
        "row 5: 'T1_W' is not a sequence name: use letters, digits and hyphens",
        "row 6: the image file files/no.nrrd does not exist",
        "row 6: the mask file files/neither.nrrd does not exist",
        "row 7: the image is not named",
        "row 7: the mask is not named",
        "row 8: label 'one' is not a whole number",
        "several time points (baseline, week 6); choose one with --timepoint",
    ]
    assert error.value.where == str(table)


def test_all_problems_of_the_clinical_table_at_once(images_csv: Write, clinical_csv: Write) -> None:
    third = "P3,baseline,T1W,files/c.nrrd,files/c-mask.nrrd,3"
    clinical = clinical_csv("case_id,outcome", "P1,", "P1,1", "P5,yes", "P6,2", "P7,1.5", "P3,0")
    with pytest.raises(CohortError) as error:
        load_cohort(images_csv(HEADER, *GOOD, third), clinical)
    assert problems_of(error) == [
        "row 2: the outcome of P1 is empty",
        "row 3: P1 is already in row 2",
        "row 4: the outcome of P5 is 'yes'; it must be 0 or 1",
        "row 5: the outcome of P6 is '2'; it must be 0 or 1",
        "row 6: the outcome of P7 is '1.5'; it must be 0 or 1",
        "P2 of the image table has no row here",
    ]
    assert error.value.where == str(clinical)


@pytest.mark.parametrize(
    "case_id",
    ["../P1", "a/b", "a\\b", "/P1", "..", ".P1", "P 1", "C:P1", "P1\u00e9", "-P1", "x" * 65, '"P1\n2"', ""],
    ids=repr,
)
def test_a_case_id_that_is_no_file_name_is_refused(images_csv: Write, case_id: str) -> None:
    row = f"{case_id},baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1"
    with pytest.raises(CohortError, match=r"(?s)row [23]: case_id '.*' must have 1 to 64"):
        load_cohort(images_csv(HEADER, row))


@pytest.mark.parametrize("case_id", ["P1", "007", "a.b-c_d", "x" * 64])
def test_a_case_id_that_is_a_file_name_is_accepted(images_csv: Write, case_id: str) -> None:
    row = f"{case_id},baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1"
    assert load_cohort(images_csv(HEADER, row)).cases[0].case_id == case_id


@pytest.mark.parametrize("sequence", ["T1_W", "T1/W", "T1 W", "", "-T1"])
def test_a_bad_sequence_name_is_refused(images_csv: Write, sequence: str) -> None:
    with pytest.raises(CohortError, match=rf"row 2: '{sequence}' is not a sequence name"):
        load_cohort(images_csv(HEADER, f"P1,baseline,{sequence},files/a.nrrd,files/a-mask.nrrd,1"))


@pytest.mark.parametrize("label", ["one", "1.5", "-1", "1e3", "0x1", "1 2"])
def test_a_bad_label_is_refused(images_csv: Write, label: str) -> None:
    with pytest.raises(CohortError, match=f"row 2: label '{label}' is not a whole number"):
        load_cohort(images_csv(HEADER, f"P1,baseline,T1W,files/a.nrrd,files/a-mask.nrrd,{label}"))


@pytest.mark.parametrize(
    ("header", "problems"),
    [
        ("case_id,sequence,picture,mask,age", ["column 'image' is missing", "column 'picture' is unknown",
                                               "column 'age' is unknown"]),
        ("case_id,sequence,image,mask,", ["column '' is unknown"]),
        ("Case_ID,sequence,image,mask,label", ["column 'case_id' is missing", "column 'Case_ID' is unknown"]),
        ("case_id,sequence,image,mask,mask", ["column 'mask' occurs more than once"]),
    ],
)  # fmt: skip
def test_missing_unknown_and_doubled_columns(images_csv: Write, header: str, problems: Sequence[str]) -> None:
    with pytest.raises(CohortError) as error:
        load_cohort(images_csv(header, "P1,T1W,files/a.nrrd,files/a-mask.nrrd,1"))
    assert problems_of(error) == problems


def test_missing_columns_of_the_clinical_table(images_csv: Write, clinical_csv: Write) -> None:
    with pytest.raises(CohortError) as error:
        load_cohort(images_csv(HEADER, *GOOD), clinical_csv("patient,result", "P1,1"))
    assert problems_of(error) == ["column 'case_id' is missing", "column 'outcome' is missing"]


def test_ragged_rows_are_all_named(images_csv: Write) -> None:
    with pytest.raises(CohortError) as error:
        load_cohort(images_csv(HEADER, GOOD[0] + ",more", GOOD[1], "P2,baseline"))
    assert problems_of(error) == ["row 2: 7 cells, the header has 6", "row 4: 2 cells, the header has 6"]


def test_an_unquoted_decimal_comma_is_a_ragged_row(images_csv: Write, clinical_csv: Write) -> None:
    with pytest.raises(CohortError, match="row 2: 3 cells, the header has 2"):
        load_cohort(images_csv(HEADER, *GOOD), clinical_csv("case_id,outcome", "P1,1,0", "P2,0"))


@pytest.mark.parametrize("lines", [(), ("",), ("", ",,", " ")])
def test_an_empty_table(images_csv: Write, lines: Sequence[str]) -> None:
    with pytest.raises(CohortError, match="The table is empty"):
        load_cohort(images_csv(*lines))


def test_a_table_with_nothing_but_a_header(images_csv: Write) -> None:
    with pytest.raises(CohortError, match="no rows under the header"):
        load_cohort(images_csv(HEADER))


def test_one_of_several_time_points(images_csv: Write, clinical_csv: Write) -> None:
    later = [line.replace("baseline", "week6") for line in GOOD[:1]]
    table = images_csv(HEADER, *GOOD, *later)
    with pytest.raises(CohortError, match="several time points"):
        load_cohort(table)
    cohort = load_cohort(table, clinical_csv("case_id,outcome", "P1,1"), timepoint="week6")
    assert [(case.case_id, case.timepoint, len(case.images)) for case in cohort.cases] == [("P1", "week6", 1)]
    assert [case.case_id for case in load_cohort(table, timepoint="baseline").cases] == ["P1", "P2"]


def test_a_time_point_that_is_not_there(images_csv: Write) -> None:
    with pytest.raises(CohortError, match=r"no row has the time point 'week9' \(there are: baseline\)"):
        load_cohort(images_csv(HEADER, *GOOD), timepoint="week9")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_table_that_is_not_utf8(images_csv: Write, encoding: str) -> None:
    with pytest.raises(CohortError, match="not UTF-8") as error:
        load_cohort(images_csv(HEADER, GOOD[0].replace("P1", "Müller"), encoding=encoding))
    assert "CSV UTF-8" in error.value.remedy


def test_a_quotation_mark_that_is_never_closed(images_csv: Write) -> None:
    row = 'P1,baseline,"T1W,files/a.nrrd,files/a-mask.nrrd,1'
    with pytest.raises(CohortError, match="cells, the header has 6"):
        load_cohort(images_csv(HEADER, row, *GOOD))
    with pytest.raises(CohortError, match="quotation mark"):
        load_cohort(images_csv(HEADER, row, *["P2,baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1"] * 4000))


def test_a_table_that_is_missing_or_a_folder(images_csv: Write, tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="There is no such table") as error:
        load_cohort(tmp_path / "none.csv")
    assert error.value.where == str(tmp_path / "none.csv")
    with pytest.raises(CohortError, match="There is no such table"):
        load_cohort(images_csv(HEADER, *GOOD), tmp_path / "none.csv")
    with pytest.raises(CohortError, match="cannot be read"):
        load_cohort(tmp_path / "files")


def test_a_file_name_that_no_file_can_have(images_csv: Write) -> None:
    name = "x" * 300 + ".nrrd"
    with pytest.raises(CohortError, match=f"row 2: the image file {name} does not exist"):
        load_cohort(images_csv(HEADER, f"P1,baseline,T1W,{name},files/a-mask.nrrd,1"))


def test_a_case_that_lacks_a_wanted_sequence_says_which_it_has(images_csv: Write) -> None:
    case = load_cohort(images_csv(HEADER, *GOOD)).cases[1]
    with pytest.raises(CohortError, match="no T2FS image") as error:
        case.read(("T1W", "T2FS"))
    assert (error.value.where, error.value.remedy) == ("case P2", "It has: T1W.")


def test_an_image_that_is_refused_is_named_with_its_row(images_csv: Write) -> None:
    case = load_cohort(images_csv(HEADER, *GOOD)).cases[1]
    with pytest.raises(Exception, match="cannot be read") as error:
        case.read()
    assert str(error.value).startswith("images.csv row 4, T1W image ")


def test_what_excel_adds_is_left_out(images_csv: Write) -> None:
    """A first line that names the separator, and columns that are empty in every row."""
    lines = [f"{line},".replace(",", ";") + ";" for line in (HEADER, *GOOD)]
    cohort = load_cohort(images_csv("sep=;", *lines))
    assert [case.case_id for case in cohort.cases] == ["P1", "P2"]
    assert cohort.cases[0].images[0].row == 3


@pytest.mark.parametrize("case_id", ["con", "NUL", "com1.x"])
def test_a_case_id_that_windows_keeps_for_itself_is_refused(images_csv: Write, case_id: str) -> None:
    with pytest.raises(CohortError, match="cannot be a file name on Windows"):
        load_cohort(images_csv(HEADER, f"{case_id},baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1"))


def test_case_ids_that_differ_in_case_only_are_refused(images_csv: Write) -> None:
    rows = [f"{name},baseline,T1W,files/a.nrrd,files/a-mask.nrrd,1" for name in ("p1", "P1")]
    with pytest.raises(CohortError, match="P1 and p1 differ in case only"):
        load_cohort(images_csv(HEADER, *rows))


_BOTH = ("baseline", "week6")


def test_two_time_points_side_by_side(images_csv: Write, clinical_csv: Write) -> None:
    later = [line.replace("baseline", "week6") for line in GOOD[:1]]
    much_later = [line.replace("baseline", "week12") for line in GOOD[:2]]
    table = images_csv(HEADER, *later, *GOOD, *much_later)
    cohort = load_cohort(table, clinical_csv("case_id,outcome", "P1,1", "P2,0"), timepoints=_BOTH)
    found = {case.case_id: [(image.sequence, image.row) for image in case.images] for case in cohort.cases}
    # The earlier ones first, whatever the table's order; a patient who lacks one stays, and other ones are left out.
    assert found == {"P1": [("baseline_T1W", 3), ("baseline_T2FS", 4), ("week6_T1W", 2)], "P2": [("baseline_T1W", 5)]}
    assert {case.timepoint for case in cohort.cases} == {"baseline, week6"}


def test_one_of_two_time_points_may_be_all_that_is_needed(images_csv: Write) -> None:
    later = [line.replace("baseline", "week6") for line in GOOD[:1]]
    cohort = load_cohort(images_csv(HEADER, *GOOD, *later), timepoints=("week6",))
    assert [[image.sequence for image in case.images] for case in cohort.cases] == [["week6_T1W"]]


def test_a_time_point_that_no_patient_has(images_csv: Write) -> None:
    with pytest.raises(CohortError, match=r"no row has the time point 'week6' \(there are: baseline\)"):
        load_cohort(images_csv(HEADER, *GOOD), timepoints=_BOTH)


def test_a_patient_without_a_follow_up_is_told_in_words(images_csv: Write) -> None:
    later = [line.replace("baseline", "week6") for line in GOOD[:1]]
    case = load_cohort(images_csv(HEADER, *GOOD, *later), timepoints=_BOTH).cases[1]
    with pytest.raises(CohortError, match="The case has no week6 T1W image") as error:
        case.read(("baseline_T1W", "week6_T1W"))
    assert error.value.remedy == "It has: baseline T1W."
