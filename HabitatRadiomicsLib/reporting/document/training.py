"""The study document of a training: everything that its report says, without an identifier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.extraction import PERTURBED
from HabitatRadiomicsLib.features.catalogue import PATCH
from HabitatRadiomicsLib.features.deep.measure import feature_names_of, network_of
from HabitatRadiomicsLib.learning.preparation import reliability_of, reliable
from HabitatRadiomicsLib.learning.strategy import RULE
from HabitatRadiomicsLib.protocol import Protocol, RobustnessSettings
from HabitatRadiomicsLib.reporting.document.figure_building import training_figures
from HabitatRadiomicsLib.reporting.document.habitats import habitat_tests, habitats_by_fold
from HabitatRadiomicsLib.reporting.document.learning import chosen_name, learning_parts, shown_name
from HabitatRadiomicsLib.reporting.document.parts import (
    calibration_numbers,
    comparison_rows,
    confusion,
    counted_problems,
    finite,
    flat_estimates,
    flow,
    header,
    model_part,
    table_1,
)
from HabitatRadiomicsLib.reporting.document.study import TrainingStudy
from HabitatRadiomicsLib.statistics import (
    decision_curve,
    performance_table_row,
    sample_size_lines,
)
from HabitatRadiomicsLib.statistics.characteristics import Characteristic
from HabitatRadiomicsLib.training.freezing import interval_of, method_of
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.nested import CLINICAL, NOMOGRAM, RAD_SCORE_ALONE, STRATEGY, VOLUME, Validation

FUSED_RULE = (
    "the fused score, settled beforehand, with the classifier that has the largest AUC in the cross-validation within "
    "the training cases; the other scores are there to be compared with"
)


def training_study(training: Training) -> TrainingStudy:
    """The document that ``report.html``, figures, tables and checklists are views of."""
    model, protocol = training.model, training.model.protocol
    validation, outcome = training.validation, training.table.outcome
    candidates = _candidates(training)
    document: dict[str, Any] = {
        **header(model, training.cohort, title=model.title),
        "flow": _flow(training),
        "characteristics": [asdict(row) for row in characteristics_of(training)],
        "sample_size": {"lines": sample_size(training.study.cohort, protocol)},
        "validation": {
            "folds": protocol.learning.folds,
            "repeats": protocol.learning.repeats,
            "nested": True,
            "frozen_habitats": training.study.frozen_habitats,
            "habitats_from_protocol": bool(training.protocol.population),
            "method": method_of(training.study, validation.held_out[STRATEGY], training.protocol) + ".",
            "interval": interval_of(training.study.cohort, held_out=True),
            "candidates": candidates,
            "chosen": {
                "name": chosen_name(training),
                "rule": _rule(protocol) + ".",
                "frequency": dict(Counter(result.chosen or "none" for result in validation.folds).most_common()),
            },
            "only_in_some_folds": [name for name in validation.held_out if name not in compared(training)],
            "no_clinical_model": _no_clinical_model(training),
            "comparisons": _comparisons(training),
            "habitats_by_fold": habitats_by_fold(training),
        },
        **_calibration(validation, outcome),
        "decision_curve": _decision_curve(validation, outcome),
        "selection_frequency": selection_frequency(training),
        "robustness": _robustness(training),
        "harmonisation": _harmonisation(training),
        "habitats": {name: habitats.choice.model_dump(mode="json") for name, habitats in protocol.population.items()},
        "habitat_tests": habitat_tests(training),
        **learning_parts(training),
        "network": _network(protocol),
        "model": model_part(model),
        "problems": counted_problems([*training.study.features.problems, *training.study.features.region_problems(0)]),
        "warnings": sorted(_without_cases(training.study.features.warnings)),
        **stability_part(training),
        **training_figures(training, candidates),
        "folds": _folds(validation),
        "reliability": reliability_part(training),
    }
    return TrainingStudy.model_validate(document)


def sample_size(cohort: Cohort, protocol: Protocol) -> list[str]:
    """Whether the cohort is large enough, in sentences; known before anything is measured."""
    outcome = [cohort.outcomes[case.case_id] for case in cohort.cases]
    sequences = protocol.sequences or {row.sequence for case in cohort.cases for row in case.images}
    # As many habitats as there are at least.
    features = sum(
        len(feature_names_of(protocol, name)) * (protocol.habitats.k_min if name == "habitats" else 1)
        for name in protocol.regions
    )
    # Of two time points, values at the first and their changes.
    parameters = features * len(sequences) * (1 if protocol.timepoints is None else 2)
    return sample_size_lines(len(outcome), sum(outcome), parameters)


def characteristics_of(training: Training) -> list[Characteristic]:
    """Table 1 of the cases that were measured."""
    return table_1(training.study.cohort, training.table.outcome, seed=training.model.protocol.seed)


def _flow(training: Training) -> dict[str, Any]:
    excluded = [{"reason": row.reason, "cases": len(row.case_ids)} for row in training.excluded]
    return flow(len(training.cohort.cases), excluded, training.study.features.problems, training.table.outcome)


def compared(training: Training) -> list[str]:
    """The scores that tables show: what was chosen, the candidates that all cases have, and what they have to beat.

    A fold whose population has more habitats has further candidates; in the other folds nobody could score by them.
    """
    candidates = [candidate.name for candidate in training.learned.candidates]
    names = [STRATEGY, RAD_SCORE_ALONE, *candidates, VOLUME, CLINICAL]
    return [name for name in names if name in training.validation.held_out]


def _kinds(training: Training) -> dict[str, str]:
    """What kind of score each is, by name."""
    kinds = {}
    searched = training.protocol.learning.search is not None
    for candidate in training.learned.candidates:
        single = "search" if searched else "rad-score"
        kinds[candidate.name] = single if len(candidate.parts) == 1 else "fused"
    strategy = shown_name(training, STRATEGY)
    return kinds | {
        STRATEGY: "nomogram" if strategy == NOMOGRAM else "strategy",
        RAD_SCORE_ALONE: "rad-score alone",
        VOLUME: "volume",
        CLINICAL: "clinical",
    }


def _candidates(training: Training) -> list[dict[str, Any]]:
    outcome, protocol = training.table.outcome, training.model.protocol
    kinds = _kinds(training)
    rows = []
    for name in compared(training):
        held_out = training.validation.held_out[name]
        row = performance_table_row(
            outcome, held_out.scores, held_out.cut_offs, seed=protocol.seed, clusters=training.table.patients,
            folds=held_out.folds,
        )  # fmt: skip
        score = training.learned.scores.get(name)
        rows.append(
            {
                "name": shown_name(training, name),
                "kind": kinds[name],
                **flat_estimates(row),
                "confusion": confusion(outcome, held_out.scores, held_out.cut_offs),
                "empty_folds": held_out.empty,
                "folds": held_out.fits,
                "features": None if score is None else len(score.columns),
            }
        )
    return rows


def _comparisons(training: Training) -> list[dict[str, Any]]:
    scores = {shown_name(training, name): training.validation.held_out[name].scores for name in compared(training)}
    learning = training.protocol.learning
    return comparison_rows(training.table.outcome, scores, clusters=training.table.patients, folds=learning.folds)


def _calibration(validation: Validation, outcome: np.ndarray) -> dict[str, Any]:
    """Of the nested probabilities, the mean over repeats; or why there is none."""
    try:
        rows = [calibration_numbers(outcome, probability) for probability in validation.probabilities]
    except EvaluationError as error:
        return {"calibration": None, "calibration_problem": error.problem}
    return {"calibration": {name: finite(float(np.mean([row[name] for row in rows]))) for name in rows[0]}}


def _decision_curve(validation: Validation, outcome: np.ndarray) -> dict[str, list[float]]:
    """Net benefit of the nested probabilities, the mean over repeats; and of what a nomogram is compared with."""
    curves = [decision_curve(outcome, probability) for probability in validation.probabilities]
    others = {
        name: np.mean([decision_curve(outcome, probability).model for probability in rows], axis=0).tolist()
        for name, rows in validation.others.items()
    }
    return {
        "thresholds": curves[0].thresholds.tolist(),
        "model": np.mean([curve.model for curve in curves], axis=0).tolist(),
        "treat_all": curves[0].treat_all.tolist(),
        **others,
    }


def _rule(protocol: Protocol) -> str:
    """How the final model's score was chosen."""
    return FUSED_RULE if protocol.learning.fusion is not None else RULE


