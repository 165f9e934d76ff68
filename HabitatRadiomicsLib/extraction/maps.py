"""From a patient's images to entropy maps and habitats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from HabitatRadiomicsLib.cases import Case, title_of
from HabitatRadiomicsLib.errors import RegionError
from HabitatRadiomicsLib.habitats import HabitatMap, LesionScale, lesion_scale, map_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol, load_protocol
from HabitatRadiomicsLib.protocol.base import sequence_of

#: Voxel sizes that differ by less are taken as equal: headers are rounded.
_SAME_SPACING = 0.02
#: If more of a lesion lies beyond the baseline's scale, its habitats hardly correspond to those of the baseline.
_MOST = 0.5


def needs_habitats(protocol: Protocol) -> bool:
    """Whether any region is a habitat."""
    return any(region not in ("whole", "ring", "patch") for region in protocol.regions)


def prepare_case(case: Case, protocol: Protocol, progress: Progress = silent) -> dict[str, PreparedSequence]:
    """All sequences of a case, preprocessed as the protocol says."""
    prepared = {}
    for index, (name, sequence) in enumerate(case.sequences.items()):
        progress(index / len(case.sequences), f"preparing {sequence.title}")
        prepared[name] = prepare(sequence, protocol.preprocessing_of(name))
    return prepared


def baseline_first(keys: Iterable[str], protocol: Protocol) -> list[str]:
    """Keys in the order for :func:`map_sequence`: the baseline before the follow-up, which depends on it."""
    return sorted(keys, key=lambda key: key != protocol.baseline_key(sequence_of(key)))


def scale_for(name: str, prepared: Mapping[str, PreparedSequence], protocol: Protocol) -> LesionScale | None:
    """The scale of the baseline lesion if the protocol uses it for this image; None: the lesion's own scale.

    Raises:
        RegionError: there is no baseline image, or its lesion has a single intensity.
    """
    key = protocol.scale_key(name)
    if key == name:
        return None
    if key not in prepared:
        raise RegionError(
            f"Habitats of {title_of(name)} are found on the scale of {title_of(key)}, which is missing.",
            where=title_of(name),
            remedy=f"Give {key}, or let the protocol say timepoints: {{habitat_scale: own}}.",
        )
    scale = lesion_scale(prepared[key], protocol.habitats)
    if not scale.intensity_sd:
        raise RegionError(
            f"Habitats of {title_of(name)} are found on the scale of {title_of(key)}, where the lesion has a "
            "single intensity.",
            where=title_of(name),
            remedy="Check that image and mask at baseline belong together.",
        )
    return scale


def map_sequence(
    name: str,
    prepared: Mapping[str, PreparedSequence],
    protocol: Protocol,
    maps: Mapping[str, HabitatMap] | None = None,
) -> HabitatMap:
    """Habitats of one sequence: those of the population if the protocol contains them, else the patient's own.

    Args:
        name: of the sequence, or a case's key.
        prepared: all images of the patient; a follow-up may be split on the scale of the baseline.
        maps: the patient's maps so far. A follow-up is split by the patient's own habitats at baseline, so that their
            volumes can be compared.

    Raises:
        RegionError: the lesion is too small or too uniform, or the baseline with its scale is missing.
    """
    sequence = sequence_of(name)
    model = protocol.population.get(sequence)
    before = (maps or {}).get(protocol.baseline_key(sequence))
    if model is None and before is not None:
        model = before.model
    scale = scale_for(name, prepared, protocol)
    habitats = map_habitats(prepared[name], protocol.habitats, model, seed=protocol.seed, scale=scale)
    if scale is None:
        return habitats
    doubts = scale_doubts(prepared[name], prepared[protocol.scale_key(name)], scale, protocol)
    return replace(habitats, warnings=(*habitats.warnings, *doubts))


def scale_doubts(
    prepared: PreparedSequence, before: PreparedSequence, scale: LesionScale, protocol: Protocol
) -> list[str]:
    """Reasons against comparing a lesion with its baseline, as sentences."""
    doubts = []
    sizes = [
        np.array(image.GetSpacing()[: protocol.habitats.entropy.dimensions]) for image in (prepared.image, before.image)
    ]
    if np.any(np.abs(sizes[0] / sizes[1] - 1) > _SAME_SPACING):
        now, earlier = (" x ".join(f"{step:.3g}" for step in size) for size in sizes)
        doubts.append(
            f"{prepared.title}: voxels measure {now} mm, and {earlier} mm at {title_of(before.name)}, so that "
            "local entropy is measured in windows of another size; resample both to compare their habitats."
        )
    limit = protocol.habitats.clip or 3.0
    intensity = sitk.GetArrayViewFromImage(prepared.image)[sitk.GetArrayViewFromImage(prepared.mask) == 1]
    far = np.abs(intensity.astype(np.float64) - scale.intensity_mean) > limit * scale.intensity_sd
    if far.mean() > _MOST:
        doubts.append(
            f"{prepared.title}: {far.mean():.0%} of the lesion lies beyond {limit:g} SD of "
            f"{title_of(before.name)}; habitats can be compared only if both images have the same units."
        )
    return doubts


def make_maps(
    case: Case, protocol: Protocol, progress: Progress = silent
) -> tuple[dict[str, PreparedSequence], dict[str, HabitatMap]]:
    """Prepared sequences and the habitats of each; errors as for :func:`map_sequence`."""
    prepared = prepare_case(case, protocol, part(progress, 0, 0.5))
    maps: dict[str, HabitatMap] = {}
    for index, name in enumerate(baseline_first(prepared, protocol)):
        progress(0.5 + 0.5 * index / len(prepared), f"habitats of {prepared[name].title}")
        maps[name] = map_sequence(name, prepared, protocol, maps)
    return prepared, {name: maps[name] for name in prepared}


def maps(case: Case, protocol: Protocol | str | Path = "general-mri") -> dict[str, HabitatMap]:
    """Local entropy and habitats of one patient.

    Args:
        case: see :func:`read_case`.
        protocol: bundled name, YAML file or protocol. With a model's protocol (``model.protocol``), the habitats are
            those of the model, else the patient's own.

    Returns:
        By sequence: ``entropy`` (bits) and ``labels`` (1..K for S1..SK) as SimpleITK images on the input's grid, and
        ``statistics`` of each habitat.

    Raises:
        ProtocolError: there is no such protocol.
        RegionError: a lesion is too small or too uniform, or the baseline with its scale is missing.

    Example:
        >>> import HabitatRadiomicsLib as hr
        >>> case = hr.read_case({"T1W": ("images/synthetic-000/T1W.nrrd", "images/synthetic-000/T1W-mask.nrrd")})
        >>> maps = hr.maps(case, "general-mri")
        >>> maps["T1W"].labels.GetSize()
        (72, 80, 18)
        >>> round(sum(habitat.fraction for habitat in maps["T1W"].statistics), 6)
        1.0
    """
    return make_maps(case, load_protocol(protocol))[1]
