"""Methods text: from the images to the feature table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from HabitatRadiomicsLib.cases import INTER_OBSERVER, INTRA_OBSERVER
from HabitatRadiomicsLib.features.catalogue import PATCH, feature_names
from HabitatRadiomicsLib.protocol import (
    Discretisation,
    EntropySettings,
    FeatureSettings,
    Preprocessing,
    Protocol,
    RobustnessSettings,
)
from HabitatRadiomicsLib.reporting.text.wording import counted, listed

_INTERPOLATORS = {"bspline": "cubic B-spline", "linear": "linear"}
_CLASSES = {"shape": "shape", "firstorder": "first-order statistics"}
_READINGS = {INTER_OBSERVER: "a second reader", INTRA_OBSERVER: "the same reader"}
_ICC = {"1,1": "one-way", "2,1": "two-way, absolute agreement", "3,1": "two-way, consistency"}


def images_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """What was done to images before features were computed."""
    names = _sequences(protocol, study)
    special = [name for name in names if name in protocol.sequence_preprocessing]
    usual = [name for name in names if name not in special]
    sentences = []
    if protocol.timepoints is not None:
        sentences.append(f"Each patient had images at two time points ({' and '.join(protocol.timepoints.names)}).")
    if usual or not names:
        sentences.append(_preprocessed(f"{listed(usual)} images" if special else "Images", protocol.preprocessing))
    sentences += [_preprocessed(f"{name} images", protocol.sequence_preprocessing[name]) for name in special]
    if "ring" in protocol.regions:
        sentences.append(
            f"A peritumoural ring held the voxels outside the lesion within {protocol.ring_mm:g} mm of it."
        )
        if excluded := list(_excluded_from_ring(protocol)):
            sentences.append(f"The ring excluded {listed(excluded)}.")
    return sentences


def _excluded_from_ring(protocol: Protocol) -> Iterator[str]:
    limits = protocol.ring_limits
    if limits is None:
        return
    if limits.air_below is not None:
        yield f"air (intensities below {_signed(limits.air_below)} in the image as it was acquired)"
    if limits.body:
        body = "above Otsu's threshold" if limits.air_below is None else "that is not air"
        yield f"everything outside the body (the largest connected region {body})"
    if limits.other_labels:
        yield "other labels of the segmentation"


def _sequences(protocol: Protocol, study: Mapping[str, Any]) -> Sequence[str]:
    return protocol.sequences or tuple(study.get("habitats") or ()) or tuple(protocol.sequence_preprocessing)


def _preprocessed(subject: str, settings: Preprocessing) -> str:
    steps = list(_steps(settings))
    if not steps:
        return f"{subject} were not preprocessed."
    order = ", in this order" if len(steps) > 1 else ""
    return f"{subject} were {listed(steps)}{order}."


def _steps(settings: Preprocessing) -> Iterator[str]:
    if (bias := settings.bias_correction) is not None:
        iterations = listed(bias.iterations)
        yield f"corrected for the bias field by N4 (shrink factor {bias.shrink_factor}; iterations {iterations})"
    if (grid := settings.resampling) is not None:
        spacing = " × ".join("original" if step is None else f"{step:g}" for step in grid.spacing)
        yield (
            f"resampled to a voxel spacing of {spacing} mm (images by {_INTERPOLATORS[grid.interpolator]}, masks by "
            "nearest-neighbour interpolation)"
        )
    if (window := settings.window) is not None:
        yield f"clipped to intensities from {_signed(window.lower)} to {_signed(window.upper)}"
    if (norm := settings.normalisation) is not None:
        scope = "lesion" if norm.scope == "roi" else "whole image"
        clip = f"; clipped at {norm.clip:g} standard deviations" if norm.clip is not None else ""
        scale = f"; multiplied by {norm.scale:g}" if norm.scale != 1 else ""
        yield f"z-scored (mean and standard deviation of the {scope}{clip}{scale})"


def _signed(value: float) -> str:
    return f"{value:g}".replace("-", "−")


def habitats_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """Entropy, superpixels, population clustering; nothing if no habitat was measured."""
    if not any(region == "habitats" or region.startswith("S") for region in protocol.regions):
        return []
    settings = protocol.habitats
    clip = f", both clipped at {settings.clip:g} standard deviations" if settings.clip is not None else ""
    baseline = "" if protocol.timepoints is None else f" at {protocol.timepoints.baseline}"
    sentences = [
        _entropy(settings.entropy),
        f"Each lesion was divided into {settings.superpixels} superpixels, or fewer if they would have had fewer "
        f"than {counted(settings.minimum_superpixel_voxels, 'voxel')} on average, by K-means clustering of its voxels "
        f"on z-scored intensity and local entropy{clip}.",
        *_scales(protocol),
        f"The superpixels of all training cases{baseline} (a random sample of them if there were more than "
        f"{settings.clustered_superpixels:,}) were clustered by Ward's method without regard to the outcome, and the "
        "centroids were frozen; each superpixel, also of a new case, belongs to the habitat with the nearest centroid.",
    ]
    by_sequence = study.get("habitats") or {}
    rules = list(dict.fromkeys(row["rule"] for row in by_sequence.values() if row.get("rule")))
    rule = f": {rules[0].rstrip('.')}" if len(rules) == 1 else ""
    sentences += [
        f"The number of habitats, from {settings.k_min} to {settings.k_max}, was chosen for each sequence{rule}.",
        f"A number was rejected if one of its habitats held less than {settings.nearly_empty_fraction:.0%} of the "
        f"lesion in more than {settings.nearly_empty_cases:.0%} of the cases.",
        "Habitats are ordered by mean local entropy: S1 has the lowest.",
    ]
    if by_sequence:
        counts = listed(f"{row['chosen']} in {name}" for name, row in by_sequence.items())
        sentences.append(f"In all training cases together, the number of habitats was {counts}.")
    return sentences


def _scales(protocol: Protocol) -> Iterator[str]:
    """What the voxels of each of two time points were z-scored by."""
    if protocol.timepoints is None:
        return
    first, second = protocol.timepoints.names
    names = protocol.sequences or ()
    separate = [name for name in names if protocol.scale_key(f"{second}_{name}") == f"{second}_{name}"]
    shared = [name for name in names if name not in separate]
    if shared:
        of_these = f" of {listed(shared)}" if separate else ""
        yield (
            f"At {second}, both{of_these} were z-scored by the mean and standard deviation of the same lesion at "
            f"{first}, and entropy used the grey levels of {first}, so that a habitat was the same tissue at both time "
            "points."
        )
    if separate:
        of_these = f" of {listed(separate)}" if shared else ""
        yield (
            f"At each time point, both{of_these} were z-scored over the lesion at that time, so that a habitat was "
            "relative to the rest of the lesion."
        )


def _entropy(settings: EntropySettings) -> str:
    window = " × ".join([str(settings.window)] * settings.dimensions)
    if settings.definition == "matlab":
        return (
            f"Local entropy (bits) was computed as by MATLAB's entropyfilt, in a window of {window} voxels within the "
            "slice and with 256 grey levels."
        )
    place = " within the slice" if settings.dimensions == 2 else ""
    scope = "lesion" if settings.scope == "roi" else "image"
    return (
        f"Local Shannon entropy (bits) was computed at each voxel in a window of {window} voxels{place}, limited to "
        f"the {scope}, with {settings.levels} equal grey levels between the {scope}'s lowest and highest intensity."
    )


def features_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """Regions, classes, images, discretisation."""
    settings = protocol.features
    names = {"whole": "the whole lesion", "habitats": "each habitat", "ring": "the peritumoural ring"}
    handmade = [region for region in protocol.regions if region != PATCH]
    if not handmade:
        return _deep(protocol, study)
    regions = listed(names.get(region, f"habitat {region}") for region in handmade)
    count = len(feature_names(settings))
    kinds = [_CLASSES.get(kind, kind.upper()) for kind in settings.classes]
    # The versions that follow an engine in parentheses are listed under Software.
    engine = f" by the engine {study['engine'].partition(' (')[0]}" if study.get("engine") else ""
    moments = "" if protocol.timepoints is None else " at both time points"
    sentences = [
        f"From {regions} of each sequence{moments}, {counted(count, 'feature')} per region were computed{engine}, by "
        f"pyradiomics' definitions: {listed(kinds)}."
    ]
    if set(settings.classes) - {"shape"}:
        plane = "slice by slice" if settings.force_2d else "in 3D"
        subject = "All except shape were" if "shape" in settings.classes else "They were"
        sentences.append(f"{subject} computed {plane} on {_images(settings)}.")
        sentences.append(_binned("Grey levels were discretised", settings.discretisation))
        sentences += [
            _binned(f"Those of {name} images were discretised", one)
            for name, one in settings.sequence_discretisation.items()
        ]
    if settings.excluded:
        excluded = listed(name.replace("_", " ") for name in settings.excluded)
        sentences.append(f"Excluded from every image: {excluded}.")
    voxels = counted(settings.minimum_region_voxels, "voxel")
    sentences.append(f"Regions of fewer than {voxels} were not measured.")
    return [*sentences, *_deep(protocol, study), *_changes(protocol)]


def _deep(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    settings, network = protocol.deep, study.get("network") or {}
    if settings is None or PATCH not in protocol.regions:
        return []
    count = counted(network["features"], "deep feature") if network.get("features") else "Deep features"
    digest = network.get("sha256") or settings.sha256
    title = f": {network['title'].rstrip('.')}" if network.get("title") else ""
    file = f"; SHA-256 of its file {digest}" if digest else ""
    external = (study.get("validation") or {}).get("external")
    unseen = "" if external else "; according to its file, it had not been trained on any of these images"
    return [
        f"{count} of each sequence {'was' if network.get('features') == 1 else 'were'} the embedding that a neural "
        f"network ({settings.network}{title}{file}) gives for a patch of {settings.patch} × {settings.patch} pixels "
        "around the centre of the lesion, in the slice in which it is largest.",
        f"The network was not trained further{unseen}.",
    ]


def _changes(protocol: Protocol) -> list[str]:
    if protocol.timepoints is None:
        return []
    first, second = protocol.timepoints.names
    return [
        f"The change of each feature was its value at {second} minus its value at {first}; scores were learned from "
        f"values at {first} or from changes, never from both."
    ]


def _images(settings: FeatureSettings) -> str:
    derived = list(_derived_images(settings))
    if not derived:
        return "the original image"
    start = "the original image and images derived from it" if settings.images.original else "images derived from it"
    return f"{start} ({listed(derived)})"


def _derived_images(settings: FeatureSettings) -> Iterator[str]:
    images = settings.images
    if images.wavelet is not None:
        yield f"{4 if settings.force_2d else 8} wavelet bands ({images.wavelet})"
    named = {
        "square": images.square,
        "square root": images.square_root,
        "logarithm": images.logarithm,
        "exponential": images.exponential,
        "gradient magnitude": images.gradient,
        "local binary patterns in 2D": images.lbp_2d,
    }
    yield from (name for name, wanted in named.items() if wanted)
    if images.log_sigmas:
        yield f"Laplacian of Gaussian with sigma {listed(f'{sigma:g}' for sigma in images.log_sigmas)} mm"


def _binned(start: str, settings: Discretisation) -> str:
    if settings.bin_width is not None:
        return f"{start} in bins of a fixed width of {settings.bin_width:g}, aligned to zero."
    return f"{start} in {settings.bin_count} bins."


def robustness_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """How features were tested between readings or on perturbed copies; nothing if they were not."""
    robustness, settings = study.get("robustness"), protocol.robustness
    if not robustness:
        return []
    both = each = ""
    readings = [row for row in robustness.get("repeated") or () if row["kind"] in _READINGS]
    if settings is None:
        tested = f"Robustness of the features was tested by {robustness.get('method') or 'repeated measurement'}."
    elif readings:
        repeated = listed(f"of {counted(row['cases'], 'case')} by {_READINGS[row['kind']]}" for row in readings)
        tested = (
            f"Segmentation was repeated: {repeated}. The {listed(row['kind'] for row in readings)} agreement of each "
            f"feature was the intraclass correlation ICC({settings.icc}) ({_ICC[settings.icc]}, single measurement) "
            "between the two segmentations."
        )
        if len(readings) > 1:
            both = " in both"
            each = "; " + listed(f"{row['kept']:,} by {row['kind']} agreement" for row in readings)
    else:
        tested = (
            f"{counted(settings.copies, 'copy', 'copies')} of each of {counted(settings.cases, 'case')} (or of all, if "
            f"there were fewer) were perturbed by {listed(_perturbations(settings))}, and the intraclass correlation "
            f"ICC({settings.icc}) ({_ICC[settings.icc]}) of each feature was computed."
        )
    kept = f"{robustness['kept']:,} of {robustness['of']:,}{each}"
    return [tested, f"Features with a value of at least {robustness['threshold']:g}{both} were kept ({kept})."]


def _perturbations(settings: RobustnessSettings) -> Iterator[str]:
    if settings.noise:
        yield f"Gaussian noise ({settings.noise:g} times the level of the image)"
    if settings.translation:
        yield f"translation (up to {settings.translation:g} voxels)"
    if settings.rotation_degrees:
        yield f"rotation (up to {settings.rotation_degrees:g}°)"
    if settings.contour_mm:
        yield f"displacement of the contour (standard deviation {settings.contour_mm:g} mm)"


def harmonisation_text(protocol: Protocol, study: Mapping[str, Any]) -> list[str]:
    """ComBat; nothing if features were not harmonised."""
    harmonisation, settings = study.get("harmonisation"), protocol.harmonisation
    if not harmonisation:
        return []
    details = []
    if settings is not None and settings.mean_only:
        details.append("means only")
    if settings is not None and settings.reference_site is not None:
        details.append("with one site as the reference")
    extra = f" ({', '.join(details)})" if details else ""
    return [f"Features were harmonised between sites by {harmonisation.get('method', 'ComBat')}{extra}."]