def _no_clinical_model(training: Training) -> bool:
    """Whether no clinical factor stayed in any fold, although there were some to choose from."""
    asked = training.protocol.learning.nomogram is not None and any(training.table.covariates)
    return asked and CLINICAL not in training.validation.held_out


def _network(protocol: Protocol) -> dict[str, Any] | None:
    """The network behind the deep features."""
    if protocol.deep is None or PATCH not in protocol.regions:
        return None
    network = network_of(protocol)
    return {
        "name": protocol.deep.network,
        "title": network.metadata.title,
        "sha256": network.sha256,
        "features": network.dimensions,
    }


def selection_frequency(training: Training) -> list[dict[str, Any]]:
    """How often each feature of the chosen candidate was selected, over folds and over bootstrap samples."""
    name = chosen_name(training)
    folds = training.validation.folds
    counts = Counter(feature for result in folds for feature in result.features.get(name, ()))
    bootstrap = training.stability.bootstrap
    samples: Mapping[str, float] = {} if bootstrap is None else bootstrap.selected
    in_model = {feature.name for feature in training.model.features if not feature.is_clinical}
    names = sorted({*counts, *samples, *in_model})
    rows = [
        {
            "feature": feature,
            "folds": counts[feature] / len(folds),
            "bootstraps": samples.get(feature, 0.0),
            "in_model": feature in in_model,
        }
        for feature in names
    ]
    return sorted(rows, key=lambda row: (-float(row["in_model"]), -row["folds"], -row["bootstraps"], row["feature"]))


