"""ComBat: harmonises the features of several sites, and those of a new patient from a known site.

Johnson, Li and Rabinovic 2007, doi 10.1093/biostatistics/kxj037; for radiomic features Orlhac 2018, doi
10.2967/jnumed.117.199935. A feature of a patient at a site is modelled as ``mean + sd * (shift + scale * noise)``, with
a shift and a scale for each site. The estimates of one site are shrunk towards each other over all features (empirical
Bayes), which makes small sites usable. The numbers are those of R's ``sva::ComBat``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field, model_validator

from HabitatRadiomicsLib.errors import FeatureError, HarmonisationError
from HabitatRadiomicsLib.protocol import CombatSettings
from HabitatRadiomicsLib.protocol.base import Finite, Part, Positive
from HabitatRadiomicsLib.system.tasks import one_thread

#: Smallest number of training cases per site: with a single one, site and patient cannot be separated.
MINIMUM_CASES = 2

#: The spread of a column is rounding error below this fraction of its largest value.
_ROUNDING = 1e-10
#: The convergence criterion of sva; a stricter one would change the fourth digit of a shift and no longer equal R.
_CONVERGED = 1e-4
_ROUNDS = 10_000


class CombatFeature(Part):
    """The parameters of one feature; sites in the order of :class:`CombatParameters`."""

    mean: Finite
    """Grand mean over the sites; the reference site's mean where there is one."""
    variance: Positive
    """Pooled within the sites, or the reference site's."""
    effects: tuple[()] = ()
    """Always empty: kept so that model files do not change."""
    shifts: tuple[Finite, ...]
    """gamma* of each site, in pooled standard deviations."""
    scales: tuple[Positive, ...]
    """delta* of each site: its variance as a multiple of the pooled one."""


class CombatParameters(Part):
    """A fitted ComBat, ready for a model file."""

    sites: tuple[str, ...] = Field(min_length=2)
    cases: tuple[int, ...]
    """Training cases of each site."""
    mean_only: bool
    reference_site: str | None
    covariates: tuple[()] = ()
    """Always empty: kept so that model files do not change."""
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
        unknown = [name for name in names if name not in self.features and name not in passed]
        if unknown:
            raise FeatureError(
                f"ComBat was not fitted on {', '.join(unknown[:5])}{', ...' if len(unknown) > 5 else ''}.",
                remedy="Fit it again on a table that has these columns.",
            )


def fit_combat(
    values: np.ndarray, sites: Sequence[str], settings: CombatSettings, *, columns: Sequence[str]
) -> CombatParameters:
    """ComBat's parameters from training cases.

    Outcomes are not used: a harmonisation that preserves the outcome would leak it into the features.
    Columns that are not finite for every case, or are constant within a site, are left out and noted.

    Args:
        values: shape (cases, columns).
        sites: of each case.
        columns: names, one per column.

    Raises:
        HarmonisationError: fewer than two sites, a site with too few cases, a reference site without any, or fewer
            than two columns to learn from.
    """
    names = _checked_sites(sites, settings)
    membership = np.array([[site == name for name in names] for site in sites], dtype=float)
    reference = None if settings.reference_site is None else names.index(settings.reference_site)
    with one_thread():
        usable = _usable(values, membership)
        standardised, mean, variance = _standardised(values[:, usable], membership, reference)
        shifts, scales = _site_effects(standardised, membership == 1, mean_only=settings.mean_only)
    if reference is not None:
        shifts[reference], scales[reference] = 0.0, 1.0
    harmonised = [name for name, used in zip(columns, usable) if used]
    features = {
        name: CombatFeature(
            mean=float(mean[index]),
            variance=float(variance[index]),
            shifts=tuple(shifts[:, index].tolist()),
            scales=tuple(scales[:, index].tolist()),
        )
        for index, name in enumerate(harmonised)
    }
    return CombatParameters(
        sites=tuple(names),
        cases=tuple(int(count) for count in membership.sum(axis=0)),
        mean_only=settings.mean_only,
        reference_site=settings.reference_site,
        features=features,
        unchanged=tuple(name for name, used in zip(columns, usable) if not used),
    )


def apply_combat(
    parameters: CombatParameters, values: np.ndarray, sites: Sequence[str], *, columns: Sequence[str]
) -> np.ndarray:
    """Harmonised values of any cases of known sites; a case gets the same bits alone and among others.

    Args:
        values: shape (cases, columns); NaN stays NaN.
        sites: of each case.
        columns: names, one per column, in any order.

    Returns:
        A new array of the same shape; the columns under ``unchanged`` and the reference site's cases as they came.

    Raises:
        HarmonisationError: a site was not among the training cases.
        FeatureError: a column was not there when the parameters were fitted.
    """
    parameters.check_known(columns)
    index_of = {name: index for index, name in enumerate(parameters.sites)}
    unknown = [site for site in dict.fromkeys(sites) if site not in index_of]
    if unknown:
        raise HarmonisationError(
            f"No training case came from site {', '.join(unknown)}, so that its features cannot be harmonised.",
            remedy=f"Known sites: {', '.join(parameters.sites)}.",
        )
    site = np.array([index_of[name] for name in sites], dtype=int)
    moved = np.array([name != parameters.reference_site for name in sites], dtype=bool)
    harmonised = np.array(values, dtype=float)
    used = [index for index, name in enumerate(columns) if name in parameters.features]
    if not used:
        return harmonised
    features = [parameters.features[columns[index]] for index in used]
    mean = np.array([feature.mean for feature in features])
    deviation = np.sqrt(np.array([feature.variance for feature in features]))
    shifts = np.array([feature.shifts for feature in features]).T[site]
    scales = np.sqrt(np.array([feature.scales for feature in features]).T[site])
    raw = harmonised[:, used]
    adjusted = ((raw - mean) / deviation - shifts) / scales * deviation + mean
    harmonised[:, used] = np.where(moved[:, None], adjusted, raw)
    return harmonised


