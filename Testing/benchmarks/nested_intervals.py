"""What intervals of a nested cross-validation's AUC cover, by simulation.

``python Testing/benchmarks/nested_intervals.py [--cohorts 1000] [--permutations 99] [--learner lasso] [--out FILE]``

Cohorts and the search that is validated are those of ``nested_cohorts.py``, all of a setting learned at once, so that
thousands take minutes. With the library's LASSO only small cohorts and one repeat are tried. ``INTERVALS.md`` is the
last full run.

Three things may be asked to lie in an interval: the AUC that the procedure has on average over cohorts of the size of
a training set, that of the very models that the folds learned, and that of the final one. Without an effect all are
0.5.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
from nested_cohorts import (
    SEED,
    Learner,
    Setting,
    aucs,
    cross_validated,
    drawn,
    fits,
    in_deviations,
    lasso,
    search,
    simulated,
    stratified,
)  # fmt: skip
from scipy.stats import t
from threadpoolctl import threadpool_limits

from HabitatRadiomicsLib.statistics import compare_aucs, mean_auc
from HabitatRadiomicsLib.statistics.intervals import overlap_factor

SETTINGS = (
    Setting(24, 100, 0, folds=3, prevalence=0.5), Setting(24, 100, 0, prevalence=0.5), Setting(40, 200, 0),
    Setting(40, 200, 0, repeats=5), Setting(80, 400, 0), Setting(80, 50, 0, repeats=5),
    Setting(24, 100, 1.2, folds=3, prevalence=0.5), Setting(24, 100, 1.2, prevalence=0.5), Setting(40, 200, 0.8),
    Setting(40, 200, 0.8, repeats=5), Setting(40, 200, 1.4), Setting(80, 100, 0.5), Setting(80, 100, 0.8, repeats=5),
)  # fmt: skip


#: Cases of the cohorts that a LASSO is tried on.
_SMALL = 40
Interval = tuple[float, float]


def around(middle: float, variance: float, quantile: float = NormalDist().inv_cdf(0.975)) -> Interval:
    """Symmetric, cut to 0..1."""
    reach = quantile * variance**0.5
    return max(0.0, middle - reach), min(1.0, middle + reach)


def by_fold(outcome: np.ndarray, scores: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The AUC of each fold of each repeat."""
    pairs = [(row, own == number) for row, own in zip(scores, fold) for number in range(fold.max() + 1)]
    return np.array([float(aucs(row[test], outcome[test])) for row, test in pairs])


def influence(outcome: np.ndarray, scores: np.ndarray, fold: np.ndarray) -> float:
    """Variance of the mean AUC over folds by its influence curve (LeDell 2015, doi 10.1214/15-EJS1035)."""
    share = outcome.mean()
    variances = []
    for row, own in zip(scores, fold):
        curve = np.empty(len(outcome))
        for number in range(own.max() + 1):
            test = own == number
            values, truth = row[test], outcome[test]
            difference = values[:, None] - values[None, :]
            wins = (difference > 0) + 0.5 * (difference == 0)
            area = wins[truth == 1][:, truth == 0].mean()
            above, below = wins[:, truth == 0].mean(axis=1), wins[truth == 1].mean(axis=0)
            curve[test] = np.where(truth == 1, (above - area) / share, (below - area) / (1 - share))
        variances.append((curve**2).mean() / len(outcome))
    return float(np.mean(variances))


def logit(middle: float, variance: float) -> Interval:
    """Symmetric on the scale of log odds."""
    if not 0 < middle < 1:
        return 0.0, 1.0
    at, reach = np.log(middle / (1 - middle)), 1.959964 * variance**0.5 / (middle * (1 - middle))
    return float(1 / (1 + np.exp(reach - at))), float(1 / (1 + np.exp(-reach - at)))


def intervals(setting: Setting, scores: np.ndarray, fold: np.ndarray) -> dict[str, Interval]:
    """Of one cohort, by method."""
    outcome, folds = setting.outcome, setting.folds
    plain, own = mean_auc(outcome, scores), mean_auc(outcome, scores, folds=folds)
    areas = by_fold(outcome, scores, fold)
    corrected = (1 / len(areas) + 1 / (folds - 1)) * areas.var(ddof=1)
    positive, negative = outcome.sum(), (1 - outcome).sum()
    chance = (len(outcome) + 1) / (12 * positive * negative)
    factor = overlap_factor(folds)
    return {
        "DeLong": (plain.low, plain.high),
        "LeDell": around(areas.mean(), influence(outcome, scores, fold)),
        "Nadeau-Bengio": around(areas.mean(), corrected, float(t.ppf(0.975, len(areas) - 1))),
        "DeLong + S2/k": around(plain.auc, plain.variance + areas.var(ddof=1) / folds),
        "corrected, z": around(plain.auc, factor * plain.variance),
        "corrected, t": (own.low, own.high),
        "corrected, logit": logit(plain.auc, factor * plain.variance),
        "at least chance's": around(plain.auc, factor * max(plain.variance, chance)),
    }  # fmt: skip


