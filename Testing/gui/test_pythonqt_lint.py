"""The module and its panel use Qt as PythonQt allows: what can be seen in the source code without running it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_CHECKOUT = Path(__file__).resolve().parents[2]
_SOURCES = sorted([*_CHECKOUT.glob("HabitatRadiomics/*.py"), *_CHECKOUT.glob("HabitatRadiomicsLib/panel/**/*.py")])

#: Properties whose getter method PythonQt does not have. Names that other classes have as methods are left out, such as
#: width() of pictures, count() and rowCount() of layouts, and value() of settings, which is asked for with a key.
_PROPERTIES = {
    *("checked", "currentIndex", "currentText", "currentData", "currentPath", "currentNodeID", "enabled"),
    *("interval", "maximum", "minimum", "minimumWidth", "maximumWidth", "objectName", "placeholderText", "plainText"),
    *("readOnly", "singleStep", "sizeHint", "spacing", "styleSheet", "text", "toolTip", "value", "visible"),
    *("windowTitle", "wordWrap", "collapsed", "noneEnabled", "nodeTypes"),
}
#: Items of tables and lists are no QObjects: their text() is a method.
_ITEM = re.compile(r"item|takeItem|.*[iI]tem", re.ASCII)
_TEXTS = {"text", "toolTip", "windowTitle", "placeholderText", "plainText", "html", "styleSheet", "currentPath"}
_ONLY_ELSEWHERE = {"Signal", "Slot", "Property", "pyqtSignal", "pyqtSlot", "pyqtProperty"}
_WIDGET_MODULES = {"qt", "ctk"}
_QT_METHODS = re.compile(
    r"(add|insert)(Widget|Row|Layout|Item|Items|Tab|Stretch|Spacing|Action)|install(EventFilter)"
    r"|set(Item|CellWidget|Text|PlainText|Html|Pixmap|Icon|Enabled|Visible|Checked|Value|Range|Layout|ToolTip"
    r"|CurrentIndex|CurrentText|CurrentNode|RowCount|ColumnCount|ContentsMargins|SizePolicy|MRMLScene)"
)
_SIGNATURE = re.compile(r"\w+\([\w*&:<> ,]*\)")


def violations(source: str) -> list[str]:
    """What PythonQt cannot do, as 'line: sentence'."""
    found = []
    for node in ast.walk(ast.parse(source)):
        found += [(getattr(node, "lineno", 0), sentence) for check in _CHECKS for sentence in check(node)]
    return [f"{line}: {sentence}" for line, sentence in sorted(found)]


def _getter_calls(node: ast.AST) -> Iterator[str]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)) or node.args or node.keywords:
        return
    name, receiver = node.func.attr, node.func.value
    if name in _PROPERTIES and not (name == "text" and _ITEM.fullmatch(_last_name(receiver))):
        yield f"'{name}' is a property: no ()"


def _instance_checks(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _last_name(node.func) in ("isinstance", "issubclass") and len(node.args) == 2:
        kinds = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
        for kind in kinds:
            if _is_widget_class(kind):
                yield f"isinstance with {ast.unparse(kind)} is False for derived classes: inherits('...')"


def _keywords(node: ast.AST) -> Iterator[str]:
    if not (isinstance(node, ast.Call) and node.keywords):
        return
    if _is_widget_class(node.func) or _root(node.func) in _WIDGET_MODULES:
        yield f"{ast.unparse(node.func)} takes no keyword arguments"
    elif isinstance(node.func, ast.Attribute) and _QT_METHODS.fullmatch(node.func.attr):
        yield f"'{node.func.attr}' takes no keyword arguments"


def _snake_case(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and "_" in node.attr.strip("_") and _is_ui_widget(node.value):
        yield f"'{node.attr}' is not how Qt spells its names"


def _unasked_connections(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Expr) or not _is_connect(node.value):
        return
    call = node.value
    if isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) != "slicer.app":
        yield f"nothing asks whether connect({ast.unparse(call.args[0])}, ...) was possible: it returns False"


def _odd_signatures(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _last_name(node.func) in ("connect", "disconnect"):
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                signature = argument.value
                if not _SIGNATURE.fullmatch(signature) or re.search(r"\b(str|float|object)\b", signature):
                    yield f"'{signature}' is not a signature of C++, such as 'clicked(bool)'"


def _other_bindings(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and _root(node) == "qt" and node.attr in _ONLY_ELSEWHERE:
        yield f"qt.{node.attr} is not in the PythonQt of all versions of Slicer"
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    for name in names:
        if name.partition(".")[0] in ("PySide2", "PySide6", "PyQt5", "PyQt6", "qtpy"):
            yield f"{name} is not in Slicer: import qt"


def _no_texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and not isinstance(node.value.value, str):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr in _TEXTS:
                yield f"'{target.attr}' becomes the word '{node.value.value}'"


_CHECKS = (
    _getter_calls,
    _instance_checks,
    _keywords,
    _snake_case,
    _unasked_connections,
    _odd_signatures,
    _other_bindings,
    _no_texts,
)


def _is_connect(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and _last_name(node.func) == "connect"
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
    )


def _is_widget_class(node: ast.expr) -> bool:
    if not isinstance(node, ast.Attribute):
        return False
    return _root(node) in _WIDGET_MODULES or (
        _root(node) == "slicer" and re.match(r"q(MRML|Slicer)", node.attr) is not None
    )


def _is_ui_widget(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and _last_name(node.value) == "ui"


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", _SOURCES, ids=lambda path: str(path.relative_to(_CHECKOUT)))
def test_source_is_fit_for_pythonqt(path: Path):
    assert violations(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("b.text()", "'text' is a property"),
        ("self.ui.combo.currentText()", "'currentText' is a property"),
        ("x = box.checked()", "'checked' is a property"),
        ("isinstance(b, qt.QWidget)", "inherits"),
        ("isinstance(b, (int, slicer.qMRMLWidget))", "inherits"),
        ("qt.QLabel('a', parent=w)", "takes no keyword arguments"),
        ("ctk.ctkSliderWidget(parent=w)", "takes no keyword arguments"),
        ("slicer.qMRMLNodeComboBox(parent=w)", "takes no keyword arguments"),
        ("qt.QTimer.singleShot(msec=5)", "takes no keyword arguments"),
        ("layout.addWidget(w, stretch=1)", "takes no keyword arguments"),
        ("self.ui.button.set_text('a')", "Qt spells"),
        ("b.connect('clicked(bool)', f)", "it returns False"),
        ("assert b.connect('clicked', f)", "not a signature"),
        ("connect(b, 'textChanged(str)', f)", "not a signature"),
        ("s = qt.Signal()", "all versions"),
        ("from PySide6.QtCore import QObject", "import qt"),
        ("import PyQt5", "import qt"),
        ("label.text = None", "the word 'None'"),
        ("label.text = 5", "the word '5'"),
    ],
)
def test_lint_catches(source: str, sentence: str):
    found = violations(source)
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "b.text",
        "table.item(0, 0).text()",
        "item.text()",
        "qt.QSettings().value('key')",
        "b.clicked.connect(lambda: 0)",
        "assert b.connect('clicked(bool)', f)",
        "connected = b.connect('currentNodeChanged(vtkMRMLNode*)', f)",
        "slicer.app.connect('startupCompleted()', f)",
        "isinstance(node, slicer.vtkMRMLNode)",
        "slicer.util.setSliceViewerLayers(background=v)",
        "slicer.util.errorDisplay('text', detailedText='more')",
        "self.ui.button.setText('a')",
        "label.text = ''",
        "self.setup_rows(parent=w)",
        "layout.count()",
    ],
)
def test_lint_lets_pass(source: str):
    assert violations(source) == []
