"""What all settings, and all parts of model files, have in common."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

#: Names of protocols, models and sequences: they become parts of file and column names.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*$"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

_NAME = re.compile(NAME_PATTERN)


class Part(BaseModel):
    """Base of all parts of a document: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Settings(Part):
    """Base of all settings."""

    # Defaults are validated too, so that a preset and its written-out form are the same document.
    model_config = ConfigDict(validate_default=True)


def check_sequence_name(name: str) -> None:
    """A sequence name becomes part of column and file names: letters, digits and hyphens only.

    Raises:
        ValueError: it has another character, an underscore for instance.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is not a sequence name: use letters, digits and hyphens")


def sequence_of(key: str) -> str:
    """The sequence in a case's key: ``CT`` in both ``CT`` and ``follow-up_CT``."""
    return key.rpartition("_")[2]


def timepoint_of(key: str) -> str:
    """The time point in a case's key: ``follow-up`` in ``follow-up_CT``, empty in ``CT``."""
    return key.rpartition("_")[0]
