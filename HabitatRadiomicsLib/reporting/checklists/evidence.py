"""The facts that the study itself shows: one rule per fact, with its place in the report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from HabitatRadiomicsLib.features.catalogue import feature_names
from HabitatRadiomicsLib.protocol import Protocol, protocol_from
from HabitatRadiomicsLib.reporting.text.methods import methods_paragraphs
from HabitatRadiomicsLib.reporting.text.wording import counted

_EXPLANATIONS = frozenset({"shap-bar", "beeswarm", "waterfall"})
#: Parts of the study document, in words.
_OVERFITTING = {"optimism": "optimism", "permutation": "permutation test", "learning_curve": "learning curve"}
_MEASURES = {"validation.candidates": "performance", "calibration": "calibration", "decision_curve": "decision curve"}


@dataclass(frozen=True)
class Evidence:
    """Whether a fact is in the study, the anchor of its place in the report, and the fact in a few words."""

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

    def at(self, path: str) -> Any:
        """What the study document holds at a path (``validation.candidates``); None if there is nothing."""
        value: Any = self.study
        for key in path.split("."):
            value = (value or {}).get(key)
        return value

    def evidence(self, met: object, anchor: str, note: str, otherwise: str = "") -> Evidence:
        """Evidence with the note for its case; the place of a missing paragraph of methods is the whole text."""
        missing = anchor.startswith("methods-") and anchor not in self.methods
        return Evidence(bool(met), "methods" if missing else anchor, note if met else otherwise)

    def compared_with(self, *kinds: str) -> bool:
        """Whether a score of one of the kinds was tested against one of another kind."""
        of_kind = {row["name"] for row in self.at("validation.candidates") or () if row.get("kind") in kinds}
        pairs = self.at("validation.comparisons") or ()
        return any((row["first"] in of_kind) != (row["second"] in of_kind) for row in pairs)


Rule = Callable[[StudyRecord], Evidence]


def _rule(test: Callable[[StudyRecord], object], anchor: str, note: str, otherwise: str = "") -> Rule:
    return lambda record: record.evidence(test(record), anchor, note, otherwise)


def _present(paths: str, anchor: str, note: str, otherwise: str) -> Rule:
    """The study document holds something at each of the paths; a zero is something."""
    return _rule(
        lambda record: all(record.at(path) not in (None, "", [], (), {}) for path in paths.split()),
        anchor, note, otherwise,
    )  # fmt: skip


def _described(anchor: str, note: str) -> Rule:
    """The methods text has a paragraph."""
    return _rule(lambda record: anchor in record.methods, anchor, note, "not part of this study")


def _always(anchor: str, note: str) -> Rule:
    return _rule(lambda record: True, anchor, note)


def _measured(keys: str, note: str, otherwise: str) -> Rule:
    """Every candidate score has these numbers."""

    def test(record: StudyRecord) -> bool:
        # The scores that a frozen model is compared with have no cut-off of their own.
        rows = (record.at("validation.candidates") or ())[: 1 if record.at("validation.external") else None]
        return bool(rows) and all(row.get(key) is not None for row in rows for key in keys.split())

    return _rule(test, "performance", note, otherwise)


def _not_radiomic(otherwise: str) -> Rule:
    return _rule(
        lambda record: record.compared_with("volume", "clinical"),
        "comparisons", "volume or clinical variables", otherwise,
    )  # fmt: skip


def _resampled(record: StudyRecord) -> bool:
    protocol = record.protocol
    names = protocol.sequences or tuple(protocol.sequence_preprocessing)
    settings = [protocol.preprocessing_of(name) for name in names] or [protocol.preprocessing]
    return any(one.resampling is not None for one in settings)


def _specified(record: StudyRecord) -> Evidence:
    if record.at("model.classifier"):
        return record.evidence(True, "model", "inputs and scaling; the classifier is in the model file")
    met = record.at("model.features") and record.at("model.intercept") is not None
    return record.evidence(met, "model", "coefficients, scaling, intercept", "there is no final model")


def _external_cohort(record: StudyRecord) -> Evidence:
    if record.at("validation.external"):
        return record.evidence(True, "performance", "this report")
    return record.evidence(record.at("external"), "external", "an external cohort", "no external cohort")


def _feature_count(record: StudyRecord) -> Evidence:
    note = f"{len(feature_names(record.protocol.features)):,} features per region"
    if deep := record.at("network.features"):
        note += f", {deep} deep features"
    return record.evidence(True, "methods-features", note)


def _robust(record: StudyRecord) -> Evidence:
    robustness = record.at("robustness")
    if not robustness:
        return record.evidence(False, "features", "", "robustness was not analysed")
    repeated = "; ".join(f"{row['kind']}, {counted(row['cases'], 'case')}" for row in robustness.get("repeated") or ())
    details = f" ({repeated})" if repeated else ""
    return record.evidence(True, "features", f"{robustness['kept']:,} of {robustness['of']:,} features kept{details}")


def _redundancy(record: StudyRecord) -> Evidence:
    learning = record.protocol.learning
    limit, anchor, beside = learning.maximum_correlation, "methods-selection", "LASSO"
    if learning.search is not None:
        limit, anchor, beside = learning.search.maximum_correlation or 1.0, "methods-model", "few features"
    met = limit < 1 and anchor in record.methods
    return record.evidence(met, anchor, f"|r| above {limit:g}, and {beside}", "no redundancy filter")


def _leak_free(record: StudyRecord) -> Evidence:
    validation = record.at("validation") or {}
    met, note = True, "nested cross-validation, habitats refitted in each fold"
    if validation.get("external"):
        note = "a frozen model on cases other than its training cases"
    elif not validation.get("nested"):
        met, note = False, "no nested validation"
    elif validation.get("habitats_from_protocol"):
        met, note = False, "to which cases the habitats of the protocol were fitted is not known"
    elif validation.get("frozen_habitats", True):
        met, note = False, "habitats were fitted to all cases before validation"
    return record.evidence(met, "methods-validation", note, note)


def _overfitting(record: StudyRecord) -> Evidence:
    examined = [words for path, words in _OVERFITTING.items() if record.at(path)]
    return record.evidence(examined, "stability", ", ".join(examined), "neither optimism nor a learning curve")


def _single_sequence(record: StudyRecord) -> Evidence:
    if len(record.protocol.sequences or record.at("habitats") or ()) == 1:
        return record.evidence(True, "performance", "one sequence")
    fused = record.compared_with("fused")
    return record.evidence(fused, "comparisons", "fused against single scores", "several sequences, not compared")


def _performance_measures(record: StudyRecord) -> Evidence:
    missing = [words for path, words in _MEASURES.items() if not record.at(path)]
    note = "discrimination, calibration, net benefit"
    return record.evidence(not missing, "methods-statistics", note, f"missing: {', '.join(missing)}")


_FLOW = _present(
    "flow.cases flow.analysed flow.events", "flow", "cases, exclusions and events", "the study flow is missing"
)

#: By the names that the checklists use.
RULES: dict[str, Rule] = {
    "calibration-reported": _present("calibration", "calibration", "slope and intercept", "no calibration"),
    "characteristics-reported": _present("characteristics", "characteristics", "Table 1", "no clinical variables"),
    "choice-reported": _present(
        "validation.chosen.rule", "performance", "rule, and how often it chose which score", "no rule of choice"
    ),
    "comparisons-reported": _present(
        "validation.comparisons", "comparisons", "DeLong's test, Holm's correction", "scores were not compared"
    ),
    "discretisation-described": _rule(
        lambda record: set(record.protocol.features.classes) - {"shape"},
        "methods-features", "grey-level bins", "no feature needs grey levels",
    ),
    "discrimination-reported": _measured(
        "auc sensitivity specificity accuracy", "AUC, sensitivity, specificity, ...", "measures are missing"
    ),
    "end-to-end-deep-learning": _rule(
        lambda record: False, "methods-features", "", "features are computed, not learned"
    ),
    "explanation-shown": _rule(
        lambda record: _EXPLANATIONS & record.figures, "explanation", "SHAP values", "no explanation in the report"
    ),
    "external-cohort": _external_cohort,
    "extraction-settings": _described("methods-features", "classes, image types and settings"),
    "extraction-software": _present(
        "engine versions", "provenance", "engine and versions", "engine or versions are missing"
    ),
    "feature-count-reported": _feature_count,
    "feature-statistics": _present(
        "model.features selection_frequency", "stability", "selection frequencies",
        "no statistics of selected features",
    ),
    "flow-reported": _FLOW,
    "hand-crafted-features": _always("methods-features", "pyradiomics' definitions"),
    "images-resampled": _rule(_resampled, "methods-images", "spacing and interpolation", "images were not resampled"),
    "imbalance-method": _present("imbalance", "methods", "see methods", "none was used"),
    "leak-free-validation": _leak_free,
    "masks-used": _always("methods-images", "features are measured within masks"),
    "missing-data-counted": _present("characteristics", "characteristics", "counted in Table 1", "not counted"),
    "model-described": _described("methods-model", "the score and how it was obtained"),
    "model-specified": _specified,
    "non-radiomic-comparison": _not_radiomic("no comparison with either"),
    "outcome-counted": _FLOW,
    "output-described": _present(
        "model.cutoff.value model.cutoff.rule", "model", "score, cut-off and its rule", "there is no cut-off"
    ),
    "overfitting-examined": _overfitting,
    "performance-measures": _performance_measures,
    "preprocessing-described": _described("methods-images", "every step with its settings"),
    "redundancy-removed": _redundancy,
    "robustness-analysed": _robust,
    "sample-size-analysed": _present("sample_size", "sample-size", "events and criteria", "no sample size analysis"),
    "scaling-described": _described("methods-model", "z-scores by the training cases"),
    "selection-described": _described("methods-selection", "filters and LASSO"),
    "settings-listed": _always("settings", "every setting, with defaults"),
    "simple-model-comparison": _not_radiomic("no simple model was compared"),
    "single-sequence-compared": _single_sequence,
    "tabular-features": _always("methods-features", "a table of features"),
    "uncertainty-reported": _measured("auc_low auc_high", "95% intervals", "intervals are missing"),
    "validation-described": _described("methods-validation", "folds, repeats and the steps within each fold"),
}  # fmt: skip
