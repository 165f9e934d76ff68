"""From a patient's images to entropy maps and habitats."""

from __future__ import annotations

from HabitatRadiomicsLib.case import Case
from HabitatRadiomicsLib.habitats import HabitatMap, map_habitats
from HabitatRadiomicsLib.imaging import PreparedSequence, prepare
from HabitatRadiomicsLib.progress import Progress, part, silent
from HabitatRadiomicsLib.protocol import Protocol


def prepare_case(case: Case, protocol: Protocol, progress: Progress = silent) -> dict[str, PreparedSequence]:
    """Every sequence of a case, preprocessed as the protocol asks."""
    prepared = {}
    for index, (name, sequence) in enumerate(case.sequences.items()):
        progress(index / len(case.sequences), f"preparing {name}")
        prepared[name] = prepare(sequence, protocol.preprocessing_of(name))
    return prepared


def map_sequence(prepared: PreparedSequence, protocol: Protocol) -> HabitatMap:
    """Habitats of one sequence: the population's where the protocol holds them, else the patient's own.

    Raises:
        RegionError: the lesion is too small or too uniform.
    """
    population = protocol.population.get(prepared.name)
    return map_habitats(prepared, protocol.habitats, population, seed=protocol.seed)


def make_maps(
    case: Case, protocol: Protocol, progress: Progress = silent
) -> tuple[dict[str, PreparedSequence], dict[str, HabitatMap]]:
    """Prepared sequences and the habitats of each.

    Raises:
        RegionError: a lesion is too small or too uniform.
    """
    prepared = prepare_case(case, protocol, part(progress, 0, 0.5))
    maps = {}
    for index, (name, sequence) in enumerate(prepared.items()):
        progress(0.5 + 0.5 * index / len(prepared), f"habitats of {name}")
        maps[name] = map_sequence(sequence, protocol)
    return prepared, maps
