"""Schedulers, workers and work for tests on a Dask cluster."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

FEW = {
    "name": "few",
    "title": "Few features",
    "sequences": ["T1W", "T2FS"],
    "features": {
        "classes": ["shape", "firstorder"],
        "images": {
            "wavelet": None, "square": False, "square_root": False, "logarithm": False, "exponential": False,
            "gradient": False, "lbp_2d": False, "log_sigmas": [],
        },
    },
}  # fmt: skip


@contextmanager
def local_cluster(workers: int = 2, threads: int = 1, allowed_failures: int = 3) -> Iterator[str]:
    """Real worker processes on this machine, each with a nanny that starts it again; gives the address."""
    import dask
    import distributed

    # A busy machine may take minutes to answer.
    patience = {f"distributed.comm.timeouts.{what}": "300s" for what in ("connect", "tcp")}
    settings = {"distributed.scheduler.allowed-failures": allowed_failures, **patience}
    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=threads, processes=True, dashboard_address=":0", silence_logs=60
        ) as cluster,
    ):
        yield cluster.scheduler_address


def scheduler_program(port: int) -> str:
    return (
        "from distributed.cli.dask_scheduler import main;"
        f"main(['--host', '127.0.0.1', '--port', '{port}', '--no-dashboard'])"
    )


def worker_program(address: str, before: str = "") -> str:
    options = [address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    return f"{before}\nfrom distributed.cli.dask_worker import main; main({options!r})"


def free_port() -> int:
    with socket.socket() as waiting:
        waiting.bind(("127.0.0.1", 0))
        return int(waiting.getsockname()[1])


def slow(number: int) -> tuple[int, int]:
    time.sleep(0.2)
    return number, os.getpid()


def root(number: float) -> float:
    if number < 0:
        raise ValueError("no root")
    return float(number**0.5)
