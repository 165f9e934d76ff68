"""The stand-in for PythonQt answers as PythonQt does, or refuses what PythonQt would silently convert."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import qt

_SPEC = importlib.util.spec_from_file_location("pythonqt_questions", Path(__file__).with_name("pythonqt_questions.py"))
questions = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(questions)

#: Where the stand-in is stricter on purpose: the question, its own answer, and why.
STRICTER = {
    "attribute: b.text = 3; b.text": ("AttributeError", "a number where a text belongs is a mistake"),
    "attribute: b.text = None; b.text": ("AttributeError", "PythonQt shows the word None"),
    "attribute: b.enabled = 'no'; b.enabled": ("AttributeError", "PythonQt takes any text for yes"),
    "number: s.value = 3.7; s.value": ("AttributeError", "PythonQt cuts the fraction off"),
    "signal: b.connect('clicked(bool)', 5)": ("ValueError", "PythonQt connects what cannot be called"),
    "enumeration: l.setAlignment(1)": ("TypeError", "a number says nothing; Qt 6 has no such conversion"),
    "enumeration: qt.QSlider(1)": ("TypeError", "a number says nothing; Qt 6 has no such conversion"),
    "keywords: qt.QTimer.singleShot(msec=0, functor=print)": ("TypeError", "refused too, by another exception"),
    "layout: isinstance(lay.margin, int)": ("AttributeError", "gone from Qt 6"),
    "layout: lay.margin()": ("AttributeError", "refused too, by another exception"),
    "other: qt.Signal is not None": ("AttributeError", "not in the PythonQt of all versions of Slicer"),
    "other: qt.Slot is not None": ("AttributeError", "not in the PythonQt of all versions of Slicer"),
    "other: qt.Property is not None": ("AttributeError", "not in the PythonQt of all versions of Slicer"),
}

RECORDED = questions.recorded_answers()


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    return questions.ask(qt)


def test_questions_were_all_put_to_the_real_one():
    assert None not in RECORDED.values()
    assert set(STRICTER) <= set(RECORDED)


@pytest.mark.parametrize("question", sorted(set(RECORDED) - set(STRICTER)))
def test_answer_is_pythonqts(answers, question: str):
    assert answers[question] == RECORDED[question]


@pytest.mark.parametrize("question", sorted(STRICTER))
def test_answer_is_stricter(answers, question: str):
    expected, reason = STRICTER[question]
    assert reason
    assert answers[question] == expected != RECORDED[question]
