"""Where the least time of a joblib call comes from: three sleeps, each shortened or put back.

The contexts replace a private part of a library, in this process and for one block only. They
isolate a cause; they are no way to make a program faster.
"""

import inspect
import multiprocessing.pool
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import joblib.disk
import joblib.parallel

from unlocked.parallel.backends import Answers, FloatArray, run_tasks, send_arrays

OLD_SLEEP = 0.1
"""Seconds that the pool of CPython 3.7 and older slept before it looked at its workers again."""


def installed_poll() -> float:
    """Seconds that the installed joblib sleeps between looks for a result, read from its source.

    0 where its ``Parallel._retrieve`` has no such sleep.
    """
    retrieve = getattr(joblib.parallel.Parallel, "_retrieve", None)
    source = inspect.getsource(retrieve) if retrieve else ""
    sleeps = re.findall(r"time\.sleep\(([\d.]+)\)", source)
    return max(map(float, sleeps), default=0.0)


def installed_retry() -> float:
    """Seconds that the installed joblib sleeps before it tries again to delete a folder."""
    return float(joblib.disk.RM_SUBDIRS_RETRY_TIME)


class _Clock:
    """The module `time` with another sleep."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def sleep(self, _: float) -> None:
        time.sleep(self.seconds)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def polling_every(seconds: float) -> Iterator[None]:
    """Have joblib sleep for so long, instead of as written, before it looks for a result again.

    Raises
    ------
    RuntimeError
        Where ``joblib.parallel`` does not take its sleep from the module `time`.
    """
    if not isinstance(getattr(joblib.parallel, "time", None), ModuleType):
        raise RuntimeError(
            f"joblib {joblib.__version__} takes its sleep from elsewhere: read its "
            "Parallel._retrieve and adapt polling_every"
        )
    joblib.parallel.time = _Clock(seconds)
    try:
        yield
    finally:
        joblib.parallel.time = time


@contextmanager
def tidying_every(seconds: float) -> Iterator[None]:
    """Have joblib sleep for so long before it tries again to delete its folder of memory maps."""
    retry = joblib.disk.RM_SUBDIRS_RETRY_TIME
    joblib.disk.RM_SUBDIRS_RETRY_TIME = seconds
    try:
        yield
    finally:
        joblib.disk.RM_SUBDIRS_RETRY_TIME = retry


@contextmanager
def sleeping_pool(seconds: float = OLD_SLEEP) -> Iterator[None]:
    """Have pools of ``multiprocessing`` sleep between looks at their workers, as before 3.8.

    Since CPython 3.8 a pool's handler waits to be woken; before, it slept, and whoever closed the
    pool waited for that sleep to end.

    Raises
    ------
    RuntimeError
        Where this Python's pool has no such wait.
    """
    pool: Any = multiprocessing.pool.Pool
    if "_wait_for_updates" not in vars(pool):
        raise RuntimeError(
            "this Python's multiprocessing.Pool does not wait in _wait_for_updates: read its "
            "_handle_workers and adapt sleeping_pool"
        )
    waiting = vars(pool)["_wait_for_updates"]
    pool._wait_for_updates = staticmethod(lambda *_, **__: time.sleep(seconds))
    try:
        yield
    finally:
        pool._wait_for_updates = waiting


def run_polling(
    tasks: int, steps: int, poll: float, backend: str, jobs: int = 2, pool: str = "fresh"
) -> Answers:
    """Run tasks on a joblib backend that looks for results every `poll` seconds.

    See :func:`unlocked.parallel.backends.run_tasks` for the other parameters.
    """
    with polling_every(poll):
        return run_tasks(tasks, steps, backend, jobs, pool)


def run_on_sleeping_pool(tasks: int, steps: int, jobs: int = 2) -> Answers:
    """Run tasks on joblib's threads, with the sleep of CPython 3.7 put back into their pool."""
    with sleeping_pool():
        return run_tasks(tasks, steps, "joblib threads", jobs)


def send_tidying(arrays: list[FloatArray], retry: float, jobs: int = 2) -> FloatArray:
    """Send arrays to loky's kept processes, and try every `retry` seconds to delete their maps."""
    with tidying_every(retry):
        return send_arrays(arrays, "joblib loky", jobs, "kept")
