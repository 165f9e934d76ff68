"""answers.yaml: a template that anyone can fill, read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.reporting.checklists.answers import Answer, answers_in, answers_template, read_answers
from HabitatRadiomicsLib.reporting.checklists.reading import Question, load_checklists, load_questions

_QUESTIONS = {"ethics": Question(text="Ethics?"), "treatments": Question(text="Treatments?", not_applicable=True)}


def _read(tmp_path: Path, text: str) -> dict[str, Answer]:
    path = tmp_path / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    return read_answers(path, _QUESTIONS)


def test_template_asks_everything_and_answers_nothing(tmp_path: Path) -> None:
    questions = load_questions()
    text = answers_template(load_checklists(), questions)
    assert yaml.safe_load(text) == dict.fromkeys(questions)
    assert "# yes or no; decides CLEAR 8, TRIPOD+AI 17\nethics: null" in text
    assert "METRICS condition\nautomated-segmentation: null" in text
    assert max(map(len, text.splitlines())) <= 120
    path = tmp_path / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_answers(path, questions) == {}


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("treatments: yes", Answer("yes")),
        ("treatments: 'Yes '", Answer("yes")),
        ("treatments: false", Answer("no")),
        ("treatments: n/a", Answer("n/a")),
        ("treatments: not applicable", Answer("n/a")),
        ("treatments: {answer: yes, where: 'Methods, page 4'}", Answer("yes", "Methods, page 4")),
        ("treatments: {answer: no, where: 4}", Answer("no", "4")),
        ("treatments: {answer: no, where: null}", Answer("no")),
        ("\ufefftreatments: no", Answer("no")),
    ],
)
def test_answers(tmp_path: Path, text: str, answer: Answer) -> None:
    assert _read(tmp_path, text) == {"treatments": answer}


@pytest.mark.parametrize("text", ["", "# only a comment", "ethics: null", "ethics:", "ethics: {where: page 4}"])
def test_no_answer_is_no_answer(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("etics: yes", "there is no question 'etics'"),
        ("ethics: perhaps", "ethics: 'perhaps' is not yes, no or n/a"),
        ("ethics: 1", "ethics: '1' is not yes"),
        ("ethics: 2026-01-02", "is not yes"),
        ("ethics: [yes]", "is not yes"),
        ("ethics: n/a", "ethics: this question always applies"),
        ("ethics: {answer: yes, page: 4}", "ethics: 'page' is neither 'answer' nor 'where'"),
        ("ethics: {answer: yes, where: [4]}", "'where' must be a text"),
        ("7: yes", "there is no question '7'"),
        ("- ethics", "something else"),
        ("just words", "something else"),
        ("ethics: [", "cannot be read as YAML"),
        ("ethics: !!python/name:os.system x", "cannot be read as YAML"),
    ],
)
def test_wrong_answers_are_refused_with_a_sentence(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        _read(tmp_path, text)
    assert problem in str(caught.value)
    assert "answers.yaml" in str(caught.value)


def test_all_wrong_answers_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"'moon'.*ethics: 'maybe'"):
        _read(tmp_path, "moon: yes\nethics: maybe\n")


def test_first_run_asks_and_later_runs_read(tmp_path: Path) -> None:
    path = tmp_path / "study" / "answers.yaml"
    assert answers_in(path) == {}
    template = path.read_text(encoding="utf-8")
    assert template == answers_template(load_checklists(), load_questions())
    path.write_text(template.replace("ethics: null", "ethics: {answer: yes, where: page 4}"), encoding="utf-8")
    filled = path.read_bytes()
    assert answers_in(path) == {"ethics": Answer("yes", "page 4")}
    assert path.read_bytes() == filled


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match="no such file"):
        read_answers(tmp_path / "none.yaml", _QUESTIONS)
    (tmp_path / "bytes.yaml").write_bytes(b"ethics: \xff\xfe")
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_answers(tmp_path / "bytes.yaml", _QUESTIONS)
