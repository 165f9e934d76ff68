"""The keys of a case's images: a sequence, or a time point and a sequence (``follow-up_CT``).

Needs no package, so that the panel can show them before any is installed.
"""

from __future__ import annotations

#: Takes the place of the time point in the name of a change between time points.
DELTA = "delta"


def timepoint_and_sequence(key: str) -> tuple[str, str]:
    """Time point (empty where there is only one) and sequence."""
    timepoint, _, sequence = key.rpartition("_")
    return timepoint, sequence


def label_of(key: str) -> str:
    """As a selector shows it: ``CT``, or ``CT, follow-up``."""
    timepoint, sequence = timepoint_and_sequence(key)
    return f"{sequence}, {timepoint}" if timepoint else sequence
