"""The settings themselves, one class per step."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from HabitatRadiomicsLib.protocol.frozen_habitats import HabitatModel
from HabitatRadiomicsLib.provenance import document_digest

FORMAT_VERSION: Literal[1] = 1

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
#: Of protocols, models and sequences: they become parts of file and column names.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9-]*$"
_NAME = re.compile(NAME_PATTERN)
_REGION = re.compile(r"whole|habitats|ring|S[1-9][0-9]*")


class _Settings(BaseModel):
    # Defaults are validated too, so that a preset and its written-out form are the same document.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class BiasCorrection(_Settings):
    """N4 bias field correction of MRI (Tustison 2010, doi 10.1109/TMI.2010.2046908).

    The field is estimated on a shrunken copy, inside an Otsu foreground, and applied at full resolution.
    """

    shrink_factor: int = Field(4, ge=1, le=16)
    iterations: tuple[Annotated[int, Field(ge=1)], ...] = (50, 50, 50, 50)


class IntensityWindow(_Settings):
    """CT window: intensities outside are set to the nearest bound."""

    lower: float = Field(allow_inf_nan=False)
    upper: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _not_empty(self) -> IntensityWindow:
        if self.lower >= self.upper:
            raise ValueError("'lower' must be below 'upper'")
        return self


class Resampling(_Settings):
    """Voxel spacing in mm along i, j, k; null keeps an axis as it is. Masks are resampled by nearest neighbour."""

    spacing: tuple[_Positive | None, _Positive | None, _Positive | None]
    interpolator: Literal["bspline", "linear"] = "bspline"


class Normalisation(_Settings):
    """``scale * (x - mean) / sd``, mean and sd (n - 1) over the ROI or the whole image; ``clip`` in sd."""

    scope: Literal["roi", "image"] = "image"
    scale: _Positive = 100.0
    clip: _Positive | None = None


class Preprocessing(_Settings):
    """What happens to an image before it is measured, in this order; null leaves a step out."""

    bias_correction: BiasCorrection | None = None
    resampling: Resampling | None = None
    window: IntensityWindow | None = None
    normalisation: Normalisation | None = None


class EntropySettings(_Settings):
    """Local Shannon entropy in bits.

    ``shannon``: ``levels`` equal bins between the lowest and highest intensity of the scope; window cut to the scope.
    ``matlab``: MATLAB's ``entropyfilt`` on a scaled image: 256 levels, symmetric padding, always over the image.
    """

    definition: Literal["shannon", "matlab"] = "shannon"
    window: int = Field(9, ge=3, le=31)
    dimensions: Literal[2, 3] = 2
    levels: int = Field(32, ge=2, le=256)
    scope: Literal["roi", "image"] = "roi"

    @model_validator(mode="after")
    def _consistent(self) -> EntropySettings:
        if self.window % 2 == 0:
            raise ValueError("'window' must be odd, so that it has a centre")
        if self.definition == "matlab" and (self.levels, self.scope, self.dimensions) != (256, "image", 2):
            raise ValueError("the definition 'matlab' goes with levels: 256, scope: image and dimensions: 2")
        return self


class HabitatSettings(_Settings):
    """Superpixels of each patient, and the population's clusters of them."""

    entropy: EntropySettings = EntropySettings()
    superpixels: int = Field(30, ge=2, le=500)
    minimum_superpixel_voxels: int = Field(10, ge=1)
    """A small ROI gets fewer superpixels, so that each has this many voxels on average."""
    clip: _Positive | None = 3.0
    """Z-scores of intensity and entropy are cut at this many SD, so that a few extreme voxels (at the rim, where a
    window holds few of the lesion's, or in a vessel) do not become a habitat of their own; null: they are not."""
    clustered_superpixels: int = Field(6000, ge=500)
    """Of a larger population a random sample of whole patients with at most this many superpixels is clustered: Ward
    and the silhouette compare each superpixel with each other one, so that 1,000 patients would take 25 times as long
    as 200, and 7 GB, for centroids that a sample tells as well. 200 patients of 30 superpixels are clustered whole."""
    k_min: int = Field(2, ge=2)
    k_max: int = Field(10, ge=2, le=30)
    nearly_empty_fraction: float = Field(0.01, ge=0, lt=1)
    """A habitat below this fraction of the ROI is nearly empty."""
    nearly_empty_cases: float = Field(0.2, ge=0, le=1)
    """K is rejected when its smallest habitat is nearly empty in more than this fraction of the patients."""

    @model_validator(mode="after")
    def _range(self) -> HabitatSettings:
        if self.k_min > self.k_max:
            raise ValueError("'k_min' must not be above 'k_max'")
        return self


