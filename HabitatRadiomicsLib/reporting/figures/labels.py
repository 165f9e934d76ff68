"""Names and numbers as the figures write them."""

from __future__ import annotations

from textwrap import wrap

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.reporting.figures.checks import Triple
from HabitatRadiomicsLib.reporting.figures.writing import readable_feature

_WIDTH = 40


def feature_label(name: str) -> str:
    """A feature's column name on two lines; any other covariate's name as it is, at most two lines of it."""
    try:
        return readable_feature(name)
    except FeatureError:
        return wrapped(name)


def wrapped(text: str, *, width: int = _WIDTH, lines: int = 2) -> str:
    """A caller's text, never longer than some lines, never taken for a formula or for a hidden label."""
    shown = wrap(text, width) or ["(no name)"]
    if len(shown) > lines:
        shown = [*shown[: lines - 1], f"{shown[lines - 1][: width - 1].rstrip()}…"]
    plain = "\n".join(shown).replace("$", r"\$")
    # To matplotlib, labels that begin so are not for the legend.
    return f" {plain}" if plain.startswith("_") else plain


def estimate_text(values: Triple, *, digits: int = 2) -> str:
    """``0.81 (0.70 to 0.92)``."""
    value, low, high = (f"{number:.{digits}f}".replace("-", "−") for number in values)
    return f"{value} ({low} to {high})"


def p_text(p: float) -> str:
    """``p = 0.03``, ``p = 0.004`` or ``p < 0.001``."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.2f}" if p >= 0.0995 else f"p = {p:.3f}"
