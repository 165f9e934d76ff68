"""Applies a function to many items, in processes of this machine or on the caller's cluster."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Any, TypeVar

from HabitatRadiomicsLib.errors import WorkersError
from HabitatRadiomicsLib.system.cluster import current_client, on_cluster
from HabitatRadiomicsLib.system.tasks import Drawn, Item, ProcessDiedError, numbered

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")


def unordered(
    function: Callable[..., _Result],
    items: Iterable[Item],
    jobs: int = 1,
    *,
    lost: Callable[..., _Result] | None = None,
) -> Generator[_Result, None, None]:
    """``function(*item)`` for each item, in the order of completion, each with a single thread for linear algebra.

    Inside :func:`cluster.scheduler` (or ``with`` a ``distributed.Client``) the items run on the cluster and ``jobs`` is
    not used. Items are taken when they are needed; closing the iterator cancels those that have not begun.

    If a process dies (the system kills one that takes too much memory), the items that it may have held are run again
    one by one, so that only those that kill their process again are lost.

    Args:
        function: a function of a module, or a partial of one: it is sent to other processes.
        items: the arguments of each call.
        lost: called with the arguments of an item that killed its process; its result takes the place of the item's.

    Raises:
        WorkersError: an item killed its process and there is no ``lost``, or the cluster is no longer available.
    """
    with closing(_numbered_results(function, items, jobs, lost)) as results:
        for _, result in results:
            yield result


def in_order(function: Callable[..., _Result], items: Iterable[Item], jobs: int = 1) -> Iterator[_Result]:
    """As :func:`unordered`, but with the results in the order of the items."""
    waiting: dict[int, _Result] = {}
    following = 0
    with closing(_numbered_results(function, items, jobs, None)) as results:
        for number, result in results:
            waiting[number] = result
            while following in waiting:
                yield waiting.pop(following)
                following += 1


def _numbered_results(
    function: Callable[..., _Result], items: Iterable[Item], jobs: int, lost: Callable[..., _Result] | None
) -> Generator[tuple[int, _Result], None, None]:
    drawn = Drawn(items)
    while True:
        try:
            with closing(_run(function, drawn, jobs)) as results:
                for number, result in results:
                    del drawn.unfinished[number]
                    yield number, result
            if not drawn.unfinished:
                return
        except ProcessDiedError:
            _log.warning("a process died; the items that it may have held are run again one by one")
        suspects, drawn.unfinished = drawn.unfinished, {}
        for number, item in suspects.items():
            try:
                yield from _run(function, iter([(number, item)]), max(jobs, 2))
            except ProcessDiedError as error:
                if lost is None:
                    raise WorkersError(
                        "A process of a parallel computation died twice over the same work, probably for lack of "
                        "memory.",
                        remedy="Use fewer processes, or a machine with more memory; finished work is kept.",
                    ) from error
                yield number, lost(*item)


def _run(
    function: Callable[..., _Result], items: Iterator[tuple[int, Item]], jobs: int
) -> Generator[tuple[int, _Result], None, None]:
    client = current_client()
    return _in_processes(function, items, jobs) if client is None else on_cluster(client, function, items)


def _in_processes(
    function: Callable[..., _Result], items: Iterator[tuple[int, Item]], jobs: int
) -> Generator[tuple[int, Any], None, None]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import BrokenProcessPool

    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
            yield from parallel(delayed(numbered)(number, function, item) for number, item in items)
    except BrokenProcessPool as error:
        raise ProcessDiedError from error
