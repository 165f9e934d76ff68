"""What all settings and parts of model files share: base classes, common types, and the keys of a case's images."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

#: Names of protocols, models and sequences: they become parts of file and column names.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*$"

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
#: Annotates a tuple that may also be given as an array.
FROM_ARRAY = BeforeValidator(lambda values: getattr(values, "tolist", lambda: values)())
Row = Annotated[tuple[Finite, ...], FROM_ARRAY]


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each may be listed only once")
    return values


#: Annotates a tuple without repetitions.
EACH_ONCE = AfterValidator(_each_once)


class Part(BaseModel):
    """Base of all parts of a document: immutable, and unknown fields are refused.

    It is made from keywords, plain data, or an object that has its fields as attributes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class Settings(Part):
    """Base of all settings."""

    # Defaults are validated too, so that a preset equals its complete written form.
    model_config = ConfigDict(validate_default=True)


def check_sequence_name(name: str) -> None:
    """Refuse a name that cannot become part of column and file names.

    Raises:
        ValueError: the name has other characters than letters, digits and hyphens.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise ValueError(f"'{name}' is not a sequence name: use letters, digits and hyphens")


def sequence_of(key: str) -> str:
    """The sequence in a case's key: ``CT`` in both ``CT`` and ``follow-up_CT``."""
    return key.rpartition("_")[2]


def timepoint_of(key: str) -> str:
    """The time point in a case's key: ``follow-up`` in ``follow-up_CT``, empty in ``CT``."""
    return key.rpartition("_")[0]
