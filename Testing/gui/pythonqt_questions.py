"""Asks what PythonQt does. Questions and its recorded answers are in ``pythonqt_answers.json``.

A question is statements and, after the last semicolon, an expression; its value, or its exception, is the answer. To
add one, write it with the answer null, and record the answers anew in the real application::

    Slicer --no-main-window --python-script Testing/gui/pythonqt_questions.py --record
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ANSWERS_FILE = Path(__file__).with_name("pythonqt_answers.json")


def recorded_answers() -> dict[str, str]:
    """PythonQt's answers, by 'topic: question'."""
    return {
        f"{topic}: {question}": answer
        for topic, part in _topics().items()
        for question, answer in part["answers"].items()
    }


def ask(qt: Any) -> dict[str, str]:
    """The answers of a module ``qt``, by 'topic: question'."""
    answers = {}
    for topic, part in _topics().items():
        names: dict[str, Any] = {"qt": qt}
        exec("\n".join(part["setup"]), names)
        for question in part["answers"]:
            answers[f"{topic}: {question}"] = _answer(question, names)
    return answers


def record(qt: Any) -> None:
    """Write the answers of the real PythonQt."""
    topics, answers = _topics(), ask(qt)
    for topic, part in topics.items():
        part["answers"] = {question: answers[f"{topic}: {question}"] for question in part["answers"]}
    ANSWERS_FILE.write_text(json.dumps(topics, indent=2) + "\n", encoding="utf-8")


def _topics() -> dict[str, Any]:
    return json.loads(ANSWERS_FILE.read_text(encoding="utf-8"))


def _answer(question: str, names: dict[str, Any]) -> str:
    *statements, expression = question.split("; ")
    try:
        for statement in statements:
            exec(statement, names)
        value = eval(expression, names)
    except Exception as error:
        return type(error).__name__
    plain = value is None or type(value) in (bool, int, float, str, tuple, list)
    return repr(value) if plain else type(value).__name__.rpartition(".")[2]


if __name__ == "__main__" and "--record" in sys.argv:
    import qt
    import slicer

    record(qt)
    slicer.util.exit(0)
