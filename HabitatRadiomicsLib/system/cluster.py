"""Runs work on a Dask cluster.

Items are submitted one by one, rather than by joblib's backend for Dask: that backend waits forever when an item
kills its workers, leaves pending items on the cluster when it is stopped, and keeps large arguments only on a worker,
so that they are lost with it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from HabitatRadiomicsLib.errors import DependencyError, WorkersError
from HabitatRadiomicsLib.system.provenance import versions
from HabitatRadiomicsLib.system.tasks import Item, ProcessDiedError, on_one_thread

_Result = TypeVar("_Result")
#: Two before Python 3.11.
_TIMEOUTS = (TimeoutError, asyncio.TimeoutError)
#: Seconds to wait for a scheduler's answer and for a first worker.
_ANSWER_SECONDS = 5.0
#: For another worker, when all have died: they are started again, or the queue of a computing centre starts others.
_RETURN_SECONDS = 60.0
#: Items submitted at once per thread of the cluster: no worker waits, and not all items are created at once.
_AHEAD = 2
_WARNING = "distributed.admin.large-graph-warning-threshold"
_NO_SCHEDULER = "The cluster's scheduler has gone."


@contextmanager
def scheduler(address: str | None) -> Iterator[None]:
    """A context in which all parallel work runs on the Dask cluster of a scheduler; without an address, nothing
    changes.

    Args:
        address: ``tcp://HOST:PORT``.

    Raises:
        DependencyError: Dask is not installed.
        WorkersError: no scheduler answers there, it has no worker, or a worker would not give the same numbers.
    """
    if address is None:
        yield
        return
    client = _connected(address)
    try:
        import dask

        _check_workers(client, address)
        # Dask warns about items above 10 MB, and a feature table may be that large.
        with client.as_current(), dask.config.set({_WARNING: "1 GB"}):
            yield
    finally:
        client.close()


def current_client() -> Any:
    """The ``distributed.Client`` that the caller works with; None when there is none."""
    if sys.modules.get("distributed") is None:
        return None
    from distributed import Client

    try:
        # The process's latest client is not used: it may serve other work.
        return Client.current(allow_global=False)
    except ValueError:
        return None


def on_cluster(
    client: Any, function: Callable[..., _Result], items: Iterator[tuple[int, Item]]
) -> Generator[tuple[int, _Result], None, None]:
    """``function(*item)`` of each item with its place, as they end; Dask gives a dead worker's items to others.

    Raises:
        ProcessDiedError: at the end, when items were with one dying worker after another (each time those with it are
            blamed, whichever it was).
        WorkersError: the scheduler has gone, or all workers, and none came back.
    """
    from distributed import KilledWorker

    places: dict[Any, int] = {}
    died = False
    try:
        while True:
            free = _AHEAD * max(1, _threads(client)) - len(places)
            for place, item in islice(items, max(0, free)):
                # As a partial: of a task's arguments Dask takes a tuple with a function for a task of its own.
                places[client.submit(partial(on_one_thread, function, item), pure=False)] = place
            if not places:
                break
            for future in _finished(client, list(places)):
                place = places.pop(future)
                if isinstance(future.exception(), KilledWorker):
                    died = True
                else:
                    yield place, future.result()
    finally:
        if places and client.status == "running":
            client.cancel(list(places), force=True)
    if died:
        raise ProcessDiedError


def _finished(client: Any, futures: list[Any]) -> list[Any]:
    """At least one that has ended."""
    from distributed import wait

    worked = time.monotonic()
    while True:
        try:
            done = wait(futures, timeout=_ANSWER_SECONDS, return_when="FIRST_COMPLETED").done
            return [future for future in futures if future in done]
        except CancelledError as error:
            raise _gone(_NO_SCHEDULER) from error
        except _TIMEOUTS:
            if _threads(client):
                worked = time.monotonic()
            elif time.monotonic() - worked > _RETURN_SECONDS:
                raise _gone("The cluster has no worker left.") from None


def _threads(client: Any) -> int:
    """Of all workers."""
    try:
        return sum(client.nthreads().values())
    except OSError as error:
        raise _gone(_NO_SCHEDULER) from error


def _gone(problem: str) -> WorkersError:
    return WorkersError(problem, remedy="Give the same command again: work on a cohort resumes where it stopped.")


def _connected(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise DependencyError(
            "Working on a cluster needs Dask, which is not installed.",
            remedy='Install it: pip install "habitat-radiomics[cluster]", or pip install distributed.',
        ) from error
    try:
        with ThreadPoolExecutor(1) as apart:  # this thread may have an event loop already, as in a notebook
            apart.submit(asyncio.run, _greeted(address)).result()
        return Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, *_TIMEOUTS) as error:
        raise WorkersError(
            "No Dask scheduler answers there.",
            where=address,
            remedy="Start one with 'dask scheduler', which prints its address: tcp://HOST:PORT.",
        ) from error


async def _greeted(address: str) -> None:
    """Check for an answer first: a client would wait forever for a server that never replies."""
    from distributed.comm import connect
    from distributed.security import Security

    options = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=_ANSWER_SECONDS, **options), _ANSWER_SECONDS)
    await comm.close()


def _check_workers(client: Any, address: str) -> None:
    """Refuse workers whose versions or threads could change the numbers."""
    start = f"dask worker {address} --nthreads 1"
    try:
        client.wait_for_workers(1, timeout=_ANSWER_SECONDS)
    except _TIMEOUTS as error:
        raise WorkersError("The cluster has no worker.", where=address, remedy=f"Start some: {start}.") from error
    for worker, threads in client.nthreads().items():
        if threads > 1:
            raise WorkersError(
                f"The worker has {threads} threads; with more than one, numbers may differ in their last digits.",
                where=worker,
                remedy=f"Start as many workers as tasks should run at once: {start}.",
            )
    same = "Start scheduler and workers in the same environment as this program."
    dask = client.get_versions()
    for place, found in {"scheduler": dask["scheduler"], **dask["workers"]}.items():
        _refuse_difference(place, dask["client"]["packages"], found["packages"], ("distributed",), same)
    ours = versions()
    for worker, found in client.run(versions, on_error="return").items():
        if isinstance(found, Exception):
            raise WorkersError(
                f"The worker lacks HabitatRadiomicsLib, or cannot import it: {found}.", where=worker, remedy=same
            )
        _refuse_difference(worker, ours, found, tuple({**ours, **found}), same)


def _refuse_difference(
    place: str, ours: dict[str, str], theirs: dict[str, str], names: tuple[str, ...], remedy: str
) -> None:
    other = [
        f"{name} {theirs.get(name)} (here {ours.get(name)})" for name in names if theirs.get(name) != ours.get(name)
    ]
    if other:
        problem = f"The worker's versions differ from this program's: {', '.join(other)}."
        raise WorkersError(problem, where=place, remedy=remedy)
