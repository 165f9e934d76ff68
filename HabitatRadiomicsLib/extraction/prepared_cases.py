"""Prepared lesions on disk, so that each image is read, bias-corrected and divided into superpixels once.

The regions of a lesion are known only after the population's habitats have been found from the superpixels of all
cases. Until then, the data for measuring them are stored in ``prepared/<case>/<view>.npz``: for each sequence the
prepared image without loss of precision, the masks of lesion and ring, and the superpixel of each voxel. A file is
about as large as the prepared image: 4 bytes per voxel after N4, 8 after resampling or normalisation, fewer if there
are few distinct intensities. The folder may be deleted at any time; its files are created again when they are needed.
For protocols without habitats, nothing is stored.
"""

from __future__ import annotations

import io
import json
import logging
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case
from HabitatRadiomicsLib.cases.cohort import CohortCase
from HabitatRadiomicsLib.cases.mask import volume_ml
from HabitatRadiomicsLib.errors import HabitatRadiomicsError, RegionError
from HabitatRadiomicsLib.extraction.kept_cases import CaseImages
from HabitatRadiomicsLib.extraction.maps import needs_habitats, prepare_case, scale_doubts, scale_for
from HabitatRadiomicsLib.habitats import describe_lesion, voxels_on_input_grid
from HabitatRadiomicsLib.imaging import PreparedImage, PreparedSequence, ring_of
from HabitatRadiomicsLib.imaging.perturbation import perturbation_names, perturbed_case
from HabitatRadiomicsLib.outputs import write_bytes
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.system.provenance import document_digest, image_digest, versions

_log = logging.getLogger(__name__)

#: The view of a case with its original images and masks; the other views are repeated segmentations, named by their
#: kind, and perturbed copies.
ORIGINAL = "original"
#: The kind of repeated measurements on perturbed copies.
PERTURBED = "perturbed copies"
#: Settings on which superpixels depend. If another one changes (a title, the range of K, the learning), stored
#: superpixels are reused.
_SETTINGS = ("sequences", "preprocessing", "sequence_preprocessing", "seed")
_HABITAT_SETTINGS = ("entropy", "superpixels", "minimum_superpixel_voxels", "clip")
_LATER_ROBUSTNESS_SETTINGS = ("threshold", "icc", "cases", "copies")
#: Of zlib. Images are noisy: a higher level is much slower and compresses hardly better.
_COMPRESSION = 1


def superpixel_settings(protocol: Protocol) -> dict[str, Any]:
    """The settings on which the superpixels of a case and of its perturbed copies depend."""
    document: dict[str, Any] = protocol.document()
    robustness = document["robustness"]
    scales = {key: protocol.scale_key(key) for key in protocol.keys or () if protocol.scale_key(key) != key}
    return {
        # Without such scales, results that were stored before the setting existed stay valid.
        **({"scales": scales} if scales else {}),
        **{name: document[name] for name in _SETTINGS},
        "habitats": {name: document["habitats"][name] for name in _HABITAT_SETTINGS},
        "robustness": robustness
        and {name: value for name, value in robustness.items() if name not in _LATER_ROBUSTNESS_SETTINGS},
    }


def views_of(case: CohortCase, protocol: Protocol, *, perturbed: bool) -> tuple[str, ...]:
    """The views of a case that are measured: the original images and masks and, if requested, the repeated
    segmentations or, if there are none, the perturbed copies."""
    if not perturbed or protocol.robustness is None:
        return (ORIGINAL,)
    return (ORIGINAL, *(case.readings or perturbation_names(protocol.robustness)))


def prepared_views(
    case: Case, protocol: Protocol, views: Collection[str]
) -> Iterator[tuple[str, dict[str, PreparedSequence]]]:
    """The given views of a case, prepared, in the order of :func:`views_of`; a perturbed copy that cannot be made is
    left out."""
    for kind, sequences in {ORIGINAL: case.sequences, **case.readings}.items():
        if kind in views:
            yield kind, prepare_case(Case(case.case_id, sequences), protocol)
    settings = protocol.robustness
    if settings is None:
        return
    for number, name in enumerate(perturbation_names(settings), start=1):
        if name not in views:
            continue
        try:
            copy = prepare_case(perturbed_case(case, settings, number, seed=protocol.seed)[1], protocol)
        except HabitatRadiomicsError as error:  # the lesion reaches beyond the moved image, for instance
            _log.info("a perturbed copy could not be made: %s", error.problem)
            continue
        yield name, copy


