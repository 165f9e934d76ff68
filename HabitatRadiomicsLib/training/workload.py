"""How much work a training will be, known before it starts: how often everything is learned, and in how many fits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from HabitatRadiomicsLib.features import feature_names_of, parse
from HabitatRadiomicsLib.features.delta import DELTA
from HabitatRadiomicsLib.learning.candidates import Candidate, candidates_of
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.validation.stability import trainings_of

#: Rough processor seconds per fit, with the rankings before it, and per feature of a lesion's image. They share out
#: the progress bar between measuring and learning, and nothing else.
_SECONDS_PER_FIT = {"search": 0.002, "LASSO": 0.03}
_SECONDS_PER_FEATURE = 0.001
#: Of the progress bar, what measuring has at least and at most.
_LEAST, _MOST = 0.05, 0.8


@dataclass(frozen=True)
class TrainingWork:
    """How often the whole procedure is learned, by what for, and what it takes.

    Attributes:
        validation, permutations, bootstraps, curve: trainings of each; one more gives the model.
        fits: of classifiers, or of LASSO paths, in each; at most, since a scout or a region may have nothing to learn.
        measuring: share of the whole time that measuring is likely to take.
    """

    validation: int
    permutations: int
    bootstraps: int
    curve: int
    fits: int
    measuring: float

    @property
    def trainings(self) -> int:
        """All of them."""
        return 1 + self.validation + self.permutations + self.bootstraps + self.curve

    def sentence(self) -> str:
        """For whoever waits."""
        parts = {
            "in the nested cross-validation": self.validation,
            "for the permutations": self.permutations,
            "for the bootstrap samples": self.bootstraps,
            "for the learning curve": self.curve,
        }
        named = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)
        times = f"everything is learned {self.trainings:,} times (the model, {named})"
        each = f"each time in up to {self.fits:,} fits"
        return f"{self.trainings * self.fits:,} fits: {times}, {each}; --jobs shares them out over processes."


def training_work(protocol: Protocol, sequences: Collection[str], cases: int) -> TrainingWork:
    """The work of a training.

    Args:
        sequences: those of the cohort, where the protocol does not name its own.
        cases: of the cohort.
    """
    learning = protocol.learning
    columns = _columns(protocol, protocol.sequences or sorted(sequences))
    candidates = candidates_of(columns, learning)
    images = {candidate: len({parse(columns[place]).image for place in candidate.columns(columns)})
              for candidate in candidates}  # fmt: skip
    fits = sum(_fits(candidate, images[candidate], learning) for candidate in candidates)
    searched = learning.search is not None
    work = TrainingWork(learning.folds * learning.repeats, *trainings_of(learning), fits=fits, measuring=_MOST)
    learned = work.trainings * fits * _SECONDS_PER_FIT["search" if searched else "LASSO"]
    copies = 0 if protocol.robustness is None else protocol.robustness.copies * min(protocol.robustness.cases, cases)
    measured = len(columns) * (cases + copies) * _SECONDS_PER_FEATURE
    share = measured / (measured + learned) if columns else _MOST
    return replace(work, measuring=min(max(share, _LEAST), _MOST))


def _columns(protocol: Protocol, sequences: Collection[str]) -> tuple[str, ...]:
    """Names of the features of a table, with as many habitats as there are at least."""
    regions = []
    for region in protocol.regions:
        habitats = [f"S{number}" for number in range(1, protocol.habitats.k_min + 1)]
        regions += habitats if region == "habitats" else [region]
    keys = [protocol.baseline_key(name) for name in sequences]
    if protocol.timepoints is not None:
        keys += [f"{DELTA}_{name}" for name in sequences]
    names = {region: feature_names_of(protocol, region) for region in regions}
    return tuple(f"{key}_{region}_{name}" for key in keys for region in regions for name in names[region])


def _fits(candidate: Candidate, images: int, learning: LearningSettings) -> int:
    """Of one candidate in one training."""
    if learning.search is not None:
        search = learning.search
        combinations = len(search.selectors) * len(search.classifiers) * len(search.features)
        one_search = combinations * learning.folds + 1
        scouted = (learning.folds + 1) * (images + 1)
        return one_search * (1 if learning.scouts is None else scouted)
    paths = 1 + learning.folds
    if learning.fusion is None or len(candidate.parts) == 1:
        return paths
    return paths * len(candidate.parts) + len(learning.fusion.classifiers) * learning.folds + 1
