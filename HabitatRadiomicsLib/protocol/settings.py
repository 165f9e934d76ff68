"""The protocol: the settings of all steps, one class per step."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from HabitatRadiomicsLib.protocol.base import (
    EACH_ONCE,
    NAME_PATTERN,
    Finite,
    Positive,
    Settings,
    check_sequence_name,
    sequence_of,
    timepoint_of,
)
from HabitatRadiomicsLib.protocol.feature_settings import FeatureSettings
from HabitatRadiomicsLib.protocol.frozen_habitats import HabitatModel
from HabitatRadiomicsLib.protocol.learning_settings import LearningSettings
from HabitatRadiomicsLib.system.provenance import document_digest

FORMAT_VERSION: Literal[1] = 1

_REGION = re.compile(r"whole|habitats|ring|patch|S[1-9][0-9]*")


class BiasCorrection(Settings):
    """N4 bias field correction of MRI (Tustison 2010, doi 10.1109/TMI.2010.2046908).

    The field is estimated on a downsampled copy within an Otsu foreground, and applied at full resolution.
    """

    shrink_factor: int = Field(4, ge=1, le=16)
    iterations: tuple[Annotated[int, Field(ge=1)], ...] = (50, 50, 50, 50)


class IntensityWindow(Settings):
    """CT window: intensities outside it are set to the nearest bound."""

    lower: Finite
    upper: Finite

    @model_validator(mode="after")
    def _not_empty(self) -> IntensityWindow:
        if self.lower >= self.upper:
            raise ValueError("'lower' must be below 'upper'")
        return self


class Resampling(Settings):
    """Voxel spacing in mm along i, j, k; null: unchanged. Masks are resampled by nearest neighbour."""

    spacing: tuple[Positive | None, Positive | None, Positive | None]
    interpolator: Literal["bspline", "linear"] = "bspline"


class Normalisation(Settings):
    """``scale * (x - mean) / sd`` with mean and SD (n - 1) over the ROI or the whole image; ``clip`` in SD."""

    scope: Literal["roi", "image"] = "image"
    scale: Positive = 100.0
    clip: Positive | None = None


class Preprocessing(Settings):
    """The steps before an image is measured, in this order; null: the step is left out."""

    bias_correction: BiasCorrection | None = None
    resampling: Resampling | None = None
    window: IntensityWindow | None = None
    normalisation: Normalisation | None = None

    @property
    def arbitrary_units(self) -> str:
        """Why the same intensity in two images of a patient may not be the same tissue; empty if no setting implies
        it. MRI that is neither bias-corrected nor normalised cannot be recognised."""
        if self.normalisation is not None and self.normalisation.scope == "roi":
            return "z-scored over the lesion of each image"
        if self.normalisation is None and self.bias_correction is not None:
            return "corrected for a bias field, as MRI's arbitrary units are, and not normalised"
        return ""


class EntropySettings(Settings):
    """Local Shannon entropy in bits.

    ``shannon``: ``levels`` equal bins between the lowest and highest intensity of the scope; the window is restricted
    to the scope. ``matlab``: MATLAB's ``entropyfilt`` on a scaled image (256 levels, symmetric padding, whole image).
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
            raise ValueError("the definition 'matlab' needs levels: 256, scope: image and dimensions: 2")
        return self


class HabitatSettings(Settings):
    """Superpixels of each patient, and the population's clusters of them."""

    entropy: EntropySettings = EntropySettings()
    superpixels: int = Field(30, ge=2, le=500)
    minimum_superpixel_voxels: int = Field(10, ge=1)
    """A small ROI gets fewer superpixels, so that each has this many voxels on average."""
    clip: Positive | None = 3.0
    """Z-scores of intensity and entropy are clipped at this many SD, so that a few extreme voxels (in a vessel, or at
    the rim, where a window holds few voxels of the lesion) do not form a separate habitat; null: no clipping."""
    clustered_superpixels: int = Field(6000, ge=500)
    """Of a larger population, a random sample of whole patients with at most this many superpixels is clustered.
    Ward's method and the silhouette compare all pairs of superpixels: 1,000 patients would take 25 times as long as
    200, and 7 GB, although a sample estimates the centroids equally well. 200 patients with 30 superpixels each are
    clustered without sampling."""
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


#: Shrout and Fleiss' intraclass correlations of single measurements: (1,1) one-way, (2,1) two-way absolute agreement,
#: (3,1) two-way consistency.
IccForm = Literal["1,1", "2,1", "3,1"]


