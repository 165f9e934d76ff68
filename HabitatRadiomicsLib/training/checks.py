"""Checks that a cohort must pass before training: everything that can be checked before an image is measured."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from HabitatRadiomicsLib.cases import title_of
from HabitatRadiomicsLib.cases.cohort import Cohort, CohortCase
from HabitatRadiomicsLib.errors import CohortError, HarmonisationError, LearningError, RobustnessError
from HabitatRadiomicsLib.features.harmonisation import MINIMUM_CASES
from HabitatRadiomicsLib.learning.folds import Fold
from HabitatRadiomicsLib.protocol import LearningSettings, Protocol
from HabitatRadiomicsLib.protocol.base import sequence_of, timepoint_of
from HabitatRadiomicsLib.system.provenance import file_digest
from HabitatRadiomicsLib.training.measured import FEWEST_REPEATED, folds_of, more_of, repeated_cases, tested
from HabitatRadiomicsLib.validation.external import outcomes_of


@dataclass(frozen=True)
class Exclusion:
    """Cases that were left out, and the reason."""

    reason: str
    case_ids: tuple[str, ...]


def check_study(
    cohort: Cohort, protocol: Protocol, *, complete_cases: bool = False
) -> tuple[Cohort, tuple[Exclusion, ...]]:
    """Check a cohort; returns the cases of the study and the excluded cases.

    Args:
        cohort: with outcomes.
        complete_cases: leave out cases that lack a sequence instead of refusing.

    Raises:
        CohortError: no outcomes, cases that lack a sequence or a time point, or the same image of two patients or of
            both time points of one.
        LearningError: too few cases of an outcome, or patients that cannot be distributed over the folds.
        HarmonisationError: a case without a site, or a site with too few cases.
        RobustnessError: too few cases for the test of robustness in the training part of a fold.
    """
    wanted = protocol.keys or tuple(dict.fromkeys(row.sequence for case in cohort.cases for row in case.images))
    excluded: dict[str, list[str]] = defaultdict(list)
    for case in cohort.cases:
        present = {row.sequence for row in case.images}
        missing = [key for key in wanted if key not in present]
        if missing:
            excluded[f"no {' and no '.join(map(title_of, missing))}"].append(case.case_id)
    incomplete = {case_id: reason for reason, ids in excluded.items() for case_id in ids}
    if incomplete and not complete_cases:
        raise CohortError.listing(
            [f"{case.case_id} has {incomplete[case.case_id]}" for case in cohort.cases if case.case_id in incomplete],
            where="images.csv",
            remedy="Add the images, or leave these cases out with --complete-cases.",
        )
    cohort = cohort.only({case.case_id for case in cohort.cases} - set(incomplete))
    check_cohort_outcomes(cohort, protocol.learning)
    folds = folds_of(cohort, protocol)
    _check_sites(cohort, folds, protocol)
    _check_robustness(cohort, folds, protocol)
    _refuse_twins(cohort)
    _refuse_unchanged(cohort)
    return cohort, tuple(Exclusion(f"{reason} image", tuple(ids)) for reason, ids in excluded.items())


def check_apart(training: Cohort, test: Cohort) -> None:
    """Refuse a test cohort that shares a patient with the training cohort.

    Raises:
        CohortError: a case, a patient or an image is in both.
    """
    known = {case.case_id for case in training.cases}
    patients = {training.patient_of(case_id) for case_id in known}
    problems = [f"{case.case_id} is in both" for case in test.cases if case.case_id in known]
    problems += [
        f"{case.case_id} is of patient {test.patient_of(case.case_id)}, who is in the training cohort"
        for case in test.cases
        if case.case_id not in known and test.patient_of(case.case_id) in patients
    ]
    if not problems:
        seen = _by_image(training.cases)
        problems = [
            f"{case_id} has the image of {seen[digest][0]}"
            for digest, ids in _by_image(test.cases).items()
            if digest in seen
            for case_id in ids
        ]
    if problems:
        raise CohortError.listing(problems, where="training and test cohort")


def check_sites_known(training: Cohort, test: Cohort, protocol: Protocol) -> None:
    """Refuse a test cohort with a site that a model of the training cohort would not know.

    Raises:
        HarmonisationError: sites are harmonised, and a test case has none or a new one.
    """
    known = sorted({training.sites.get(case.case_id, "") for case in training.cases} - {""})
    strange = [case.case_id for case in test.cases if test.sites.get(case.case_id, "") not in known]
    if protocol.harmonisation is not None and strange:
        raise HarmonisationError(
            f"Sites are harmonised, and {len(strange)} test cases come from none of the training cohort's "
            f"({', '.join(known)}): {_first(strange)}.",
            where="--test-clinical",
            remedy="Leave these cases, or harmonisation, out.",
        )


def check_cohort_outcomes(cohort: Cohort, settings: LearningSettings) -> None:
    """Refuse a cohort without outcomes, or with too few patients of one for nested cross-validation.

    Raises:
        CohortError: no outcomes.
        LearningError: too few of one.
    """
    ids = [case.case_id for case in cohort.cases]
    check_outcomes(outcomes_of(cohort), [cohort.patient_of(case_id) for case_id in ids], settings)


def check_outcomes(outcome: Sequence[int], patients: Sequence[str], settings: LearningSettings) -> None:
    """Refuse too few patients of an outcome for nested cross-validation, which never splits a patient's cases.

    Raises:
        LearningError: the message states how many there are and how many are needed.
    """
    events, others = (
        len({patient for patient, value in zip(patients, outcome) if value == wanted}) for wanted in (1, 0)
    )
    needed = fewest_of_each(settings.folds)
    if min(events, others) < needed:
        what = "cases" if len(set(patients)) == len(patients) else "patients"
        raise LearningError(
            f"There are {events} {what} with outcome 1 and {others} with 0; {settings.folds}-fold validation needs at "
            f"least {needed} of each.",
            where="cohort",
            remedy="Add cases, or lower 'folds' in the protocol.",
        )


def fewest_of_each(folds: int) -> int:
    """Cases of each outcome that nested cross-validation needs: each training part is itself cross-validated, and
    must contain at least one case of each outcome per inner fold."""
    return next(count for count in range(folds, 4 * folds) if count - math.ceil(count / folds) >= folds)


def _first(case_ids: Sequence[str]) -> str:
    return ", ".join(case_ids[:5]) + (", ..." if len(case_ids) > 5 else "")


def _check_sites(cohort: Cohort, folds: Sequence[Fold], protocol: Protocol) -> None:
    settings = protocol.harmonisation
    if settings is None:
        return
    ids = [case.case_id for case in cohort.cases]
    nowhere = [name for name in ids if not cohort.sites.get(name)]
    if nowhere:
        raise HarmonisationError(
            f"Sites are harmonised, and {len(nowhere)} of {len(ids)} cases have none: {_first(nowhere)}.",
            where="clinical.csv",
            remedy="Complete the column site, or leave harmonisation out of the protocol.",
        )
    sites = np.array([cohort.sites[name] for name in ids])
    names = sorted(set(sites.tolist()))
    if len(names) < 2:
        raise HarmonisationError(
            f"All cases come from {names[0]}; there is nothing to harmonise.",
            where="clinical.csv",
            remedy="Leave harmonisation out of the protocol.",
        )
    if settings.reference_site is not None and settings.reference_site not in names:
        raise HarmonisationError(
            f"No case comes from the reference site {settings.reference_site}.",
            where="clinical.csv",
            remedy=f"The sites are {', '.join(names)}.",
        )
    fewest = {name: min(int((sites[fold.training] == name).sum()) for fold in folds) for name in names}
    small = [
        f"{name} has {int((sites == name).sum())}, and in the training part of a fold {count}"
        for name, count in fewest.items()
        if count < MINIMUM_CASES
    ]
    if small:
        raise HarmonisationError(
            f"ComBat needs at least {MINIMUM_CASES} cases of each site in the training part of every fold; "
            f"{'; '.join(small)}.",
            where="clinical.csv",
            remedy="Leave these cases out, or join the site with one that has the same scanner.",
        )


def _check_robustness(cohort: Cohort, folds: Sequence[Fold], protocol: Protocol) -> None:
    for kind, repeated in repeated_cases(cohort, protocol).items():
        seen = np.array([case.case_id in repeated for case in cohort.cases])
        fewest = min(int(seen[fold.training].sum()) for fold in folds)
        if fewest < FEWEST_REPEATED:
            raise RobustnessError(
                f"{tested(kind)} is tested on {len(repeated)} cases; the training part of a fold has {fewest} of them, "
                f"and needs {FEWEST_REPEATED}.",
                where="cohort",
                remedy=f"{more_of(kind).capitalize()}.",
            )


def _refuse_twins(cohort: Cohort) -> None:
    """Refuse two patients with the same image. Two cases of one patient may share an image: two lesions."""
    problems = [
        f"{' and '.join(ids)} have the same image: the same patient twice"
        for ids in _by_image(cohort.cases).values()
        if len({cohort.patient_of(case_id) for case_id in ids}) > 1
    ]
    if problems:
        raise CohortError.listing(problems, where="images.csv")


def _refuse_unchanged(cohort: Cohort) -> None:
    """Refuse a follow-up image that is identical to the baseline image: there would be no change to measure."""
    problems = []
    for case in cohort.cases:
        seen: dict[str, str] = {}
        for row in case.images:
            if not timepoint_of(row.sequence):
                continue
            first = seen.setdefault(f"{sequence_of(row.sequence)} {file_digest(row.image)}", row.sequence)
            if first != row.sequence:
                problems.append(f"{case.case_id} has the same image as {title_of(first)} and {title_of(row.sequence)}")
    if problems:
        raise CohortError.listing(problems, where="images.csv")


def _by_image(cases: Sequence[CohortCase]) -> dict[str, list[str]]:
    """Cases by the content of their image files."""
    by_image: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        try:
            digests = dict.fromkeys(file_digest(row.image) for row in case.images)
        except OSError as error:
            raise CohortError(f"An image cannot be read ({error.strerror}).", where=f"case {case.case_id}") from error
        for digest in digests:
            by_image[digest].append(case.case_id)
    return by_image