@dataclass(frozen=True)
class Unmeasured:
    """Why a region of a lesion has no features, as a sentence, and the remedy."""

    problem: str
    remedy: str = ""


@dataclass(frozen=True)
class PreparedLesion(PreparedImage):
    """A prepared image with all data needed to find the regions of its lesion.

    Attributes:
        ring: its mask, or why there is none; None if the protocol has no ring.
        labels: superpixel of each lesion voxel, 0-based, in C order; None if the protocol has no habitats.
        warnings: from reading and preparing the image.
        volume_ml: of the lesion in the original image.
        image_sha256: digest of the original image, if the protocol has a network that may have seen it; else empty.
    """

    ring: sitk.Image | Unmeasured | None
    labels: np.ndarray | None
    warnings: tuple[str, ...]
    volume_ml: float
    image_sha256: str

    @classmethod
    def of(cls, prepared: PreparedSequence, protocol: Protocol, labels: np.ndarray | None) -> PreparedLesion:
        """From a prepared sequence and the superpixels of its voxels."""
        ring: sitk.Image | Unmeasured | None = None
        if "ring" in protocol.regions:
            try:
                ring = ring_of(prepared, protocol)
            except RegionError as error:
                ring = Unmeasured(error.problem, error.remedy)
        digest = "" if protocol.deep is None else image_digest(prepared.source.image)
        volume = volume_ml(prepared.source.mask)
        return cls(prepared.name, prepared.image, prepared.mask, ring, labels, prepared.warnings, volume, digest)


