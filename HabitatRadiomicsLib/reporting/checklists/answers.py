"""``answers.yaml``: a template with every question that software cannot answer, and the user's answers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from HabitatRadiomicsLib.errors import ProtocolError
from HabitatRadiomicsLib.outputs import write_text
from HabitatRadiomicsLib.reporting.checklists.reading import Checklist, Question, load_checklists, load_questions

Word = Literal["yes", "no", "n/a"]
#: YAML 1.1 reads yes and no without quotes as true and false.
_WORDS: dict[Any, Word] = {True: "yes", False: "no", "yes": "yes", "no": "no", "n/a": "n/a", "not applicable": "n/a"}
_HEADER = """\
# Answers to the questions of the checklists in report.html that software cannot answer.
# After each colon write yes, no or n/a (n/a only where it is offered); null means: not answered yet.
# To say where in the manuscript the answer is found: {answer: yes, where: "Methods, page 4"}
# Then run: habitat-radiomics report FOLDER (the folder of this file). This file is read, never overwritten.
"""


@dataclass(frozen=True)
class Answer:
    """The user's answer, and its place in the manuscript (may be empty)."""

    word: Word
    where: str = ""


def answers_template(checklists: Sequence[Checklist], questions: Mapping[str, Question]) -> str:
    """The text of ``answers.yaml``: every question with the items that it decides, and no answer."""
    blocks = [_HEADER]
    for name, question in questions.items():
        choices = "yes, no or n/a" if question.not_applicable else "yes or no"
        lines = textwrap.wrap(question.text, 116, break_on_hyphens=False)
        lines.append(f"{choices}; decides {', '.join(_uses(name, checklists))}")
        blocks.append("\n".join(f"# {line}" for line in lines) + f"\n{name}: null\n")
    return "\n".join(blocks)


def answers_in(path: Path) -> dict[str, Answer]:
    """The answers in a file; a missing file is written as a template without answers.

    Raises:
        ProtocolError: the file cannot be read, or has unknown questions or answers (all are named).
        OutputError: the template cannot be written.
    """
    questions = load_questions()
    if not path.exists():
        write_text(path, answers_template(load_checklists(), questions))
        return {}
    return read_answers(path, questions)


def read_answers(path: Path, questions: Mapping[str, Question]) -> dict[str, Answer]:
    """The answers given; questions that are null or missing are left out.

    Raises:
        ProtocolError: the file cannot be read, or has unknown questions or answers (all are named).
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise ProtocolError("There is no such file of answers.", where=str(path)) from error
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
        raise ProtocolError(f"The answers cannot be read as YAML: {problem}.", where=str(path)) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ProtocolError("Answers are lines 'question: yes'; this is something else.", where=str(path))
    answers: dict[str, Answer] = {}
    problems: list[str] = []
    for name, value in document.items():
        if name not in questions:
            problems.append(f"there is no question '{name}'")
        elif value is not None:
            _take(name, value, questions[name], answers, problems)
    if problems:
        raise ProtocolError(
            "Answers are wrong: " + "; ".join(problems) + ".",
            where=str(path),
            remedy="Write yes, no or n/a; rename the file to get a new one with every question.",
        )
    return answers


def _take(name: str, value: Any, question: Question, answers: dict[str, Answer], problems: list[str]) -> None:
    where: Any = ""
    if isinstance(value, dict):
        if unknown := sorted(map(str, set(value) - {"answer", "where"})):
            problems.append(f"{name}: '{unknown[0]}' is neither 'answer' nor 'where'")
            return
        value, where = value.get("answer"), value.get("where", "")
        if value is None:
            return
    # 1 == True, and yet a 1 is no answer.
    key = value.strip().lower() if isinstance(value, str) else value
    word = _WORDS.get(key) if isinstance(key, (str, bool)) else None
    if word is None:
        problems.append(f"{name}: '{value}' is not yes, no or n/a")
    elif word == "n/a" and not question.not_applicable:
        problems.append(f"{name}: this question always applies; write yes or no")
    elif where is not None and not isinstance(where, (str, int)):
        problems.append(f"{name}: 'where' must be a text")
    else:
        answers[name] = Answer(word, "" if where is None else str(where).strip())


def _uses(question: str, checklists: Sequence[Checklist]) -> list[str]:
    uses = []
    for checklist in checklists:
        uses += [f"{checklist.name} {item.id}" for item in checklist.items if item.answer == question]
        uses += [
            f"{checklist.name} condition" for condition in checklist.conditions.values() if condition.answer == question
        ]
    return uses
