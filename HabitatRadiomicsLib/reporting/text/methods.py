"""The methods section of a paper, from the settings and the results of a study.

A step that was not done has no sentence, nor has a setting of the protocol that played no part in the study.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from HabitatRadiomicsLib.protocol import protocol_from
from HabitatRadiomicsLib.reporting.text.learning import (
    comparisons_text,
    model_text,
    selection_text,
    software_text,
    statistics_text,
    validation_text,
)
from HabitatRadiomicsLib.reporting.text.measurement import (
    features_text,
    habitats_text,
    harmonisation_text,
    images_text,
    robustness_text,
)
from HabitatRadiomicsLib.reporting.text.strategies import nomogram_text


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
        ("methods-images", "Image preprocessing", images_text(protocol, study)),
        ("methods-habitats", "Habitats", habitats_text(protocol, study)),
        ("methods-features", "Feature extraction", features_text(protocol, study)),
        ("methods-robustness", "Robustness of features", robustness_text(protocol, study)),
        ("methods-harmonisation", "Harmonisation", harmonisation_text(protocol, study)),
        ("methods-selection", "Feature selection", selection_text(protocol, study)),
        ("methods-model", "Rad-score" if lasso else "Score", model_text(protocol, study)),
        ("methods-nomogram", "Nomogram", nomogram_text(protocol, study)),
        ("methods-comparisons", "Compared scores", comparisons_text(study)),
        ("methods-validation", "Validation", validation_text(study)),
        ("methods-statistics", "Statistical analysis", statistics_text(study)),
        ("methods-software", "Software", software_text(study)),
    )
    return tuple(Paragraph(anchor, title, " ".join(sentences)) for anchor, title, sentences in texts if sentences)
