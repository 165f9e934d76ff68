"""Runs work on a Dask cluster.

Items are submitted one by one. joblib's backend for Dask is not used: it waits forever if an item kills its workers,
leaves pending items on the cluster when it is stopped, and keeps large arguments on a single worker only.
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
#: Before Python 3.11, these are two classes.
_TIMEOUTS = (TimeoutError, asyncio.TimeoutError)
#: Seconds to wait for a scheduler's answer and for the first worker.
_ANSWER_SECONDS = 5.0
#: Seconds to wait for a worker after all have died: they, or others, may be started.
_RETURN_SECONDS = 60.0
#: Items submitted per thread of the cluster: no worker waits, and not all items are created at the same time.
_AHEAD = 2
_WARNING = "distributed.admin.large-graph-warning-threshold"
_NO_SCHEDULER = "The cluster's scheduler no longer answers."


@contextmanager
def scheduler(address: str | None) -> Iterator[None]:
    """A context in which all parallel work runs on the Dask cluster of a scheduler.

    Args:
        address: ``tcp://HOST:PORT``; None: no cluster is used.

    Raises:
        DependencyError: Dask is not installed.
        WorkersError: no scheduler answers, it has no worker, or a worker's numbers might differ.
    """
    if address is None:
        yield
        return
    client = _connected(address)
    try:
        import dask

        _check_workers(client, address)
        # Dask warns about items above 10 MB; a feature table may be larger.
        with client.as_current(), dask.config.set({_WARNING: "1 GB"}):
            yield
    finally:
        client.close()


def current_client() -> Any:
    """The caller's current ``distributed.Client``; None if there is none."""
    if sys.modules.get("distributed") is None:
        return None
    from distributed import Client

    try:
        # A client that is merely the latest of the process may serve other work.
        return Client.current(allow_global=False)
    except ValueError:
        return None


def on_cluster(
    client: Any, function: Callable[..., _Result], items: Iterator[tuple[int, Item]]
) -> Generator[tuple[int, _Result], None, None]:
    """The number of each item and ``function(*item)``, in the order of completion; Dask runs the items of a dead worker
    on others.

    Raises:
        ProcessDiedError: at the end, if some items were repeatedly on workers that died, so that Dask gave them up.
        WorkersError: the scheduler no longer answers, or all workers have died and none came back.
    """
    from distributed import KilledWorker

    numbers: dict[Any, int] = {}
    died = False
    try:
        while True:
            free = _AHEAD * max(1, _threads(client)) - len(numbers)
            for number, item in islice(items, max(0, free)):
                # As a partial: Dask takes an argument that is a tuple with a function for another task.
                numbers[client.submit(partial(on_one_thread, function, item), pure=False)] = number
            if not numbers:
                break
            for future in _finished(client, list(numbers)):
                number = numbers.pop(future)
                if isinstance(future.exception(), KilledWorker):
                    died = True
                else:
                    yield number, future.result()
    finally:
        if numbers and client.status == "running":
            client.cancel(list(numbers), force=True)
    if died:
        raise ProcessDiedError


def _finished(client: Any, futures: list[Any]) -> list[Any]:
    """The futures that have ended, at least one."""
    from distributed import wait

    last_worker = time.monotonic()
    while True:
        try:
            done = wait(futures, timeout=_ANSWER_SECONDS, return_when="FIRST_COMPLETED").done
            return [future for future in futures if future in done]
        except CancelledError as error:
            raise _gone(_NO_SCHEDULER) from error
        except _TIMEOUTS:
            if _threads(client):
                last_worker = time.monotonic()
            elif time.monotonic() - last_worker > _RETURN_SECONDS:
                raise _gone("The cluster has no worker left.") from None


def _threads(client: Any) -> int:
    """The number of threads of all workers."""
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
        with ThreadPoolExecutor(1) as pool:  # in a notebook, this thread has an event loop already
            pool.submit(asyncio.run, _check_answer(address)).result()
        return Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, *_TIMEOUTS) as error:
        raise WorkersError(
            "No Dask scheduler answers there.",
            where=address,
            remedy="Start one with 'dask scheduler', which prints its address: tcp://HOST:PORT.",
        ) from error


async def _check_answer(address: str) -> None:
    """Wait for an answer of the scheduler: a client would wait forever for a server that never replies."""
    from distributed.comm import connect
    from distributed.security import Security

    options = Security().get_connection_args("client")
    comm = await asyncio.wait_for(connect(address, timeout=_ANSWER_SECONDS, **options), _ANSWER_SECONDS)
    await comm.close()


def _check_workers(client: Any, address: str) -> None:
    """Refuse workers whose versions or threads could change the numbers."""
    command = f"dask worker {address} --nthreads 1"
    try:
        client.wait_for_workers(1, timeout=_ANSWER_SECONDS)
    except _TIMEOUTS as error:
        raise WorkersError("The cluster has no worker.", where=address, remedy=f"Start some: {command}.") from error
    for worker, threads in client.nthreads().items():
        if threads > 1:
            raise WorkersError(
                f"The worker has {threads} threads; with more than one, numbers may differ in their last digits.",
                where=worker,
                remedy=f"Start as many workers as tasks should run at once: {command}.",
            )
    same = "Start scheduler and workers in the same environment as this program."
    dask = client.get_versions()
    for where, theirs in {"scheduler": dask["scheduler"], **dask["workers"]}.items():
        _refuse_difference(where, dask["client"]["packages"], theirs["packages"], ("distributed",), same)
    ours = versions()
    for worker, theirs in client.run(versions, on_error="return").items():
        if isinstance(theirs, Exception):
            raise WorkersError(
                f"The worker lacks HabitatRadiomicsLib, or cannot import it: {theirs}.", where=worker, remedy=same
            )
        _refuse_difference(worker, ours, theirs, tuple({**ours, **theirs}), same)


def _refuse_difference(
    where: str, ours: dict[str, str], theirs: dict[str, str], names: tuple[str, ...], remedy: str
) -> None:
    different = [
        f"{name} {theirs.get(name)} (here {ours.get(name)})" for name in names if theirs.get(name) != ours.get(name)
    ]
    if different:
        problem = f"The worker's versions differ from this program's: {', '.join(different)}."
        raise WorkersError(problem, where=where, remedy=remedy)
