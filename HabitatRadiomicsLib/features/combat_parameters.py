"""The parameters of a fitted ComBat as plain numbers, ready for a model file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from HabitatRadiomicsLib.errors import FeatureError

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CombatFeature(_Part):
    """The parameters of one feature; sites and covariates in the order of :class:`CombatParameters`."""

    mean: _Finite
    """Grand mean over the sites, where every covariate is 0; the reference site's mean where there is one."""
    variance: _Positive
    """Pooled within the sites, or the reference site's."""
    effects: tuple[_Finite, ...]
    """Effect per unit of each covariate; it is kept in the data."""
    shifts: tuple[_Finite, ...]
    """gamma* of each site, in pooled standard deviations."""
    scales: tuple[_Positive, ...]
    """delta* of each site: its variance as a multiple of the pooled one."""


class CombatParameters(_Part):
    """A fitted ComBat, ready for a model file."""

    sites: tuple[str, ...] = Field(min_length=2)
    cases: tuple[int, ...]
    """Training cases of each site."""
    mean_only: bool
    reference_site: str | None
    covariates: tuple[str, ...]
    features: dict[str, CombatFeature]
    unchanged: tuple[str, ...]
    """Columns that are passed through because they could not be harmonised: undefined for a training case, or
    constant within a site."""

    @model_validator(mode="after")
    def _consistent(self) -> CombatParameters:
        if len(set(self.sites)) != len(self.sites) or len(self.cases) != len(self.sites):
            raise ValueError("each site may be listed only once and needs its number of cases")
        if self.reference_site is not None and self.reference_site not in self.sites:
            raise ValueError(f"the reference site '{self.reference_site}' is not among the sites")
        for name, feature in self.features.items():
            if (len(feature.shifts), len(feature.scales)) != (len(self.sites), len(self.sites)):
                raise ValueError(f"{name} needs a shift and a scale for each site")
            if len(feature.effects) != len(self.covariates):
                raise ValueError(f"{name} needs one effect for each covariate")
        return self

    def subset(self, names: Sequence[str]) -> CombatParameters:
        """The parameters of these columns only, for a model that needs no others.

        Raises:
            FeatureError: a column was not there when this was fitted.
        """
        self.check_known(names)
        return self.model_copy(
            update={
                "features": {name: self.features[name] for name in names if name in self.features},
                "unchanged": tuple(name for name in names if name in self.unchanged),
            }
        )

    def check_known(self, names: Sequence[str]) -> None:
        """Refuse columns that were not there when this was fitted.

        Raises:
            FeatureError: naming them.
        """
        passed = set(self.unchanged)
        strange = [name for name in names if name not in self.features and name not in passed]
        if strange:
            raise FeatureError(
                f"ComBat was not fitted on {', '.join(strange[:5])}{', ...' if len(strange) > 5 else ''}.",
                remedy="Fit it again on a table that has these columns.",
            )
