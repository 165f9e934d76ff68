"""From a patient's images to entropy maps and habitats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.habitats import HabitatMap, map_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of


def needs_habitats(protocol: Protocol) -> bool:
    """Whether any region is a habitat."""
    return any(region not in ("whole", "ring", "patch") for region in protocol.regions)


def prepare_case(case: Case, protocol: Protocol, progress: Progress = silent) -> dict[str, PreparedSequence]:
    """Every sequence of a case, preprocessed as the protocol asks."""
    prepared = {}
    for index, (name, sequence) in enumerate(case.sequences.items()):
        progress(index / len(case.sequences), f"preparing {sequence.title}")
        prepared[name] = prepare(sequence, protocol.preprocessing_of(name))
    return prepared


def baseline_first(keys: Iterable[str], protocol: Protocol) -> list[str]:
    """Keys in an order in which :func:`map_sequence` knows the baseline's habitats when it comes to the follow-up."""
    return sorted(keys, key=lambda key: key != protocol.baseline_key(sequence_of(key)))


def map_sequence(
    prepared: PreparedSequence, protocol: Protocol, maps: Mapping[str, HabitatMap] | None = None
) -> HabitatMap:
    """Habitats of one sequence: the population's where the protocol holds them, else the patient's own.

    Args:
        maps: the patient's, as far as they are made. A follow-up is split by the patient's own habitats at baseline, so
            that their volumes can be compared.

    Raises:
        RegionError: the lesion is too small or too uniform.
    """
    sequence = sequence_of(prepared.name)
    model = protocol.population.get(sequence)
    before = (maps or {}).get(protocol.baseline_key(sequence))
    if model is None and before is not None:
        model = before.model
    return map_habitats(prepared, protocol.habitats, model, seed=protocol.seed)


def make_maps(
    case: Case, protocol: Protocol, progress: Progress = silent
) -> tuple[dict[str, PreparedSequence], dict[str, HabitatMap]]:
    """Prepared sequences and the habitats of each.

    Raises:
        RegionError: a lesion is too small or too uniform.
    """
    prepared = prepare_case(case, protocol, part(progress, 0, 0.5))
    maps: dict[str, HabitatMap] = {}
    for index, name in enumerate(baseline_first(prepared, protocol)):
        progress(0.5 + 0.5 * index / len(prepared), f"habitats of {prepared[name].title}")
        maps[name] = map_sequence(prepared[name], protocol, maps)
    return prepared, {name: maps[name] for name in prepared}