class RobustnessSettings(Settings):
    """Perturbed copies of every case, and the reliability that features must reach on them (Zwanenburg 2019,
    doi 10.1038/s41598-018-36938-4). If lesions were segmented again, by a second reader or by the same one, these
    readings replace the copies, and a feature must reach the threshold in each kind of reading.

    Each copy gets all perturbations whose amplitude is not 0: noise, then translation and rotation of the grid, then
    the contour.
    """

    threshold: float = Field(0.80, gt=0, le=1)
    """Features whose intraclass correlation reaches this are kept."""
    icc: IccForm = "1,1"
    """Shrout and Fleiss' form. The default is that of Zwanenburg 2019: the n-th copies of two cases have no rater in
    common. It is also the strictest form, since a shift of all copies counts against the feature.

    If the same readers segment all cases, ``2,1`` is the form for inter-observer and intra-observer agreement. For the
    latter, Koo and Li 2016 (doi 10.1016/j.jcm.2016.02.012) recommend absolute agreement in a mixed model, which has the
    same formula. ``3,1`` does not count it as disagreement if one reading draws all lesions larger."""
    cases: int = Field(20, ge=3)
    """The number of cases that are perturbed, spread evenly over the cohort; all cases of a smaller cohort."""
    copies: int = Field(10, ge=1, le=100)
    noise: float = Field(1.0, ge=0, le=10)
    """SD of the added noise, in multiples of the noise level of the image."""
    translation: float = Field(0.5, ge=0, le=1)
    """Largest shift along each axis, in voxels."""
    rotation_degrees: float = Field(5.0, ge=0, le=45)
    """Largest rotation about the slice axis, either way."""
    contour_mm: float = Field(1.0, ge=0, le=20)
    """SD of the displacement of the lesion's boundary."""
    contour_grain_mm: Positive = 5.0
    """Correlation length of the displacement along the boundary."""
    maximum_volume_change: float = Field(0.2, gt=0, lt=1)
    """Largest change of the lesion's volume by the new contour, as a fraction; a larger displacement is reduced."""
    interpolator: Literal["bspline", "linear"] = "bspline"

    @model_validator(mode="after")
    def _something_to_do(self) -> RobustnessSettings:
        if not any((self.noise, self.translation, self.rotation_degrees, self.contour_mm)):
            raise ValueError("give at least one of noise, translation, rotation_degrees and contour_mm")
        return self


class TimePoints(Settings):
    """Two time points of each patient, by their names in the image table. A model learns from the features at the
    first and from their changes (second minus first)."""

    baseline: str = Field("baseline", pattern=NAME_PATTERN)
    followup: str = Field("follow-up", pattern=NAME_PATTERN)
    habitat_scale: Literal["own", "baseline"] | None = None
    """The scale on which the lesion at follow-up is split into habitats.

    ``baseline``: the mean and SD of the same patient's lesion at baseline and, for entropy, its range of grey levels.
    A habitat then is the same kind of tissue at both times, and a change of its volume is a change of tissue. A habitat
    that disappears has no features. This needs intensities with a unit (Hounsfield, SUV, ADC, FA), or intensities
    normalised over the image.

    ``own``: the lesion's own mean and SD at that time. A habitat is then the relatively bright or heterogeneous part of
    the lesion, and only its share of the volume can be interpreted. MRI in arbitrary units needs this.

    Null: ``baseline`` for each sequence, but ``own`` where its preprocessing implies arbitrary units
    (:attr:`Preprocessing.arbitrary_units`). MRI that is measured as acquired cannot be recognised: write ``own`` for
    it."""

    @model_validator(mode="after")
    def _two(self) -> TimePoints:
        if self.baseline == self.followup or "delta" in (self.baseline, self.followup):
            raise ValueError("'baseline' and 'followup' must differ, and neither may be 'delta'")
        return self

    @property
    def names(self) -> tuple[str, str]:
        """Both, the earlier one first."""
        return (self.baseline, self.followup)


class RingLimits(Settings):
    """What the ring around a lesion excludes."""

    air_below: float | None = Field(-400.0, allow_inf_nan=False)
    """Intensities below this are air, outside or inside the body, in units of the acquired image (Hounsfield units in
    CT), before window and normalisation; null: air is not excluded."""
    body: bool = True
    """Restrict the ring to the body: the largest connected part that is not air, and the air that it encloses in a
    slice. If ``air_below`` is null, Otsu's threshold separates body and air."""
    other_labels: bool = True
    """Exclude other labels of the mask's file."""


class DeepSettings(Settings):
    """Features of the region ``patch``: the embedding of a network for the slice in which the lesion is largest."""

    network: str
    """An ONNX file, or the name of a bundled one, with the outputs ``embedding`` and ``features`` (the last map)."""
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the file; another file is refused. Null: any file. A trained model always states it."""
    patch: int = Field(160, ge=16, le=1024)
    """Side of the square patch around the lesion's centre, in pixels of the prepared image."""


class CombatSettings(Settings):
    """ComBat with parametric priors: brings the features of all sites to one scale (Johnson 2007,
    doi 10.1093/biostatistics/kxj037)."""

    mean_only: bool = False
    """Align only the means of the sites, not their spread."""
    reference_site: str | None = None
    """The site that stays unchanged; null: all sites are moved to their common mean."""


