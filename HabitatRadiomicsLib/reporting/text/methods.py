"""The methods section of a paper, from the settings and the results of a study.

A step that was not done has no sentence, nor has a setting of the protocol that played no part in the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from HabitatRadiomicsLib.protocol import protocol_from
from HabitatRadiomicsLib.reporting.text import learning, measurement, strategies


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the text with its anchor in the report."""

    anchor: str
    title: str
    text: str


def methods_paragraphs(study: Mapping[str, Any]) -> tuple[Paragraph, ...]:
    """The paragraphs about the steps that were done, in their order.

    Args:
        study: the study document; its ``protocol`` is complete.

    Raises:
        ProtocolError: the protocol is not a valid one.
    """
    protocol = protocol_from(study["protocol"], where="study")
    lasso = protocol.learning.search is None and protocol.learning.fusion is None
    texts = (
        ("methods-images", "Image preprocessing", measurement.images_text(protocol, study)),
        ("methods-habitats", "Habitats", measurement.habitats_text(protocol, study)),
        ("methods-features", "Feature extraction", measurement.features_text(protocol, study)),
        ("methods-robustness", "Robustness of features", measurement.robustness_text(protocol, study)),
        ("methods-harmonisation", "Harmonisation", measurement.harmonisation_text(protocol, study)),
        ("methods-selection", "Feature selection", learning.selection_text(protocol, study)),
        ("methods-model", "Rad-score" if lasso else "Score", learning.model_text(protocol, study)),
        ("methods-nomogram", "Nomogram", strategies.nomogram_text(protocol, study)),
        ("methods-comparisons", "Compared scores", learning.comparisons_text(study)),
        ("methods-validation", "Validation", learning.validation_text(study)),
        ("methods-statistics", "Statistical analysis", learning.statistics_text(study)),
        ("methods-software", "Software", learning.software_text(study)),
    )
    return tuple(Paragraph(anchor, title, " ".join(sentences)) for anchor, title, sentences in texts if sentences)
