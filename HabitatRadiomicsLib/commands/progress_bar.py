"""Progress in the terminal, or for another program that reads it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from HabitatRadiomicsLib.progress import LINES_VARIABLE, Progress, progress_line


@contextmanager
def progress_bar(title: str) -> Iterator[Progress]:
    """A bar with elapsed time and time left, on standard error; few lines when that is a file."""
    if os.environ.get(LINES_VARIABLE) == "1":
        yield _line
        return
    from tqdm import tqdm

    interval = 0.2 if sys.stderr.isatty() else 15.0
    layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}, {remaining} left{postfix}"
    # With tqdm's own miniters, a large step would suppress the display of the small steps that follow.
    with tqdm(total=1.0, desc=title, bar_format=layout, mininterval=interval, miniters=0, file=sys.stderr) as bar:

        def report(fraction: float, message: str) -> None:
            bar.set_postfix_str(message, refresh=False)
            bar.update(fraction - bar.n)

        yield report
        bar.set_postfix_str("done", refresh=False)
        bar.update(1.0 - bar.n)


def _line(fraction: float, message: str) -> None:
    print(progress_line(fraction, message), file=sys.stderr, flush=True)
