"""The study document of a training: the content of its report, without an identifier of a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from HabitatRadiomicsLib.cases.cohort import Cohort
from HabitatRadiomicsLib.errors import EvaluationError
from HabitatRadiomicsLib.extraction.prepared_cases import PERTURBED
from HabitatRadiomicsLib.features.catalogue import PATCH
from HabitatRadiomicsLib.features.deep.measure import feature_names_of, network_of
from HabitatRadiomicsLib.learning.preparation import reliability_of, reliable
from HabitatRadiomicsLib.learning.strategy import RULE
from HabitatRadiomicsLib.protocol import Protocol, RobustnessSettings
from HabitatRadiomicsLib.reporting.document import sections
from HabitatRadiomicsLib.reporting.document.figure_building import training_figures
from HabitatRadiomicsLib.reporting.document.learning import chosen_name, learning_parts, shown_name
from HabitatRadiomicsLib.reporting.document.parts import (
    calibration_numbers,
    common_parts,
    comparison_rows,
    confusion,
    counted_problems,
    flat_estimates,
)
from HabitatRadiomicsLib.reporting.document.study import (
    Exclusions,
    FoldChoice,
    LearningCurvePoint,
    Optimism,
    Permutation,
    Reliability,
    ReliabilityOfKind,
    TrainingStudy,
)
from HabitatRadiomicsLib.statistics import decision_curve, performance_table_row, sample_size_lines
from HabitatRadiomicsLib.training.freezing import interval_of, method_of
from HabitatRadiomicsLib.training.train import Training
from HabitatRadiomicsLib.validation.nested import CLINICAL, NOMOGRAM, RAD_SCORE_ALONE, STRATEGY, VOLUME, Validation

FUSED_RULE = (
    "the prespecified fused score, with the classifier that has the largest AUC in the cross-validation within the "
    "training cases; the other scores are for comparison"
)


def training_study(training: Training) -> TrainingStudy:
    """The document from which ``report.html``, figures, tables and checklists are made."""
    protocol, outcome, features = training.model.protocol, training.table.outcome, training.study.features
    validation = training.validation
    performance = _performance(training)
    return TrainingStudy(
        **common_parts(
            training.model, training.cohort, training.study.cohort, outcome, features.problems,
            title=training.model.title,
            excluded=[Exclusions(reason=row.reason, cases=len(row.case_ids)) for row in training.excluded],
        ),
        sample_size={"lines": sample_size(training.study.cohort, protocol)},
        validation=performance,
        **_calibration(validation, outcome),
        decision_curve=_decision_curve(validation, outcome),
        selection_frequency=selection_frequency(training),
        robustness=_robustness(training),
        harmonisation=_harmonisation(training),
        habitats={name: model.choice.model_dump() for name, model in protocol.population.items()},
        habitat_tests=habitat_tests(training),
        **learning_parts(training),
        network=_network(protocol),
        problems=counted_problems([*features.problems, *features.region_problems(0)]),
        warnings=sorted({text for texts in features.warnings.values() for text in texts}),
        **stability_parts(training),
        **training_figures(training, performance.candidates),
        folds=_folds(validation),
        reliability=_reliability(training),
    )  # fmt: skip


def sample_size(cohort: Cohort, protocol: Protocol) -> list[str]:
    """Whether the cohort is large enough, in sentences; known before anything is measured."""
    outcome = [cohort.outcomes[case.case_id] for case in cohort.cases]
    sequences = protocol.sequences or {row.sequence for case in cohort.cases for row in case.images}
    # With the smallest possible number of habitats.
    features = sum(
        len(feature_names_of(protocol, name)) * (protocol.habitats.k_min if name == "habitats" else 1)
        for name in protocol.regions
    )
    # For two time points: values at the first one, and their changes.
    parameters = features * len(sequences) * (1 if protocol.timepoints is None else 2)
    return sample_size_lines(len(outcome), sum(outcome), parameters)


def _performance(training: Training) -> sections.NestedPerformance:
    validation, learning = training.validation, training.protocol.learning
    shown = compared(training)
    scores = {shown_name(training, name): validation.held_out[name].scores for name in shown}
    return sections.NestedPerformance(
        folds=learning.folds,
        repeats=learning.repeats,
        nested=True,
        frozen_habitats=training.study.frozen_habitats,
        habitats_from_protocol=bool(training.protocol.population),
        method=method_of(training.study, validation.held_out[STRATEGY], training.protocol) + ".",
        interval=interval_of(training.study.cohort, held_out=True),
        candidates=_candidates(training),
        chosen=sections.Choice(
            name=chosen_name(training),
            rule=(RULE if learning.fusion is None else FUSED_RULE) + ".",
            frequency=dict(Counter(result.chosen or "none" for result in validation.folds).most_common()),
        ),
        only_in_some_folds=[name for name in validation.held_out if name not in shown],
        # No clinical factor was selected in any fold, although there were some to choose from.
        no_clinical_model=(
            learning.nomogram is not None and any(training.table.covariates) and CLINICAL not in validation.held_out
        ),
        comparisons=comparison_rows(
            training.table.outcome, scores, clusters=training.table.patients, folds=learning.folds
        ),
        habitats_by_fold=habitats_by_fold(training),
    )


def compared(training: Training) -> list[str]:
    """The scores that tables show: the chosen score, the candidates that all cases have, and the baselines.

    A fold with more habitats than all cases have together has further candidates, by which no case of the other folds
    could be scored.
    """
    candidates = [candidate.name for candidate in training.learned.candidates]
    names = [STRATEGY, RAD_SCORE_ALONE, *candidates, VOLUME, CLINICAL]
    return [name for name in names if name in training.validation.held_out]


def _kinds(training: Training) -> dict[str, str]:
    """The kind of each score, by name."""
    single = "rad-score" if training.protocol.learning.search is None else "search"
    return {
        **{row.name: single if len(row.parts) == 1 else "fused" for row in training.learned.candidates},
        STRATEGY: "nomogram" if shown_name(training, STRATEGY) == NOMOGRAM else "strategy",
        RAD_SCORE_ALONE: "rad-score alone",
        VOLUME: "volume",
        CLINICAL: "clinical",
    }


def _candidates(training: Training) -> list[sections.CandidateRow]:
    outcome, kinds = training.table.outcome, _kinds(training)
    rows = []
    for name in compared(training):
        held_out, score = training.validation.held_out[name], training.learned.scores.get(name)
        measures = performance_table_row(
            outcome, held_out.scores, held_out.cut_offs, seed=training.model.protocol.seed,
            clusters=training.table.patients, folds=held_out.folds,
        )  # fmt: skip
        rows.append(
            sections.CandidateRow(
                name=shown_name(training, name),
                kind=kinds[name],
                **flat_estimates(measures),
                confusion=confusion(outcome, held_out.scores, held_out.cut_offs),
                empty_folds=held_out.empty,
                folds=held_out.fits,
                features=None if score is None else len(score.columns),
            )
        )
    return rows


def _calibration(validation: Validation, outcome: np.ndarray) -> dict[str, Any]:
    """Calibration of the nested probabilities, mean over repeats; or the reason why there is none."""
    try:
        rows = [calibration_numbers(outcome, probability) for probability in validation.probabilities[STRATEGY]]
    except EvaluationError as error:
        return {"calibration": None, "calibration_problem": error.problem}
    return {"calibration": sections.Calibration(**{name: np.mean([row[name] for row in rows]) for name in rows[0]})}


def _decision_curve(validation: Validation, outcome: np.ndarray) -> dict[str, np.ndarray]:
    """Net benefit of the nested probabilities, mean over repeats; also of what a nomogram is compared with."""
    curves = [decision_curve(outcome, probability) for probability in validation.probabilities[STRATEGY]]
    others = {
        name: np.mean([decision_curve(outcome, probability).model for probability in rows], axis=0)
        for name, rows in validation.probabilities.items()
        if name != STRATEGY
    }
    return {
        "thresholds": curves[0].thresholds,
        "model": np.mean([curve.model for curve in curves], axis=0),
        "treat_all": curves[0].treat_all,
        **others,
    }


def _network(protocol: Protocol) -> sections.Network | None:
    if protocol.deep is None or PATCH not in protocol.regions:
        return None
    network = network_of(protocol)
    return sections.Network(
        name=protocol.deep.network, title=network.metadata.title, sha256=network.sha256, features=network.dimensions
    )


def selection_frequency(training: Training) -> list[sections.FrequencyRow]:
    """Share of folds and of bootstrap samples in which each feature of the chosen candidate was selected."""
    name, folds, bootstrap = chosen_name(training), training.validation.folds, training.stability.bootstrap
    counts = Counter(feature for result in folds for feature in result.features.get(name, ()))
    samples: Mapping[str, float] = {} if bootstrap is None else bootstrap.selected
    in_model = {feature.name for feature in training.model.features if not feature.is_clinical}
    rows = [
        sections.FrequencyRow(
            feature=feature, folds=counts[feature] / len(folds), bootstraps=samples.get(feature, 0.0),
            in_model=feature in in_model,
        )
        for feature in {*counts, *samples, *in_model}
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (not row.in_model, -row.folds, -row.bootstraps, row.feature))


def stability_parts(training: Training) -> dict[str, Any]:
    """Permutation test, optimism and learning curve; None for each that the protocol does not request."""
    permutation, bootstrap = training.stability.permutation, training.stability.bootstrap
    return {
        "permutation": permutation
        and Permutation(observed=permutation.observed, p=permutation.p, count=len(permutation.permuted)),
        "optimism": bootstrap
        and Optimism(
            apparent=bootstrap.apparent, optimism=bootstrap.optimism, corrected=bootstrap.corrected,
            count=bootstrap.samples,
        ),
        "learning_curve": [
            LearningCurvePoint(
                cases=point.cases,
                auc_mean=np.mean(point.held_out),
                auc_sd=np.std(point.held_out, ddof=1) if len(point.held_out) > 1 else 0.0,
            )
            for point in training.stability.curve
        ]
        or None,
    }  # fmt: skip


def _folds(validation: Validation) -> list[FoldChoice]:
    return [
        FoldChoice(
            repeat=result.fold.repeat + 1, fold=result.fold.number + 1, chosen=result.chosen,
            inner_auc=result.inner_auc, features=result.features,
        )
        for result in validation.folds
    ]  # fmt: skip


def _reliability(training: Training) -> Reliability | None:
    """ICC of every feature over all cases that were measured again, by kind of measurement (perturbed copies,
    inter-observer or intra-observer readings), and whether the feature was kept; None if nothing was."""
    settings, table = training.protocol.robustness, training.table
    if settings is None or not table.repeated:
        return None
    by_kind = reliability_of(table, np.arange(len(table.outcome)), settings)
    return Reliability(
        features=table.columns,
        kept=reliable(by_kind, settings.threshold).tolist(),
        kinds={
            kind: ReliabilityOfKind(
                icc=one.reliability.icc, low=one.reliability.low, high=one.reliability.high, cases=one.cases.tolist()
            )
            for kind, one in by_kind.items()
        },
    )


def _robustness(training: Training) -> sections.Robustness | None:
    settings, kept, table = training.model.protocol.robustness, training.prepared.robust, training.table
    if settings is None or kept is None:
        return None
    measured = [
        sections.Repeated(
            kind=kind, cases=len(table.repeated[kind].cases), kept=int(one.reaches(settings.threshold).sum())
        )
        for kind, one in reliability_of(table, np.arange(len(table.outcome)), settings).items()
    ]
    return sections.Robustness(
        threshold=settings.threshold, kept=int(kept.sum()), of=len(kept), method=_robustness_method(measured, settings),
        repeated=measured,
    )  # fmt: skip


def _robustness_method(measured: list[sections.Repeated], settings: RobustnessSettings) -> str:
    if measured[0].kind == PERTURBED:
        return f"ICC({settings.icc}) over {settings.copies} perturbed copies of {measured[0].cases} cases"
    readings = " and ".join(f"{row.kind} in {row.cases} cases" for row in measured)
    return f"ICC({settings.icc}) between two readings, {readings}"


def _harmonisation(training: Training) -> sections.Harmonisation | None:
    settings = training.model.protocol.harmonisation
    if settings is None:
        return None
    return sections.Harmonisation(method="ComBat", **settings.model_dump(), sites=training.model.evidence.sites)


def habitat_tests(training: Training) -> list[sections.HabitatTest]:
    """Whether neighbouring habitats differ in entropy and intensity over the cases: Wilcoxon's signed-rank test.

    Habitats are made from both, so that a small p confirms the clustering and discovers nothing.
    """
    from scipy.stats import wilcoxon

    features = training.study.features
    rows = []
    for sequence in features.populations[0]:
        means = features.habitat_means(0, sequence)
        for column, quantity in ((1, "entropy"), (0, "intensity")):
            for first, second in pairwise(means):
                pairs = np.column_stack([means[first][:, column], means[second][:, column]])
                pairs = pairs[np.isfinite(pairs).all(axis=1)]
                if not len(pairs):  # no lesion has both
                    continue
                differ = len(pairs) > 1 and (pairs[:, 0] != pairs[:, 1]).any()
                medians = dict(zip((first, second), np.median(pairs, axis=0).tolist()))
                p = float(wilcoxon(pairs[:, 0], pairs[:, 1]).pvalue) if differ else 1.0
                row = sections.HabitatTest(
                    sequence=sequence, quantity=quantity, habitats=(first, second), medians=medians, cases=len(pairs),
                    p=p, test="Wilcoxon signed-rank",
                )  # fmt: skip
                rows.append(row)
    return rows


def habitats_by_fold(training: Training) -> dict[str, dict[str, int]]:
    """By sequence: the number of folds that had each number of habitats."""
    whole, *folds = training.study.features.populations
    by_sequence: dict[str, dict[str, int]] = {}
    for name in whole:
        models = [population[name] for population in folds]
        counts = Counter("none" if model is None else str(len(model.centroids)) for model in models)
        by_sequence[name] = dict(sorted(counts.items()))
    return by_sequence