class Discretisation(_Settings):
    """Grey levels for texture: bins of a fixed width (aligned to zero, as pyradiomics does) or a fixed number."""

    bin_width: _Positive | None = None
    bin_count: int | None = Field(None, ge=2)

    @model_validator(mode="after")
    def _exactly_one(self) -> Discretisation:
        if (self.bin_width is None) == (self.bin_count is None):
            raise ValueError("give either 'bin_width' or 'bin_count'")
        return self


class ImageFilters(_Settings):
    """The images that features are computed on. Definitions and names are pyradiomics'."""

    original: bool = True
    wavelet: str | None = "coif1"
    square: bool = True
    square_root: bool = True
    logarithm: bool = True
    exponential: bool = True
    gradient: bool = True
    lbp_2d: bool = True
    log_sigmas: tuple[_Positive, ...] = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    """Laplacian of Gaussian, sigma in mm."""

    @field_validator("wavelet")
    @classmethod
    def _known_wavelet(cls, name: str | None) -> str | None:
        import pywt

        if name is not None and name not in pywt.wavelist(kind="discrete"):
            raise ValueError("PyWavelets knows no discrete wavelet of this name")
        return name

    @field_validator("log_sigmas")
    @classmethod
    def _distinct(cls, sigmas: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(sigmas)) != len(sigmas):
            raise ValueError("each sigma may stand there once")
        return sigmas


#: Shrout and Fleiss' intraclass correlations of single measurements: (1,1) one-way, (2,1) two-way absolute agreement,
#: (3,1) two-way consistency.
IccForm = Literal["1,1", "2,1", "3,1"]


class TextureSettings(_Settings):
    """How the texture matrices are made. Definitions and defaults are pyradiomics'."""

    distances: tuple[Annotated[int, Field(ge=1)], ...] = Field((1,), min_length=1)
    """Neighbours of GLCM, GLDM and NGTDM: voxels at these Chebyshev distances (1: also by edges and corners)."""
    weighting: Literal["manhattan", "euclidean", "infinity", "no_weighting"] | None = None
    """Null: features of GLCM and GLRLM are averaged over the directions. Else they are those of the weighted sum of the
    directions' matrices: by the length d of the direction in mm, by this norm, GLCM with ``exp(-d^2)`` and GLRLM with
    ``d``; with ``no_weighting``, 1."""
    symmetrical_glcm: bool = True
    """Whether a pair of voxels counts in both orders."""
    gldm_alpha: int = Field(0, ge=0)
    """Neighbours are dependent in GLDM if their grey levels differ by no more than this."""

    @field_validator("distances")
    @classmethod
    def _distinct(cls, distances: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(distances)) != len(distances):
            raise ValueError("each distance may stand there once")
        return distances


FeatureClass = Literal["shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"]