def stability_part(training: Training) -> dict[str, Any]:
    """Permutation test, optimism and learning curve; None of what the protocol does not ask for."""
    stability = training.stability
    permutation, bootstrap = stability.permutation, stability.bootstrap
    return {
        "permutation": None
        if permutation is None
        else {"observed": permutation.observed, "p": permutation.p, "count": len(permutation.permuted)},
        "optimism": None
        if bootstrap is None
        else {
            "apparent": bootstrap.apparent,
            "optimism": bootstrap.optimism,
            "corrected": bootstrap.corrected,
            "count": bootstrap.samples,
        },
        "learning_curve": [
            {
                "cases": point.cases,
                "auc_mean": float(np.mean(point.held_out)),
                "auc_sd": float(np.std(point.held_out, ddof=1)) if len(point.held_out) > 1 else 0.0,
            }
            for point in stability.curve
        ]
        or None,
    }


def _folds(validation: Validation) -> list[dict[str, Any]]:
    """Which candidate each fold chose, by what, and what each selected."""
    return [
        {
            "repeat": result.fold.repeat + 1,
            "fold": result.fold.number + 1,
            "chosen": result.chosen,
            "inner_auc": {name: finite(area) for name, area in result.inner_auc.items()},
            "features": {name: list(features) for name, features in result.features.items()},
        }
        for result in validation.folds
    ]


def reliability_part(training: Training) -> dict[str, Any] | None:
    """ICC of every feature, of all cases that were measured again, by the kind of that (perturbed copies, or
    inter-observer and intra-observer readings), and whether the feature was kept; None where nothing was."""
    settings, table = training.protocol.robustness, training.table
    if settings is None or not table.repeated:
        return None
    by_kind = reliability_of(table, np.arange(len(table.outcome)), settings)
    return {
        "features": list(table.columns),
        "kept": reliable(by_kind, settings.threshold).tolist(),
        "kinds": {
            kind: {
                **{
                    name: [finite(value) for value in getattr(one.reliability, name).tolist()]
                    for name in ("icc", "low", "high")
                },
                "cases": one.cases.tolist(),
            }
            for kind, one in by_kind.items()
        },
    }


def _robustness(training: Training) -> dict[str, Any] | None:
    settings, kept = training.model.protocol.robustness, training.prepared.robust
    if settings is None or kept is None:
        return None
    table = training.table
    reliability = reliability_of(table, np.arange(len(table.outcome)), settings)
    measured = [
        {"kind": kind, "cases": len(table.repeated[kind].cases), "kept": int(one.reaches(settings.threshold).sum())}
        for kind, one in reliability.items()
    ]
    return {
        "threshold": settings.threshold,
        "kept": int(kept.sum()),
        "of": len(kept),
        "method": _robustness_method(measured, settings),
        "repeated": measured,
    }


def _robustness_method(measured: list[dict[str, Any]], settings: RobustnessSettings) -> str:
    if measured[0]["kind"] == PERTURBED:
        return f"ICC({settings.icc}) over {settings.copies} perturbed copies of {measured[0]['cases']} cases"
    readings = " and ".join(f"{row['kind']} in {row['cases']} cases" for row in measured)
    return f"ICC({settings.icc}) between two readings, {readings}"


def _harmonisation(training: Training) -> dict[str, Any] | None:
    settings = training.model.protocol.harmonisation
    if settings is None:
        return None
    return {"method": "ComBat", **settings.model_dump(mode="json"), "sites": list(training.model.evidence.sites)}


def _without_cases(warnings: Mapping[str, Iterable[str]]) -> set[str]:
    return {text for texts in warnings.values() for text in texts}
