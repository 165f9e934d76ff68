"""The methods section of a paper, from the settings and the results of a study.

A step that was not done has no sentence; a setting of the protocol that had no part in the study has none either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from HabitatRadiomicsLib.protocol import Protocol, protocol_from
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
from HabitatRadiomicsLib.reporting.text.wording import Paragraph


def methods_paragraphs(study: Mapping[str, Any]) -> tuple[Paragraph, ...]:
    """The paragraphs, in the order of the study; those about steps that were not done are left out.

    Args:
        study: the study document; its ``protocol`` is complete.

    Raises:
        ProtocolError: the protocol is not a valid one.
    """
    protocol = protocol_from(study["protocol"], where="study")
    texts = (
        ("methods-images", "Image preprocessing", images_text(protocol, study)),
        ("methods-habitats", "Habitats", habitats_text(protocol, study)),
        ("methods-features", "Feature extraction", features_text(protocol, study)),
        ("methods-robustness", "Robustness of features", robustness_text(protocol, study)),
        ("methods-harmonisation", "Harmonisation", harmonisation_text(protocol, study)),
        ("methods-selection", "Feature selection", selection_text(protocol, study)),
        ("methods-model", _score_title(protocol), model_text(protocol, study)),
        ("methods-nomogram", "Nomogram", nomogram_text(protocol, study)),
        ("methods-comparisons", "Scores that were compared", comparisons_text(study)),
        ("methods-validation", "Validation", validation_text(study)),
        ("methods-statistics", "Statistical analysis", statistics_text(study)),
        ("methods-software", "Software", software_text(study)),
    )
    return tuple(Paragraph(anchor, title, " ".join(sentences)) for anchor, title, sentences in texts if sentences)


def _score_title(protocol: Protocol) -> str:
    learning = protocol.learning
    return "Rad-score" if learning.search is None and learning.fusion is None else "Score"
