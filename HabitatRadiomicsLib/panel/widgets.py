"""What all sections do with widgets: connect signals, change values without signals, show messages, open files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qt

#: How messages look, on a light and on a dark panel.
PROBLEM = "color: #d62728;"
WARNING = "color: #b8860b;"
QUIET = "color: gray;"


def connect(sender: Any, signal: str, slot: Callable[..., Any]) -> None:
    """Connect a Qt signal; PythonQt only prints when the signal is misspelt.

    Raises:
        RuntimeError: the sender has no such signal.
    """
    if not sender.connect(signal, slot):
        raise RuntimeError(f"{sender.className()} '{sender.objectName}' has no signal {signal}.")


@contextmanager
def quiet(*widgets: Any) -> Iterator[None]:
    """Change widgets while their signals are blocked."""
    before = [widget.blockSignals(True) for widget in widgets]
    try:
        yield
    finally:
        for widget, blocked in zip(widgets, before):
            widget.blockSignals(blocked)


def fill_selector(selector: Any, items: Iterable[tuple[str, str]], chosen: str = "") -> None:
    """Replace the items of a combo box, (text, data), and choose one by its data, else the first; without signals."""
    with quiet(selector):
        selector.clear()
        for text, data in items:
            selector.addItem(text, data)
        selector.setCurrentIndex(max(0, selector.findData(chosen)))


def choose_item(selector: Any, data: str, title_of: Callable[[Path], str]) -> None:
    """Choose an item of a combo box by its data, without signals; a file that is not listed yet is added."""
    with quiet(selector):
        if data and selector.findData(data) < 0:
            selector.addItem(title_of(Path(data)), data)
        selector.setCurrentIndex(max(0, selector.findData(data)))


def show_message(label: Any, text: str, style: str = QUIET) -> None:
    """Show a message in a label; an empty one hides the label."""
    label.text = text
    label.setStyleSheet(style)
    label.visible = bool(text)


def open_file(path: Path) -> None:
    """Open a file or folder in the system's viewer."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path)))


def open_temporary(name: str, content: bytes) -> None:
    """Write a file into the system's folder for temporary ones, and open it."""
    path = Path(tempfile.gettempdir()) / f"habitat-radiomics-{name}"
    path.write_bytes(content)
    open_file(path)


def remove_widget(layout: Any, widget: Any) -> None:
    """Take a widget out of a layout and delete it."""
    layout.removeWidget(widget)
    widget.hide()
    widget.deleteLater()


def fit_to_current(tabs: Any, contents: Sequence[Any]) -> None:
    """Fit the height to the current tab alone; a short tab would otherwise end in empty space.

    Args:
        tabs: QTabWidget.
        contents: the widget that fills each page; Qt counts the height of a hidden page, but not of its hidden content.
    """

    def fit(current: int) -> None:
        for index, content in enumerate(contents):
            content.visible = index == current

    connect(tabs, "currentChanged(int)", fit)
    fit(tabs.currentIndex)
