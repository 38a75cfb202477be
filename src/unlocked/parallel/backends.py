"""Run equal tasks on a named backend, on a pool made for the call or on one that is kept.

What differs between the backends is how a task reaches its worker and how the answer comes back;
the tasks are the same.
"""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from numpy.typing import NDArray

from unlocked.lab.control import spin

Answers = NDArray[np.uint64]
FloatArray = NDArray[np.float64]
Map = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], list[Any]]
"""Calls a function with each tuple of arguments and lists the answers in order."""

QUIET = "ignore:resource_tracker:UserWarning"
SEED = 88172645463325252
SIXTY_FOUR_BITS = (1 << 64) - 1


def compiled_task(index: int, steps: int) -> int:
    """Run the control's loop, which releases the GIL; the index makes each answer its own."""
    return spin(steps) ^ index


def python_task(index: int, steps: int) -> int:
    """Give the answer of :func:`compiled_task` in pure Python, which holds the GIL."""
    state = SEED
    for _ in range(steps):
        state ^= (state << 13) & SIXTY_FOUR_BITS
        state ^= state >> 7
        state ^= (state << 17) & SIXTY_FOUR_BITS
    return state ^ index


TASKS = {"compiled": compiled_task, "python": python_task}


def _expect_to_be_killed() -> None:
    """Keep joblib's tracker from warning of what it removes when a measuring process is killed.

    It is a process of its own, and reads its filters when it is started.
    """
    filters = os.environ.get("PYTHONWARNINGS", "")
    if QUIET not in filters:
        os.environ["PYTHONWARNINGS"] = f"{filters},{QUIET}".lstrip(",")


@contextmanager
def _serial(jobs: int) -> Iterator[Map]:
    yield lambda function, arguments: [function(*each) for each in arguments]


@contextmanager
def _joblib(backend: str, jobs: int, **options: Any) -> Iterator[Map]:
    with Parallel(n_jobs=jobs, backend=backend, **options) as parallel:
        yield lambda function, arguments: parallel(delayed(function)(*each) for each in arguments)


@contextmanager
def _kept_loky(jobs: int, **options: Any) -> Iterator[Map]:
    """What every plain call does: joblib keeps loky's processes for the next one."""
    yield lambda function, arguments: Parallel(jobs, backend="loky", **options)(
        delayed(function)(*each) for each in arguments
    )


@contextmanager
def _fresh_loky(jobs: int, **options: Any) -> Iterator[Map]:
    try:
        with _kept_loky(jobs, **options) as run_all:
            yield run_all
    finally:
        get_reusable_executor().shutdown(wait=True)


@contextmanager
def _executor(kind: Callable[..., Executor], jobs: int) -> Iterator[Map]:
    with kind(jobs) as pool:
        yield lambda function, arguments: list(pool.map(function, *zip(*arguments, strict=True)))


def _spawning(jobs: int) -> ProcessPoolExecutor:
    """A pool of new interpreters: safe beside threads, and the same on every system."""
    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))


POOLS: dict[str, Callable[..., Any]] = {
    "serial": _serial,
    "joblib threads": partial(_joblib, "threading"),
    "joblib loky": _fresh_loky,
    "loky in a block": partial(_joblib, "loky"),
    "joblib multiprocessing": partial(_joblib, "multiprocessing"),
    "thread pool": partial(_executor, ThreadPoolExecutor),
    "process pool": partial(_executor, _spawning),
}
"""Backends by name. A joblib pool may take further options of ``joblib.Parallel``."""

_kept: dict[str, Map] = {}
_keeping = ExitStack()


@contextmanager
def opened(backend: str, jobs: int, pool: str = "fresh", **options: Any) -> Iterator[Map]:
    """Open a pool of workers as something that maps a function over arguments.

    Parameters
    ----------
    backend : str
        A key of ``POOLS``. ``joblib loky`` is a plain call each time, ``loky in a block`` one
        ``with Parallel(...)`` around all of them, on the same processes. ``joblib
        multiprocessing`` starts processes as the platform does, see :func:`start_method`;
        ``process pool`` always spawns them.
    jobs : int
        Workers, at least 2; ``serial`` ignores it.
    pool : {"fresh", "kept"}
        Whether the pool ends with the block, or lives on for the next call that asks for it.
    **options
        Further arguments of ``joblib.Parallel``, for its backends.

    Raises
    ------
    ValueError
        For an unknown backend or kind of pool, or fewer than two workers.
    """
    if backend not in POOLS:
        raise ValueError(f"no backend {backend!r}: choose one of {', '.join(POOLS)}")
    if pool not in ("fresh", "kept"):
        raise ValueError(f"pool={pool!r}: a pool is 'fresh' or 'kept'")
    if jobs < 2 and backend != "serial":
        raise ValueError(f"jobs={jobs}: {backend} needs at least 2 workers; for one use 'serial'")
    _expect_to_be_killed()
    if pool == "fresh":
        with POOLS[backend](jobs, **options) as run_all:
            yield run_all
        return
    key = repr((backend, jobs, sorted(options.items())))
    if key not in _kept:
        kind = _kept_loky if backend == "joblib loky" else POOLS[backend]
        _kept[key] = _keeping.enter_context(kind(jobs, **options))
    yield _kept[key]


