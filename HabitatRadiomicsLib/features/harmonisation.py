"""ComBat: harmonises the features of several sites, and those of a new patient from a known site.

Johnson, Li and Rabinovic 2007, doi 10.1093/biostatistics/kxj037; for radiomic features Orlhac 2018, doi
10.2967/jnumed.117.199935. A feature of a patient at a site is modelled as ``mean + covariates + sd * (shift + scale *
noise)``, with a shift and a scale for each site. The estimates of one site are shrunk towards each other over all
features (empirical Bayes), which makes small sites usable. The numbers are those of R's ``sva::ComBat``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from HabitatRadiomicsLib.errors import HarmonisationError
from HabitatRadiomicsLib.features.combat_estimation import site_effects, standardise
from HabitatRadiomicsLib.features.combat_parameters import CombatFeature, CombatParameters
from HabitatRadiomicsLib.protocol import CombatSettings
from HabitatRadiomicsLib.system.tasks import one_thread

#: Smallest number of training cases per site: with a single one, site and patient cannot be separated.
MINIMUM_CASES = 2

#: The spread of a column is rounding error below this fraction of its largest value.
_ROUNDING = 1e-10


def fit_combat(
    values: np.ndarray,
    sites: Sequence[str],
    settings: CombatSettings,
    *,
    columns: Sequence[str],
    covariates: Mapping[str, Sequence[float]] | None = None,
) -> CombatParameters:
    """ComBat's parameters from training cases.

    Outcomes are not used: a harmonisation that preserves the outcome would leak it into the features.
    Columns that are not finite for every case, or are constant within a site, are left out and noted.

    Args:
        values: shape (cases, columns).
        sites: of each case.
        columns: names, one per column.
        covariates: numbers by name, one per case, whose effect stays in the data (age, for example); a category needs
            one 0/1 column for each of its values but one.

    Raises:
        HarmonisationError: fewer than two sites, a site with too few cases, a reference site without any, covariates
            that are undefined or that the sites already tell, or fewer than two columns to learn from.
    """
    names = _checked_sites(sites, settings)
    membership = np.array([[site == name for name in names] for site in sites], dtype=float)
    adjusted = _covariate_matrix(covariates or {}, len(values))
    reference = None if settings.reference_site is None else names.index(settings.reference_site)
    with one_thread():
        _check_design(membership, adjusted)
        usable = _usable(values, membership, adjusted)
        fit = standardise(values[:, usable], membership, adjusted, reference)
        shifts, scales = site_effects(fit.standardised, membership == 1, mean_only=settings.mean_only)
    if reference is not None:
        shifts[reference], scales[reference] = 0.0, 1.0
    harmonised = [name for name, used in zip(columns, usable) if used]
    features = {
        name: CombatFeature(
            mean=float(fit.mean[index]),
            variance=float(fit.variance[index]),
            effects=tuple(fit.effects[:, index].tolist()),
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
        covariates=tuple(covariates or {}),
        features=features,
        unchanged=tuple(name for name, used in zip(columns, usable) if not used),
    )


def apply_combat(
    parameters: CombatParameters,
    values: np.ndarray,
    sites: Sequence[str],
    *,
    columns: Sequence[str],
    covariates: Mapping[str, Sequence[float]] | None = None,
) -> np.ndarray:
    """Harmonised values of any cases of known sites; a case gets the same bits alone and among others.

    Args:
        values: shape (cases, columns); NaN stays NaN.
        sites: of each case.
        columns: names, one per column, in any order.
        covariates: those of the fit, by name, one number per case.

    Returns:
        A new array of the same shape; the columns under ``unchanged`` and the reference site's cases as they came.

    Raises:
        HarmonisationError: a site was not among the training cases, or a covariate is missing.
        FeatureError: a column was not there when the parameters were fitted.
    """
    parameters.check_known(columns)
    place = {name: index for index, name in enumerate(parameters.sites)}
    unknown = [site for site in dict.fromkeys(sites) if site not in place]
    if unknown:
        raise HarmonisationError(
            f"No training case came from site {', '.join(unknown)}, so that its features cannot be harmonised.",
            remedy=f"Known sites: {', '.join(parameters.sites)}.",
        )
    covariate_values = _known_covariates(parameters, covariates or {}, len(values))
    site = np.array([place[name] for name in sites], dtype=int)
    moved = np.array([name != parameters.reference_site for name in sites], dtype=bool)
    harmonised = np.array(values, dtype=float)
    used = [index for index, name in enumerate(columns) if name in parameters.features]
    if not used:
        return harmonised
    features = [parameters.features[columns[index]] for index in used]
    deviation = np.sqrt(np.array([feature.variance for feature in features]))
    shifts = np.array([feature.shifts for feature in features]).T[site]
    scales = np.sqrt(np.array([feature.scales for feature in features]).T[site])
    # Element by element, without matrix products, whose rounding may depend on the number of rows.
    expected = np.tile(np.array([feature.mean for feature in features]), (len(harmonised), 1))
    for number, column in enumerate(covariate_values.T):
        expected += np.array([feature.effects[number] for feature in features]) * column[:, None]
    raw = harmonised[:, used]
    adjusted = ((raw - expected) / deviation - shifts) / scales * deviation + expected
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


def _covariate_matrix(covariates: Mapping[str, Sequence[float]], count: int) -> np.ndarray:
    """Shape (cases, covariates)."""
    if any(len(column) != count for column in covariates.values()):
        raise ValueError("a covariate needs one number per case")
    columns = np.array(list(covariates.values()), dtype=float).reshape(len(covariates), count)
    undefined = [name for name, column in zip(covariates, columns) if not np.isfinite(column).all()]
    if undefined:
        raise HarmonisationError(
            f"The covariate {', '.join(undefined)} is not known for every case.",
            remedy="Complete it, or leave it out.",
        )
    return columns.T


def _check_design(membership: np.ndarray, covariates: np.ndarray) -> None:
    cases, unknowns = len(membership), membership.shape[1] + covariates.shape[1]
    if cases <= unknowns:
        raise HarmonisationError(
            f"{cases} training cases are too few for {membership.shape[1]} sites and {covariates.shape[1]} covariates.",
            remedy="Leave covariates out.",
        )
    deviations = covariates.std(axis=0)
    scaled = (covariates - covariates.mean(axis=0)) / np.where(deviations > 0, deviations, 1)
    if np.linalg.matrix_rank(np.hstack([membership, scaled])) < unknowns:
        raise HarmonisationError(
            "The covariates cannot be separated from the sites or from each other: one is constant or "
            "follows from others.",
            remedy="Leave that one out.",
        )


def _usable(values: np.ndarray, membership: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Columns that are finite and vary within each site, also beyond what the covariates say; shape (columns,)."""
    usable = np.isfinite(values).all(axis=0)
    columns = values[:, usable]
    design = np.hstack([membership, covariates])
    rest = columns - design @ np.linalg.lstsq(design, columns, rcond=None)[0]
    smallest = _ROUNDING * np.abs(columns).max(axis=0, initial=0)
    vary = np.ones(columns.shape[1], dtype=bool)
    for inside in membership.T == 1:
        vary &= (np.ptp(columns[inside], axis=0) > smallest) & (np.abs(rest[inside]).max(axis=0) > smallest)
    usable[usable] = vary
    if vary.sum() < 2:
        raise HarmonisationError(
            f"ComBat learns from all features together; {int(vary.sum())} of {values.shape[1]} can be used "
            "(defined for every case and not constant within a site).",
            remedy="Give it more features, or leave harmonisation out.",
        )
    return usable


def _known_covariates(
    parameters: CombatParameters, covariates: Mapping[str, Sequence[float]], count: int
) -> np.ndarray:
    """Those that the parameters were fitted with, in their order; shape (cases, covariates)."""
    missing = [name for name in parameters.covariates if name not in covariates]
    if missing:
        raise HarmonisationError(
            f"The covariate {', '.join(missing)} is needed: these features were harmonised with it.",
            remedy="Give it for every case.",
        )
    return _covariate_matrix({name: covariates[name] for name in parameters.covariates}, count)