def tables(cohorts: int, learned: Learner = search, settings: Sequence[Setting] = SETTINGS) -> Iterator[str]:
    """Coverage of the three truths, how often chance is left out below, and mean length; a table each."""
    rows: dict[str, list[tuple[str, list[float]]]] = {}
    names: list[str] = []
    for setting in settings:
        found = simulated(setting, cohorts, learned)
        each = [intervals(setting, scores, found.fold) for scores in found.scores]
        names = list(each[0])
        ends = np.array([[interval[name] for name in names] for interval in each])
        low, high = ends[:, :, 0], ends[:, :, 1]
        expected = found.models.mean()
        truths = {"the procedure": expected}
        if setting.effect:
            truths |= {
                "the folds' models": found.models.mean(axis=(1, 2))[:, None],
                "the final model": found.final[:, None],
            }
        numbers = {f"AUC of {what} inside": (low <= truth) & (truth <= high) for what, truth in truths.items()}
        for title, values in {**numbers, "Lower end above 0.5": low > 0.5, "Mean length": high - low}.items():
            rows.setdefault(title, []).append((f"{setting}: AUC {expected:.2f}", values.mean(axis=0).tolist()))
    for title, lines in rows.items():
        yield f"### {title}\n\n| | {' | '.join(names)} |\n| --- |{' ---: |' * len(names)}\n" + "\n".join(
            f"| {label} | {' | '.join(f'{value:.3f}' for value in values)} |" for label, values in lines
        )


def permutation_rates(cohorts: int, permutations: int, setting: Setting) -> float:
    """How often a permutation test of the whole procedure has p <= 0.05, one-sided. Permuting rows is permuting
    outcomes."""
    generator = np.random.default_rng(SEED)
    fold = stratified(setting.outcome, setting.folds, generator)[None]
    reached = 0
    for _ in range(cohorts):
        (values,) = drawn(setting, 1, generator)
        order = [np.arange(setting.cases), *(generator.permutation(setting.cases) for _ in range(permutations))]
        scores = cross_validated(values[np.array(order)], setting, fold, generator).scores
        areas = aucs(scores, setting.outcome).mean(axis=1)
        reached += ((areas[1:] >= areas[0] - 1e-12).sum() + 1) / (permutations + 1) <= 0.05
    return reached / cohorts


def difference_rates(cohorts: int, setting: Setting) -> Iterator[str]:
    """How often the discriminant of most columns differs with p < 0.05, by DeLong's test and by the corrected one, from
    the best column, of which it is made, and from one that has nothing to do with the others, as the volume may."""
    generator = np.random.default_rng(SEED)
    outcome = setting.outcome
    fold = stratified(outcome, setting.folds, generator)
    values, apart = drawn(setting, cohorts, generator), generator.normal(size=(cohorts, setting.cases))
    scores = np.empty((3, cohorts, setting.cases))
    for number in range(setting.folds):
        training, test = fold != number, fold == number
        weights = fits(values[:, training], outcome[training])[[-1, 0]]
        scores[:2, :, test] = in_deviations(weights, values[:, training], values[:, test])
        rise = apart[:, training & (outcome == 1)].mean(axis=1) - apart[:, training & (outcome == 0)].mean(axis=1)
        scores[2, :, test] = (np.sign(rise)[:, None] * apart[:, test]).T
    for what, others in (("the best column", scores[1]), ("an unrelated column", scores[2])):
        pairs = [{"discriminant": one, "other": other} for one, other in zip(scores[0], others)]
        plain, corrected = (
            np.mean([compare_aucs(outcome, pair, folds=folds)[0].p < 0.05 for pair in pairs])
            for folds in (None, setting.folds)
        )
        yield f"{setting}: p < 0.05 of a difference from {what} in {plain:.1%}, corrected in {corrected:.1%}."


def main() -> None:
    """Simulate, and write Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cohorts", type=int, default=1000)
    parser.add_argument("--permutations", type=int, default=0, help="0: no permutation test")
    parser.add_argument("--learner", choices=("search", "lasso"), default="search")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with threadpool_limits(limits=1):
        if given.learner == "lasso":
            few = [setting for setting in SETTINGS if setting.cases <= _SMALL and setting.repeats == 1]
            report = list(tables(given.cohorts, lasso, few))
        else:
            report = list(tables(given.cohorts))
            for setting in SETTINGS[1:3]:
                report += difference_rates(given.cohorts, setting)
        if given.permutations:
            for setting in (SETTINGS[1], SETTINGS[7]):
                rate = permutation_rates(given.cohorts // 4, given.permutations, setting)
                report.append(f"{setting}: permutation p <= 0.05 in {rate:.1%}.")
    text = "\n\n".join(report) + "\n"
    if given.out is None:
        print(text)
    else:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
