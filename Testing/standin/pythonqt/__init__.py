"""``qt`` as Slicer's Python has it: PySide6, made as strict as PythonQt.

PythonQt's rules, held to its recorded answers by ``Testing/gui/test_pythonqt_answers.py``:

- a Qt property is an attribute, and has no getter method; ``setX()`` and ``isX()`` stay;
- ``connect('clicked(bool)', f)`` names the signal by its signature, and returns False when there is none;
- named children and dynamic properties are attributes; no other attribute can be made on a C++ object;
- no keyword arguments; no ``isinstance`` with a base class.

Where PythonQt would convert or ignore a doubtful value, the stand-in refuses it.
"""

import sys

sys.pyside6_option_python_enum = 0x03  # type: ignore[attr-defined]  # enumerations are numbers; before PySide6 starts