class FeatureSettings(_Settings):
    """What is measured in each region."""

    engine: Literal["auto", "built-in", "pyradiomics"] = "auto"
    """``auto`` is ``built-in``, which needs nothing else; ``pyradiomics``, the reference, has to be installed."""
    classes: tuple[FeatureClass, ...] = ("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
    images: ImageFilters = ImageFilters()
    discretisation: Discretisation = Discretisation(bin_width=25.0)
    sequence_discretisation: dict[str, Discretisation] = {}
    """Sequences that differ, e.g. PET in SUV."""
    force_2d: bool = False
    """Texture slice by slice (in the i-j plane) rather than in 3D."""
    texture: TextureSettings = TextureSettings()
    minimum_region_voxels: int = Field(32, ge=2)
    """A region with fewer voxels is refused: its texture would be noise."""

    def discretisation_of(self, sequence: str) -> Discretisation:
        """The discretisation that holds for a sequence."""
        return self.sequence_discretisation.get(sequence, self.discretisation)


class RobustnessSettings(_Settings):
    """Perturbed copies of every case, and the reliability that a feature must keep on them (Zwanenburg 2019,
    doi 10.1038/s41598-018-36938-4).

    Each copy is perturbed in every way whose amplitude is not 0: noise, then translation and rotation of the grid,
    then the contour.
    """

    threshold: float = Field(0.80, gt=0, le=1)
    """Features whose intraclass correlation reaches this are kept."""
    icc: IccForm = "1,1"
    """Shrout and Fleiss' form: that of Zwanenburg 2019, since the copies of two cases have nothing in common that would
    make them the same rater, and the strictest, since it counts a shift of all copies against the feature."""
    cases: int = Field(20, ge=3)
    """How many cases of a cohort are copied, spread evenly over its table; fewer when there are fewer."""
    copies: int = Field(10, ge=1, le=100)
    noise: float = Field(1.0, ge=0, le=10)
    """SD of the added noise, in multiples of the level that the image has already."""
    translation: float = Field(0.5, ge=0, le=1)
    """Largest shift along each axis, in voxels."""
    rotation_degrees: float = Field(5.0, ge=0, le=45)
    """Largest rotation about the slice axis, either way."""
    contour_mm: float = Field(1.0, ge=0, le=20)
    """SD of the displacement of the lesion's boundary."""
    contour_grain_mm: _Positive = 5.0
    """How far along the boundary its displacement stays alike."""
    maximum_volume_change: float = Field(0.2, gt=0, lt=1)
    """Of the lesion, by its contour, as a fraction; a displacement that changes more is made smaller."""
    interpolator: Literal["bspline", "linear"] = "bspline"

    @model_validator(mode="after")
    def _something_to_do(self) -> RobustnessSettings:
        if not any((self.noise, self.translation, self.rotation_degrees, self.contour_mm)):
            raise ValueError("give at least one of noise, translation, rotation_degrees and contour_mm")
        return self


class CombatSettings(_Settings):
    """ComBat: sites' features on one scale (Johnson 2007, doi 10.1093/biostatistics/kxj037), parametric priors."""

    mean_only: bool = False
    """Align the sites' means and leave their spread."""
    reference_site: str | None = None
    """The site that stays as it is and that the others are brought to; null: all move to their common mean."""


class LearningSettings(_Settings):
    """From a feature table to a rad-score."""

    regions: tuple[str, ...] | None = None
    """Regions whose features may enter the score, of those under the protocol's ``regions``; null: all."""
    univariate_test: Literal["mann-whitney", "by-normality"] = "mann-whitney"
    """``by-normality``: Welch's t where both outcomes look normal (Shapiro-Wilk p > 0.05), else Mann-Whitney."""
    significance: float = Field(0.05, gt=0, le=1)
    """Features whose p in this test is not below this are dropped."""
    maximum_correlation: float = Field(0.9, gt=0, le=1)
    """Of two features with a higher |Pearson r|, the one with the larger p is dropped."""
    maximum_features: int = Field(10, ge=1)
    penalty_rule: Literal["minimum", "one-standard-error"] = "minimum"
    """The LASSO's lambda: with the smallest cross-validated deviance, or the largest within a standard error of it."""
    folds: int = Field(5, ge=2)
    repeats: int = Field(5, ge=1)
    """How often the cross-validation is repeated with other folds."""
    bootstraps: int = Field(200, ge=50)
    """Of the coefficients, for the interval of a score."""
    permutations: int = Field(100, ge=0)
    """Of the outcomes, to test the whole procedure; 0: not tested."""
    optimism_bootstraps: int = Field(100, ge=0)
    """Of the whole procedure, for the optimism of its AUC and how often features are selected; 0: none."""
    learning_curve: bool = True


class Protocol(_Settings):
    """Every setting of every step. Immutable; equal protocols have equal digests."""

    format_version: Literal[1] = FORMAT_VERSION
    name: str
    title: str
    reference: str = ""
    """The publication that the settings follow."""
    notes: str = ""
    sequences: tuple[str, ...] | None = None
    """The sequences that a case must have; null: whatever it has."""
    regions: tuple[str, ...] = ("whole", "habitats")
    """``whole``, ``habitats`` (S1..SK), single ones like ``S2``, ``ring``."""
    ring_mm: _Positive = 3.0
    preprocessing: Preprocessing = Preprocessing()
    sequence_preprocessing: dict[str, Preprocessing] = {}
    """Sequences that differ, e.g. PET in SUV, which must not be normalised."""
    habitats: HabitatSettings = HabitatSettings()
    features: FeatureSettings = FeatureSettings()
    robustness: RobustnessSettings | None = None
    """Perturbed copies and the reliability asked of features on them; null: features are not tested."""
    harmonisation: CombatSettings | None = None
    """Null: features of all sites are taken as they are."""
    learning: LearningSettings = LearningSettings()
    seed: int = Field(20240607, ge=0, lt=2**32)
    population: dict[str, HabitatModel] = {}
    """Habitats fitted on a cohort, by sequence; empty: none yet."""

    @field_validator("name")
    @classmethod
    def _a_file_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("use letters, digits and hyphens")
        return name

    @field_validator("sequences")
    @classmethod
    def _sequence_names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is None:
            return None
        for name in names:
            check_sequence_name(name)
        if not names or len(set(names)) != len(names):
            raise ValueError("name at least one sequence, and each once")
        return names

    @field_validator("regions")
    @classmethod
    def _region_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _REGION.fullmatch(name):
                raise ValueError(f"'{name}' is not a region: use whole, habitats, S1, S2, ... or ring")
        if not names or len(set(names)) != len(names):
            raise ValueError("name at least one region, and each once")
        return names

    @model_validator(mode="after")
    def _learning_regions(self) -> Protocol:
        habitats = "habitats" in self.regions
        for name in self.learning.regions or ():
            if name not in self.regions and not (habitats and re.fullmatch(r"S[1-9][0-9]*", name)):
                raise ValueError(f"learning.regions names '{name}', which is not under the protocol's regions")
        return self

    @model_validator(mode="after")
    def _population_names(self) -> Protocol:
        for name, habitats in self.population.items():
            if habitats.sequence != name:
                raise ValueError(f"the habitats under '{name}' are those of '{habitats.sequence}'")
        return self

    def preprocessing_of(self, sequence: str) -> Preprocessing:
        """The preprocessing that holds for a sequence."""
        return self.sequence_preprocessing.get(sequence, self.preprocessing)

    def document(self) -> dict[str, object]:
        """The protocol as plain data, complete, in a fixed order."""
        return self.model_dump(mode="json")

    @property
    def sha256(self) -> str:
        """Digest of every setting; equal protocols have the same, whichever file they come from."""
        return document_digest(self.document())


def check_sequence_name(name: str) -> None:
    """A sequence name becomes part of column and file names: letters, digits and hyphens only.

    Raises:
        ValueError: it has another character, an underscore for instance.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is not a sequence name: use letters, digits and hyphens")
