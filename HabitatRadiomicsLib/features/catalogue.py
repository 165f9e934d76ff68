"""Names of feature columns: the only place where they are parsed, formatted and listed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from HabitatRadiomicsLib.errors import FeatureError
from HabitatRadiomicsLib.features.definitions import definition_of, features_of_class
from HabitatRadiomicsLib.protocol import FeatureSettings, ImageFilters

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
    names += [f"log-sigma-{str(float(sigma)).replace('.', '-')}-mm-3D" for sigma in filters.log_sigmas]
    return tuple(names)


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
