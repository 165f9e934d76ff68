"""What the study itself shows: one rule per fact that software can decide, with the place in the report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from HabitatRadiomicsLib.features.catalogue import feature_names
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.reporting.text.methods import methods_paragraphs
from HabitatRadiomicsLib.reporting.text.wording import counted

_EXPLANATIONS = frozenset({"shap-bar", "beeswarm", "waterfall"})


@dataclass(frozen=True)
class Evidence:
    """Whether a fact is in the study, where the report shows it (an anchor) and in a few words what it is."""

    met: bool
    anchor: str
    note: str = ""


@dataclass(frozen=True)
class StudyRecord:
    """What the rules look at: the study document, its protocol, and what the report will hold."""

    study: Mapping[str, Any]
    protocol: Protocol
    figures: frozenset[str]
    methods: frozenset[str]
    """Anchors of the paragraphs of the methods text."""

    @classmethod
    def of(cls, study: Mapping[str, Any], figures: Collection[str] = ()) -> StudyRecord:
        """From the study document and the names of the figures.

        Raises:
            ProtocolError: the study's protocol is not a valid one.
        """
        protocol = protocol_from(study["protocol"], where="study")
        anchors = frozenset(paragraph.anchor for paragraph in methods_paragraphs(study))
        return cls(study, protocol, frozenset(figures), anchors)

    def candidates(self, *kinds: str) -> list[Mapping[str, Any]]:
        """The candidate scores of some kinds; of all without any."""
        rows = (self.study.get("validation") or {}).get("candidates") or ()
        return [row for row in rows if not kinds or row.get("kind") in kinds]

    def paragraph(self, anchor: str) -> str:
        """The anchor of a paragraph of the methods text; that of the whole text when the paragraph is not there."""
        return anchor if anchor in self.methods else "methods"

    @property
    def comparisons(self) -> Sequence[Mapping[str, Any]]:
        """The tested pairs of candidate scores."""
        return (self.study.get("validation") or {}).get("comparisons") or ()

    def compared_with(self, *kinds: str) -> bool:
        """Whether a score of one of the kinds was tested against one of another kind."""
        of_kind = {row["name"] for row in self.candidates(*kinds)}
        return any((row["first"] in of_kind) != (row["second"] in of_kind) for row in self.comparisons)


Rule = Callable[[StudyRecord], Evidence]


def _always(met: bool, anchor: str, note: str) -> Rule:
    return lambda record: Evidence(met, anchor, note)


def _present(key: str, anchor: str, note: str, absent: str) -> Rule:
    """A part of the study document that is there and not empty."""

    def rule(record: StudyRecord) -> Evidence:
        met = bool(record.study.get(key))
        return Evidence(met, anchor, note if met else absent)

    return rule


def _described(anchor: str, note: str) -> Rule:
    """A paragraph of the methods text."""

    def rule(record: StudyRecord) -> Evidence:
        met = anchor in record.methods
        return Evidence(met, record.paragraph(anchor), note if met else "not part of this study")

    return rule


def _all_have(keys: tuple[str, ...], note: str, absent: str) -> Rule:
    """Numbers that every candidate score must have."""

    def rule(record: StudyRecord) -> Evidence:
        # What a frozen model is compared with has no cut-off of its own.
        external = (record.study.get("validation") or {}).get("external")
        rows = record.candidates()[: 1 if external else None]
        met = bool(rows) and all(row.get(key) is not None for row in rows for key in keys)
        return Evidence(met, "performance", note if met else absent)

    return rule


def _flow(record: StudyRecord) -> Evidence:
    flow = record.study.get("flow") or {}
    met = all(flow.get(key) is not None for key in ("cases", "analysed", "events"))
    return Evidence(met, "flow", "cases, exclusions and events" if met else "the study flow is missing")


def _external_cohort(record: StudyRecord) -> Evidence:
    if (record.study.get("validation") or {}).get("external"):
        return Evidence(True, "performance", "this report")
    met = bool(record.study.get("external"))
    return Evidence(met, "external", "an external cohort" if met else "no external cohort")


def _resampled(record: StudyRecord) -> Evidence:
    protocol = record.protocol
    names = protocol.sequences or tuple(protocol.sequence_preprocessing)
    settings = [protocol.preprocessing_of(name) for name in names] or [protocol.preprocessing]
    met = any(one.resampling is not None for one in settings)
    return Evidence(met, "methods-images", "spacing and interpolation" if met else "images were not resampled")


def _discretised(record: StudyRecord) -> Evidence:
    met = bool(set(record.protocol.features.classes) - {"shape"})
    return Evidence(met, "methods-features", "grey-level bins" if met else "no feature needs grey levels")


def _feature_count(record: StudyRecord) -> Evidence:
    note = f"{len(feature_names(record.protocol.features)):,} features per region"
    if deep := (record.study.get("network") or {}).get("features"):
        note += f", {deep} deep features"
    return Evidence(True, "methods-features", note)


def _software(record: StudyRecord) -> Evidence:
    met = bool(record.study.get("engine")) and bool(record.study.get("versions"))
    return Evidence(met, "provenance", "engine and versions" if met else "engine or versions are missing")


def _robust(record: StudyRecord) -> Evidence:
    found = record.study.get("robustness")
    if not found:
        return Evidence(False, "features", "robustness was not analysed")
    over = [f"{row['kind']}, {counted(row['cases'], 'case')}" for row in found.get("repeated") or ()]
    told = f" ({'; '.join(over)})" if over else ""
    return Evidence(True, "features", f"{found['kept']:,} of {found['of']:,} features kept{told}")


def _redundancy(record: StudyRecord) -> Evidence:
    learning = record.protocol.learning
    if learning.search is not None:
        largest = learning.search.maximum_correlation
        met = largest is not None and largest < 1 and "methods-model" in record.methods
        note = f"|r| above {largest:g}, and few features" if met else "no redundancy filter"
        return Evidence(met, record.paragraph("methods-model"), note)
    limit = learning.maximum_correlation
    met = limit < 1 and "methods-selection" in record.methods
    return Evidence(
        met, record.paragraph("methods-selection"), f"|r| above {limit:g} and LASSO" if met else "no redundancy filter"
    )


def _leak_free(record: StudyRecord) -> Evidence:
    validation, anchor = record.study.get("validation") or {}, record.paragraph("methods-validation")
    if validation.get("external"):
        return Evidence(True, anchor, "a frozen model on cases apart from its training")
    if not validation.get("nested"):
        return Evidence(False, anchor, "no nested validation")
    if validation.get("habitats_from_protocol"):
        return Evidence(False, anchor, "which cases the protocol's habitats were fitted on is not known")
    if validation.get("frozen_habitats", True):
        return Evidence(False, anchor, "habitats were fitted on all cases before validation")
    return Evidence(True, anchor, "nested cross-validation, habitats refitted in each fold")


def _overfitting(record: StudyRecord) -> Evidence:
    names = {"optimism": "optimism", "permutation": "permutation test", "learning_curve": "learning curve"}
    found = [name for key, name in names.items() if record.study.get(key)]
    return Evidence(bool(found), "stability", ", ".join(found) or "neither optimism nor a learning curve")


def _single_sequence(record: StudyRecord) -> Evidence:
    sequences = record.protocol.sequences or tuple(record.study.get("habitats") or ())
    if len(sequences) == 1:
        return Evidence(True, "performance", "one sequence")
    met = record.compared_with("fused")
    return Evidence(met, "comparisons", "fused against single scores" if met else "several sequences, not compared")


def _non_radiomic(record: StudyRecord) -> Evidence:
    met = record.compared_with("volume", "clinical")
    return Evidence(met, "comparisons", "volume or clinical variables" if met else "no comparison with either")


def _simple_model(record: StudyRecord) -> Evidence:
    met = record.compared_with("volume", "clinical")
    return Evidence(met, "comparisons", "volume or clinical variables" if met else "no simple model was compared")


def _explained(record: StudyRecord) -> Evidence:
    met = bool(_EXPLANATIONS & record.figures)
    return Evidence(met, "explanation", "SHAP values" if met else "no explanation in the report")


def _feature_statistics(record: StudyRecord) -> Evidence:
    met = bool((record.study.get("model") or {}).get("features")) and bool(record.study.get("selection_frequency"))
    return Evidence(met, "stability", "selection frequencies" if met else "no statistics of selected features")


def _specified(record: StudyRecord) -> Evidence:
    model = record.study.get("model") or {}
    if model.get("classifier"):
        return Evidence(True, "model", "inputs and scaling; the classifier is in the model file")
    met = bool(model.get("features")) and model.get("intercept") is not None
    return Evidence(met, "model", "coefficients, scaling, intercept" if met else "there is no final model")


def _output(record: StudyRecord) -> Evidence:
    cutoff = (record.study.get("model") or {}).get("cutoff") or {}
    met = cutoff.get("value") is not None and bool(cutoff.get("rule"))
    return Evidence(met, "model", "score, cut-off and its rule" if met else "there is no cut-off")


def _compared(record: StudyRecord) -> Evidence:
    met = bool(record.comparisons)
    return Evidence(met, "comparisons", "DeLong's test, Holm's correction" if met else "scores were not compared")


def _chosen(record: StudyRecord) -> Evidence:
    met = bool(((record.study.get("validation") or {}).get("chosen") or {}).get("rule"))
    return Evidence(met, "performance", "rule and how often it chose which" if met else "no rule of choice")


def _measures(record: StudyRecord) -> Evidence:
    wanted = {"calibration": "calibration", "decision_curve": "decision curve"}
    missing = [name for key, name in wanted.items() if not record.study.get(key)]
    met = bool(record.candidates()) and not missing
    note = "discrimination, calibration, net benefit" if met else f"missing: {', '.join(missing) or 'performance'}"
    return Evidence(met, record.paragraph("methods-statistics"), note)


#: By the names that the checklists use.
RULES: dict[str, Rule] = {
    "calibration-reported": _present("calibration", "calibration", "slope and intercept", "no calibration"),
    "characteristics-reported": _present("characteristics", "characteristics", "Table 1", "no clinical variables"),
    "choice-reported": _chosen,
    "comparisons-reported": _compared,
    "discretisation-described": _discretised,
    "discrimination-reported": _all_have(
        ("auc", "sensitivity", "specificity", "accuracy"), "AUC, sensitivity, specificity, ...", "measures are missing"
    ),
    "end-to-end-deep-learning": _always(False, "methods-features", "features are computed, not learned"),
    "explanation-shown": _explained,
    "external-cohort": _external_cohort,
    "extraction-settings": _described("methods-features", "classes, image types and settings"),
    "extraction-software": _software,
    "feature-count-reported": _feature_count,
    "feature-statistics": _feature_statistics,
    "flow-reported": _flow,
    "hand-crafted-features": _always(True, "methods-features", "pyradiomics' definitions"),
    "images-resampled": _resampled,
    "imbalance-method": _present("imbalance", "methods", "see methods", "none was used"),
    "leak-free-validation": _leak_free,
    "masks-used": _always(True, "methods-images", "features are measured within masks"),
    "missing-data-counted": _present("characteristics", "characteristics", "counted in Table 1", "not counted"),
    "model-described": _described("methods-model", "the score and how it came about"),
    "model-specified": _specified,
    "non-radiomic-comparison": _non_radiomic,
    "outcome-counted": _flow,
    "output-described": _output,
    "overfitting-examined": _overfitting,
    "performance-measures": _measures,
    "preprocessing-described": _described("methods-images", "every step with its settings"),
    "redundancy-removed": _redundancy,
    "robustness-analysed": _robust,
    "sample-size-analysed": _present("sample_size", "sample-size", "events and criteria", "no sample size analysis"),
    "scaling-described": _described("methods-model", "z-scores by the training cases"),
    "selection-described": _described("methods-selection", "filters and LASSO"),
    "settings-listed": _always(True, "settings", "every setting, with defaults"),
    "simple-model-comparison": _simple_model,
    "single-sequence-compared": _single_sequence,
    "tabular-features": _always(True, "methods-features", "a table of features"),
    "uncertainty-reported": _all_have(("auc_low", "auc_high"), "95% intervals", "intervals are missing"),
    "validation-described": _described("methods-validation", "folds, repeats and what lies inside"),
}