def _checked_sites(sites: Sequence[str], settings: CombatSettings) -> list[str]:
    """The sites in alphabetical order."""
    names = sorted(set(sites))
    if len(names) < 2:
        raise HarmonisationError(
            "All training cases come from one site; there is nothing to harmonise.",
            remedy="Leave harmonisation out of the protocol.",
        )
    small = [f"{name} ({count})" for name in names if (count := list(sites).count(name)) < MINIMUM_CASES]
    if small:
        raise HarmonisationError(
            f"ComBat needs at least {MINIMUM_CASES} training cases of each site; fewer came from {', '.join(small)}.",
            remedy="Leave these cases out, or join the site with one that has the same scanner.",
        )
    if settings.reference_site is not None and settings.reference_site not in names:
        raise HarmonisationError(
            f"No training case came from the reference site {settings.reference_site}.",
            remedy=f"Sites of the training cases: {', '.join(names)}.",
        )
    return names


def _usable(values: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """Columns that are finite and vary within each site, shape (columns,)."""
    usable = np.isfinite(values).all(axis=0)
    columns = values[:, usable]
    residuals = columns - membership @ np.linalg.lstsq(membership, columns, rcond=None)[0]
    smallest = _ROUNDING * np.abs(columns).max(axis=0, initial=0)
    vary = np.ones(columns.shape[1], dtype=bool)
    for inside in membership.T == 1:
        vary &= (np.ptp(columns[inside], axis=0) > smallest) & (np.abs(residuals[inside]).max(axis=0) > smallest)
    usable[usable] = vary
    if vary.sum() < 2:
        raise HarmonisationError(
            f"ComBat learns from all features together; {int(vary.sum())} of {values.shape[1]} can be used "
            "(defined for every case and not constant within a site).",
            remedy="Give it more features, or leave harmonisation out.",
        )
    return usable


def _standardised(
    values: np.ndarray, membership: np.ndarray, reference: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deviations from the mean in pooled standard deviations, the mean, and the variance.

    By least squares on the sites; mean and variance over all cases, or the reference site's.
    """
    site_means = np.linalg.lstsq(membership, values, rcond=None)[0]
    squares = (values - membership @ site_means) ** 2
    if reference is None:
        mean = membership.mean(axis=0) @ site_means
        variance = squares.mean(axis=0)
    else:
        mean = site_means[reference]
        variance = squares[membership[:, reference] == 1].mean(axis=0)
    return (values - mean) / np.sqrt(variance), mean, variance


def _site_effects(
    standardised: np.ndarray, membership: np.ndarray, *, mean_only: bool
) -> tuple[np.ndarray, np.ndarray]:
    """gamma* and delta* by site and feature, both of shape (sites, features)."""
    shifts, scales = [], []
    for inside in membership.T:
        rows = standardised[inside]
        observed = rows.mean(axis=0)
        prior_mean, prior_variance = observed.mean(), observed.var(ddof=1)
        if mean_only:
            # As in sva, a site's mean has the weight of a single case here.
            shifts.append((prior_variance * observed + prior_mean) / (prior_variance + 1))
            scales.append(np.ones_like(observed))
        else:
            shift, scale = _posterior(rows, prior_mean, prior_variance)
            shifts.append(shift)
            scales.append(scale)
    return np.array(shifts), np.array(scales)


def _posterior(rows: np.ndarray, prior_mean: float, prior_variance: float) -> tuple[np.ndarray, np.ndarray]:
    """A site's shift and scale, each updated given the other until both converge (Johnson 2007, section 3.2).

    The priors are normal for the shift and inverse gamma for the scale, their moments those of the observed ones.
    """
    count = len(rows)
    observed, scale = rows.mean(axis=0), rows.var(axis=0, ddof=1)
    shift = observed
    mean, variance = scale.mean(), scale.var(ddof=1)
    for _ in range(_ROUNDS):
        new_shift = (count * prior_variance * observed + scale * prior_mean) / (count * prior_variance + scale)
        squares = ((rows - new_shift) ** 2).sum(axis=0)
        # The inverse gamma's mean, multiplied by the variance above and below: defined also where that is 0.
        new_scale = (squares * variance / 2 + mean * (variance + mean**2)) / (count * variance / 2 + variance + mean**2)
        # As in sva, the change is relative to the signed shift: one that is negative never decides.
        change = max(_relative(new_shift, shift), _relative(new_scale, scale))
        shift, scale = new_shift, new_scale
        if change <= _CONVERGED:
            break
    return shift, scale


def _relative(new: np.ndarray, old: np.ndarray) -> float:
    known = old != 0
    return float((np.abs(new - old)[known] / old[known]).max(initial=0.0))