def start_method() -> str:
    """How this platform starts the processes of ``joblib multiprocessing``: fork, spawn, ..."""
    return multiprocessing.get_start_method()


def close_kept() -> None:
    """End every pool that was kept, loky's included."""
    _kept.clear()
    _keeping.close()
    get_reusable_executor().shutdown(wait=True)


# Equal tasks of a given length


def tasks_inputs(tasks: int, steps: int) -> dict[str, int]:
    """Return the arguments of the functions below: a number of tasks of so many steps each."""
    return {"tasks": tasks, "steps": steps}


def run_tasks(
    tasks: int,
    steps: int,
    backend: str = "serial",
    jobs: int = 2,
    pool: str = "fresh",
    task: str = "compiled",
    **options: Any,
) -> Answers:
    """Run equal tasks and collect their answers in order.

    Parameters
    ----------
    tasks : int
        Number of tasks, at least 1.
    steps : int
        Steps of the loop of each task; 0 makes a task of no length.
    backend, jobs, pool, **options
        See :func:`opened`.
    task : {"compiled", "python"}
        Whether the loop is compiled and releases the GIL, or is pure Python.

    Returns
    -------
    ndarray of uint64, shape (tasks,)
    """
    if tasks < 1 or steps < 0:
        raise ValueError(f"{tasks=}, {steps=}: run at least 1 task of at least 0 steps")
    if task not in TASKS:
        raise ValueError(f"no task {task!r}: choose one of {', '.join(TASKS)}")
    with opened(backend, jobs, pool, **options) as run_all:
        answers = run_all(TASKS[task], ((index, steps) for index in range(tasks)))
    return np.array(answers, dtype=np.uint64)


def run_tasks_reference(tasks: int, steps: int) -> Answers:
    """Give the answers of :func:`run_tasks` from one run of the loop."""
    return np.arange(tasks, dtype=np.uint64) ^ np.uint64(spin(steps))


# Tasks that move data


def arrays_inputs(tasks: int, size: int) -> dict[str, Any]:
    """Return one array of float64 a task, of so many bytes (a multiple of 8)."""
    if tasks < 1 or size < 8 or size % 8:
        raise ValueError(f"{tasks=}, {size=}: give at least 1 task a multiple of 8 bytes")
    return {"arrays": [np.full(size // 8, float(index)) for index in range(tasks)]}


def summed(array: FloatArray) -> float:
    """Read all of an array and give back one number."""
    return float(array.sum())


def filled(value: float, count: int) -> FloatArray:
    """Take one number and give back an array of it."""
    return np.full(count, value)


def send_arrays(
    arrays: list[FloatArray],
    backend: str = "serial",
    jobs: int = 2,
    pool: str = "fresh",
    **options: Any,
) -> FloatArray:
    """Send an array to every task, which answers with its sum; see :func:`opened`."""
    with opened(backend, jobs, pool, **options) as run_all:
        return np.array(run_all(summed, ((array,) for array in arrays)))


def fetch_arrays(
    arrays: list[FloatArray],
    backend: str = "serial",
    jobs: int = 2,
    pool: str = "fresh",
    **options: Any,
) -> FloatArray:
    """Fetch an array like the given one from every task, and give back their sums."""
    wanted = [(float(array[0]), array.size) for array in arrays]
    with opened(backend, jobs, pool, **options) as run_all:
        return np.array([array.sum() for array in run_all(filled, wanted)])


def check_sums(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check the sums of equal numbers without adding them up.

    Raises
    ------
    AssertionError
        Where one is wrong, missing or out of order.
    """
    wanted = [array[0] * array.size for array in inputs["arrays"]]
    np.testing.assert_array_equal(answer, wanted)


# Waiting


def naps_inputs(tasks: int, seconds: float) -> dict[str, Any]:
    """Return the arguments of the functions below: a number of sleeps of so many seconds each."""
    return {"tasks": tasks, "seconds": seconds}


def nap(index: int, seconds: float) -> int:
    """Need nothing but time."""
    time.sleep(seconds)
    return index


def run_naps(
    tasks: int, seconds: float, backend: str = "serial", jobs: int = 2, pool: str = "fresh"
) -> list[int]:
    """Sleep as many times as there are tasks, and list the sleeps; see :func:`opened`."""
    with opened(backend, jobs, pool) as run_all:
        return run_all(nap, ((index, seconds) for index in range(tasks)))


def check_naps(answer: list[int], inputs: dict[str, Any]) -> None:
    """Check that every sleep was slept, in order.

    Raises
    ------
    AssertionError
        Where one is missing or out of order.
    """
    wanted = list(range(inputs["tasks"]))
    if answer != wanted:
        raise AssertionError(f"slept {answer}, not {wanted}")
