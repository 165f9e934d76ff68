"""Names of feature columns, parsed, formatted and listed only here; and what each feature measures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.protocol import FeatureSettings, ImageFilters
from HabitatRadiomicsLib.system.resources import resources_folder

#: Prefix of clinical columns in a feature table: ``clinical:age``.
CLINICAL = "clinical:"
#: The first term of a nomogram.
RAD_SCORE_TERM = "rad-score"
#: The region whose features a neural network gives.
PATCH = "patch"

_PATTERN = re.compile(
    r"(?:(?P<timepoint>[A-Za-z0-9-]+)_)?(?P<sequence>[A-Za-z0-9-]+)_(?P<region>whole|ring|patch|S[1-9][0-9]*)"
    r"_(?P<image>[A-Za-z0-9-]+)_(?P<feature_class>shape|firstorder|glcm|glrlm|glszm|gldm|ngtdm|deep)"
    r"_(?P<feature>[A-Za-z0-9]+)"
)


@dataclass(frozen=True)
class FeatureName:
    """``[timepoint_]sequence_region_image_class_Feature``, e.g. ``T2FS_S2_wavelet-LLH_glcm_MCC``.

    ``image`` is pyradiomics' name of the filtered image; ``timepoint`` is ``delta`` for a change. Deep features have
    the region ``patch`` and the class ``deep``: ``CT_patch_original_deep_E001``.
    """

    sequence: str
    region: str
    image: str
    feature_class: str
    feature: str
    timepoint: str | None = None

    def __str__(self) -> str:
        return f"{self.key}_{self.region}_{self.within_region}"

    @property
    def key(self) -> str:
        """The key of the image: ``CT``, ``baseline_CT``, or ``delta_CT`` for a change."""
        return f"{self.timepoint}_{self.sequence}" if self.timepoint else self.sequence

    @property
    def place(self) -> str:
        """Where the feature was measured, for readers: ``T1W S2``, ``delta CT whole``."""
        return f"{self.key.replace('_', ' ')} {self.region}"

    @property
    def within_region(self) -> str:
        """``image_class_Feature``, as pyradiomics names it."""
        return f"{self.image}_{self.feature_class}_{self.feature}"


def parse(column: str) -> FeatureName:
    """The parts of a column name.

    Raises:
        FeatureError: it is not a feature's name.
    """
    match = _PATTERN.fullmatch(column)
    if match is None:
        raise FeatureError(
            f"'{column}' is not the name of a feature.",
            remedy="Names are <sequence>_<region>_<filter>_<class>_<Feature>.",
        )
    return FeatureName(**match.groupdict())


def image_names(filters: ImageFilters, *, force_2d: bool = False) -> tuple[str, ...]:
    """The images of a filter set, by pyradiomics' names, in a fixed order; wavelets in 2D have two letters."""
    names = ["original"] if filters.original else []
    if filters.wavelet is not None:
        names += [f"wavelet-{''.join(bands)}" for bands in product("LH", repeat=2 if force_2d else 3)]
    single = {
        "square": filters.square,
        "squareroot": filters.square_root,
        "logarithm": filters.logarithm,
        "exponential": filters.exponential,
        "gradient": filters.gradient,
        "lbp-2D": filters.lbp_2d,
    }
    names += [name for name, wanted in single.items() if wanted]
    return (*names, *log_sigmas(filters))


def log_sigmas(filters: ImageFilters) -> dict[str, float]:
    """Sigma in mm of each Laplacian of Gaussian, by the image's name."""
    return {f"log-sigma-{str(float(sigma)).replace('.', '-')}-mm-3D": sigma for sigma in filters.log_sigmas}


def feature_names(settings: FeatureSettings) -> tuple[str, ...]:
    """Every ``image_class_Feature`` of one region: 14 of shape + 93 per image when all classes are on and no feature is
    excluded.

    With the default filters that is 1,967 in 3D (21 images) and 1,595 in 2D (17).

    Raises:
        FeatureError: an excluded feature does not exist.
    """
    for name in settings.excluded:
        definition_of(*name.split("_"))
    wanted = {
        kind: [name for name in features_of_class(kind) if f"{kind}_{name}" not in settings.excluded]
        for kind in settings.classes
    }
    names = [f"original_shape_{name}" for name in wanted.pop("shape", [])]
    for image in image_names(settings.images, force_2d=settings.force_2d):
        names += [f"{image}_{kind}_{feature}" for kind, features in wanted.items() for feature in features]
    return tuple(names)


def by_image_and_class(names: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Groups ``image_class_Feature`` names by image and class, keeping their order."""
    grouped: dict[str, dict[str, list[str]]] = {}
    for name in names:
        image, kind, feature = name.split("_")
        grouped.setdefault(image, {}).setdefault(kind, []).append(feature)
    return grouped


@dataclass(frozen=True)
class FeatureDefinition:
    """A row of ``Resources/Features/definitions.csv``; ``ibsi`` is the IBSI's code, or empty."""

    feature_class: str
    feature: str
    title: str
    ibsi: str
    unit: str
    definition: str


def definition_of(feature_class: str, feature: str) -> FeatureDefinition:
    """The definition of a feature, also of a component of a network's embedding (class ``deep``, ``E001``).

    Raises:
        FeatureError: there is no such feature.
    """
    if feature_class == "deep" and (component := re.fullmatch(r"E([0-9]{3,})", feature)):
        number = int(component[1])
        text = (
            f"Component {number} of the embedding that the protocol's network gives for the patch around the lesion in "
            "the slice where it is largest. Components of different networks cannot be compared."
        )
        return FeatureDefinition("deep", feature, f"Embedding component {number}", "", "1", text)
    try:
        return _table()[feature_class, feature]
    except KeyError:
        known = ", ".join(features_of_class(feature_class))
        raise FeatureError(
            f"There is no feature {feature} in the class {feature_class}.",
            remedy=f"The class has {known}." if known else "",
        ) from None


def features_of_class(feature_class: str) -> tuple[str, ...]:
    """The features of a class, in the table's order."""
    return tuple(feature for kind, feature in _table() if kind == feature_class)


@cache
def _table() -> dict[tuple[str, str], FeatureDefinition]:
    import pandas as pd

    table = pd.read_csv(resources_folder() / "Features" / "definitions.csv", dtype=str, keep_default_na=False)
    rows = [FeatureDefinition(**row) for row in table.rename(columns={"class": "feature_class"}).to_dict("records")]
    return {(row.feature_class, row.feature): row for row in rows}
