"""How messages look, on a light and on a dark panel."""

from __future__ import annotations

PROBLEM = "color: #d62728;"
WARNING = "color: #b8860b;"
QUIET = "color: gray;"