class Protocol(Settings):
    """All settings of all steps. Immutable; equal protocols have equal digests."""

    format_version: Literal[1] = FORMAT_VERSION
    name: str
    title: str
    reference: str = ""
    """The publication on which the settings are based."""
    needs: str = ""
    """What a cohort must provide, as a sentence."""
    gives: str = ""
    """What the protocol produces, as a sentence."""
    notes: str = ""
    sequences: Annotated[tuple[str, ...], Field(min_length=1), EACH_ONCE] | None = None
    """The sequences that every case must have; null: those that a case has."""
    timepoints: TimePoints | None = None
    """Null: one time point."""
    regions: Annotated[tuple[str, ...], Field(min_length=1), EACH_ONCE] = ("whole", "habitats")
    """``whole``, ``habitats`` (S1..SK), single ones like ``S2``, ``ring``, ``patch`` (deep features)."""
    ring_mm: Positive = 3.0
    ring_limits: RingLimits | None = None
    """Limits of the ring; null: none."""
    preprocessing: Preprocessing = Preprocessing()
    sequence_preprocessing: dict[str, Preprocessing] = Field(default_factory=dict)
    """The preprocessing of sequences that differ, e.g. PET in SUV, which must not be normalised."""
    habitats: HabitatSettings = HabitatSettings()
    features: FeatureSettings = FeatureSettings()
    deep: DeepSettings | None = None
    """Needed by the region ``patch``."""
    robustness: RobustnessSettings | None = None
    """Null: the reliability of features is not tested."""
    harmonisation: CombatSettings | None = None
    """Null: features are not harmonised."""
    learning: LearningSettings = LearningSettings()
    seed: int = Field(20240607, ge=0, lt=2**32)
    population: dict[str, HabitatModel] = Field(default_factory=dict)
    """Habitats fitted on a cohort, by sequence; empty: not fitted yet."""

    @field_validator("name")
    @classmethod
    def _a_file_name(cls, name: str) -> str:
        if not re.fullmatch(NAME_PATTERN, name):
            raise ValueError("use letters, digits and hyphens")
        return name

    @field_validator("sequences")
    @classmethod
    def _sequence_names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in names or ():
            check_sequence_name(name)
        return names

    @field_validator("regions")
    @classmethod
    def _region_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _REGION.fullmatch(name):
                raise ValueError(f"'{name}' is not a region: use whole, habitats, S1, S2, ..., ring or patch")
        return names

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        if ("patch" in self.regions) != (self.deep is not None):
            raise ValueError("the region 'patch' needs settings under 'deep', and the other way round")
        for name in self.learning.regions or ():
            habitat = "habitats" in self.regions and re.fullmatch(r"S[1-9][0-9]*", name)
            if name not in self.regions and not habitat:
                raise ValueError(f"learning.regions names '{name}', which is not one of the protocol's regions")
        if self.timepoints is not None and self.sequences is None:
            raise ValueError("with 'timepoints', name the 'sequences'")
        if self.timepoints is not None and self.timepoints.habitat_scale == "baseline":
            for name in self.sequences or ():
                if reason := self.preprocessing_of(name).arbitrary_units:
                    raise ValueError(
                        f"habitat_scale: baseline compares intensities of two images, but those of {name} are "
                        f"{reason}: normalise over the image, or write habitat_scale: own"
                    )
        for name, habitats in self.population.items():
            if habitats.sequence != name:
                raise ValueError(f"the habitats under '{name}' are those of '{habitats.sequence}'")
        return self

    def preprocessing_of(self, sequence: str) -> Preprocessing:
        """The preprocessing of a sequence, given by its name or by a case's key (``follow-up_CT``)."""
        return self.sequence_preprocessing.get(sequence_of(sequence), self.preprocessing)

    @property
    def keys(self) -> tuple[str, ...] | None:
        """The keys of a case's images: the sequences or, with two time points, each sequence at both
        (``baseline_CT, follow-up_CT``); None: those that the case has."""
        if self.timepoints is None or self.sequences is None:
            return self.sequences
        return tuple(f"{moment}_{name}" for name in self.sequences for moment in self.timepoints.names)

    def baseline_key(self, sequence: str) -> str:
        """The key of a sequence's image at baseline, ``baseline_CT``; with one time point, the sequence itself."""
        return sequence if self.timepoints is None else f"{self.timepoints.baseline}_{sequence}"

    def scale_key(self, key: str) -> str:
        """The key of the lesion on whose scale another is split into habitats: for ``follow-up_CT`` the baseline's, if
        ``habitat_scale`` says so; else the key itself."""
        moments = self.timepoints
        if moments is None or timepoint_of(key) != moments.followup or moments.habitat_scale == "own":
            return key
        comparable = moments.habitat_scale == "baseline" or not self.preprocessing_of(key).arbitrary_units
        return self.baseline_key(sequence_of(key)) if comparable else key

    def document(self) -> dict[str, object]:
        """The complete protocol as plain data, in a fixed order."""
        return self.model_dump(mode="json")

    @property
    def sha256(self) -> str:
        """Digest of all settings; equal protocols have the same digest, whichever file they come from."""
        return document_digest(self.document())