#: Lesions of one view by sequence (with two time points, the case's key).
LesionsOfView = dict[str, PreparedLesion]
#: The superpixel data of one view, by sequence; see :meth:`Preparation.fresh`.
Description = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Preparation:
    """Prepares the views of cases, and stores them in a folder; it is sent to other processes."""

    protocol: Protocol
    folder: Path
    key: str

    @classmethod
    def of(cls, protocol: Protocol, folder: Path, *, resample_mask: bool) -> Preparation:
        """The preparation by a protocol, in a cohort's folder of intermediate results."""
        document = protocol.document()
        ring = {name: document[name] for name in ("ring_mm", "ring_limits")} if "ring" in protocol.regions else None
        key = {
            "versions": versions(), "settings": superpixel_settings(protocol), "resample": resample_mask, "ring": ring,
            "digest": protocol.deep is not None, "timepoints": protocol.timepoints is not None,
        }  # fmt: skip
        return cls(protocol, folder.absolute() / "prepared", document_digest(key))

    def lesions(self, images: CaseImages, views: Collection[str]) -> Iterator[tuple[str, LesionsOfView]]:
        """The lesions of views: first the stored ones, then the others, computed from the images."""
        missing = []
        for view in views:
            kept = _restored(self._path(images, view), self._key_of(images))
            if kept is None:
                missing.append(view)
            else:
                yield view, kept
        for view, lesions, _ in self.fresh(images, missing):
            yield view, lesions

    def fresh(self, images: CaseImages, views: Collection[str]) -> Iterator[tuple[str, LesionsOfView, Description]]:
        """Views computed from the images, which are read once, and stored if the protocol has habitats.

        Returns with each view its lesions and, for each sequence, ``means`` (z-scored intensity and entropy) and
        ``sizes`` of the superpixels. The original view also has ``measured`` (mean intensity of the prepared image,
        mean local entropy in bits), ``doubts`` (sentences) and, with two time points, ``input_voxels`` and
        ``voxel_ml``.

        Raises:
            RegionError: a lesion of the original view cannot be divided into superpixels. In another view, the
                sequence is left out.
        """
        if not views:
            return
        has_habitats = needs_habitats(self.protocol)
        for view, prepared in prepared_views(images.read(), self.protocol, views):
            lesions: LesionsOfView = {}
            description: Description = {}
            for name in prepared:
                labels = None
                try:
                    if has_habitats:
                        labels, description[name] = self._described(name, prepared, full=view == ORIGINAL)
                except HabitatRadiomicsError:
                    if view == ORIGINAL:
                        raise
                    continue  # a perturbed lesion may be too small
                lesions[name] = PreparedLesion.of(prepared[name], self.protocol, labels)
            if has_habitats:
                _keep(self._path(images, view), self._key_of(images), lesions)
            yield view, lesions, description

    def _described(
        self, name: str, prepared: Mapping[str, PreparedSequence], *, full: bool
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """The superpixel of each voxel of a lesion, and the data of the superpixels; see :meth:`fresh`."""
        protocol, sequence = self.protocol, prepared[name]
        scale = scale_for(name, prepared, protocol)
        entropy, superpixels, _ = describe_lesion(sequence, protocol.habitats, seed=protocol.seed, scale=scale)
        row: dict[str, Any] = {"means": superpixels.means.tolist(), "sizes": superpixels.sizes.tolist()}
        if full:
            intensity = sitk.GetArrayViewFromImage(sequence.image)[sitk.GetArrayViewFromImage(sequence.mask) == 1]
            means = [
                np.bincount(superpixels.labels, weights=values) / superpixels.sizes for values in (intensity, entropy)
            ]
            row["measured"] = np.column_stack(means).tolist()
            before = prepared[protocol.scale_key(name)]
            row["doubts"] = [] if scale is None else scale_doubts(sequence, before, scale, protocol)
        if full and protocol.timepoints is not None:
            counts, row["voxel_ml"] = voxels_on_input_grid(sequence, superpixels)
            row["input_voxels"] = counts.tolist()
        return superpixels.labels, row

    def _path(self, images: CaseImages, view: str) -> Path:
        return self.folder / images.case.case_id / f"{view}.npz"

    def _key_of(self, images: CaseImages) -> str:
        return document_digest({"preparation": self.key, "inputs": images.digests})


def _keep(path: Path, key: str, lesions: LesionsOfView) -> None:
    """Store arrays in NumPy's format and all else as JSON: medical formats do not store the geometry exactly."""
    facts: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, lesion in lesions.items():
        facts[name] = {
            "geometry": [lesion.image.GetSpacing(), lesion.image.GetOrigin(), lesion.image.GetDirection()],
            "warnings": lesion.warnings,
            "volume_ml": lesion.volume_ml,
            "image_sha256": lesion.image_sha256,
        }
        arrays[f"{name}/image"] = sitk.GetArrayViewFromImage(lesion.image)
        arrays[f"{name}/mask"] = sitk.GetArrayViewFromImage(lesion.mask)
        assert lesion.labels is not None
        arrays[f"{name}/labels"] = lesion.labels.astype(np.uint16)
        if isinstance(lesion.ring, Unmeasured):
            facts[name]["ring"] = [lesion.ring.problem, lesion.ring.remedy]
        elif lesion.ring is not None:
            arrays[f"{name}/ring"] = sitk.GetArrayViewFromImage(lesion.ring)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        with archive.open("facts.json", "w") as member:  # writestr would store the time
            member.write(json.dumps({"key": key, "lesions": facts}).encode())
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, stream.getvalue())


def _restored(path: Path, key: str) -> LesionsOfView | None:
    """The stored lesions; None if there are none, or if they belong to other inputs or settings or are damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            document = json.loads(archive.read("facts.json"))
            if document["key"] != key:
                return None
            return {name: _lesion(archive, name, facts) for name, facts in document["lesions"].items()}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None


def _lesion(archive: zipfile.ZipFile, name: str, facts: Mapping[str, Any]) -> PreparedLesion:
    def array(part: str) -> np.ndarray:
        with archive.open(f"{name}/{part}.npy") as member:
            return np.asarray(np.lib.format.read_array(member, allow_pickle=False))

    def image(part: str) -> sitk.Image:
        restored = sitk.GetImageFromArray(array(part))
        spacing, origin, direction = facts["geometry"]
        restored.SetSpacing(spacing)
        restored.SetOrigin(origin)
        restored.SetDirection(direction)
        return restored

    ring: sitk.Image | Unmeasured | None = Unmeasured(*facts["ring"]) if "ring" in facts else None
    if f"{name}/ring.npy" in archive.namelist():
        ring = image("ring")
    return PreparedLesion(
        name, image("image"), image("mask"), ring, array("labels"), tuple(facts["warnings"]), facts["volume_ml"],
        facts["image_sha256"],
    )  # fmt: skip
