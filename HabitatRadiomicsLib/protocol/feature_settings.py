"""What is measured in a region, and on which images."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from HabitatRadiomicsLib.protocol.base import EACH_ONCE, Positive, Settings, sequence_of


class Discretisation(Settings):
    """Grey levels for texture: bins of a fixed width (aligned to zero, as in pyradiomics) or a fixed number."""

    bin_width: Positive | None = None
    bin_count: int | None = Field(None, ge=2)

    @model_validator(mode="after")
    def _exactly_one(self) -> Discretisation:
        if (self.bin_width is None) == (self.bin_count is None):
            raise ValueError("give either 'bin_width' or 'bin_count'")
        return self


class ImageFilters(Settings):
    """The images on which features are computed. Definitions and names are those of pyradiomics."""

    original: bool = True
    wavelet: str | None = "coif1"
    square: bool = True
    square_root: bool = True
    logarithm: bool = True
    exponential: bool = True
    gradient: bool = True
    lbp_2d: bool = True
    log_sigmas: Annotated[tuple[Positive, ...], EACH_ONCE] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    """Laplacian of Gaussian, sigma in mm."""

    @field_validator("wavelet")
    @classmethod
    def _known_wavelet(cls, name: str | None) -> str | None:
        import pywt

        if name is not None and name not in pywt.wavelist(kind="discrete"):
            raise ValueError("PyWavelets has no discrete wavelet of this name")
        return name


class TextureSettings(Settings):
    """How texture matrices are computed. Definitions and defaults are those of pyradiomics."""

    distances: Annotated[tuple[Annotated[int, Field(ge=1)], ...], EACH_ONCE] = Field((1,), min_length=1)
    """Neighbours in GLCM, GLDM and NGTDM: voxels at these Chebyshev distances (1: including edges and corners)."""
    weighting: Literal["manhattan", "euclidean", "infinity", "no_weighting"] | None = None
    """Null: GLCM and GLRLM features are averaged over the directions. Otherwise they are computed from the weighted
    sum of the directions' matrices. With d, the length of the direction in mm under this norm, the weight is
    ``exp(-d^2)`` for GLCM and ``d`` for GLRLM; ``no_weighting`` gives every direction the weight 1."""
    symmetrical_glcm: bool = True
    """Whether a pair of voxels counts in both orders."""
    gldm_alpha: int = Field(0, ge=0)
    """In GLDM, neighbours are dependent if their grey levels differ by no more than this."""


FeatureClass = Literal["shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"]


class FeatureSettings(Settings):
    """What is measured in each region."""

    engine: Literal["auto", "built-in", "pyradiomics"] = "auto"
    """``auto`` is ``built-in``, which needs no further package; the reference, ``pyradiomics``, must be installed."""
    classes: tuple[FeatureClass, ...] = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    images: ImageFilters = ImageFilters()
    discretisation: Discretisation = Discretisation(bin_width=25.0)
    sequence_discretisation: dict[str, Discretisation] = Field(default_factory=dict)
    """The discretisation of sequences that differ, e.g. PET in SUV."""
    force_2d: bool = False
    """Texture slice by slice (in the i-j plane) rather than in 3D."""
    texture: TextureSettings = TextureSettings()
    excluded: Annotated[tuple[str, ...], EACH_ONCE] = ()
    """Features that are not computed on any image, e.g. ``glcm_MCC``; the catalogue refuses unknown names."""
    minimum_region_voxels: int = Field(32, ge=2)
    """A region with fewer voxels is refused: its texture would be noise."""

    @field_validator("excluded")
    @classmethod
    def _features_of_classes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            kind, _, feature = name.partition("_")
            if kind not in get_args(FeatureClass) or not feature.isalnum():
                raise ValueError(f"'{name}' is not the name of a feature: write class and feature, as glcm_MCC")
        return names

    def discretisation_of(self, sequence: str) -> Discretisation:
        """The discretisation of a sequence, given by its name or by a case's key (``follow-up_CT``)."""
        return self.sequence_discretisation.get(sequence_of(sequence), self.discretisation)
