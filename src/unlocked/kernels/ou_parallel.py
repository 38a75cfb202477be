"""Many whole simulations of the Ornstein–Uhlenbeck process: one by one, on threads, in processes.

A :class:`Work` says what to simulate. The functions differ in who does it and in where the results
go: into new arrays that are returned, as in the tour of A. Ingargiola (EuroSciPy 2018), or into
memory that is there already. Every path draws from a generator of its own, so that all of them give
the same bits, whoever makes which path.
"""

import contextlib
import ctypes
import functools
import hashlib
import importlib
import mmap
import multiprocessing
import os
import resource
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from unlocked.kernels.ou_arguments import FloatArray, check_num_steps, check_process
from unlocked.kernels.ou_cython import update_cython
from unlocked.kernels.threads import for_each

CYTHON = "unlocked.kernels.ou_cython:update_cython"

LIGHT = 100
"""Light work simulates one step in so many of those that heavy work does."""

LARGE = 2**17
"""Where glibc begins: it moves this bound up when larger arrays are freed."""

M_MMAP_THRESHOLD = -3

BLOCK = 16_000
"""Random numbers drawn at a time where no array of all is to be made: less than ``LARGE``."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Work:
    """Simulations to make, all alike but for their random numbers.

    Attributes
    ----------
    num_paths, num_steps : int
        How many simulations, at least 1, of how many steps.
    seed : int
        Path ``i`` draws from child ``i`` of ``SeedSequence(seed)``.
    dt, x0, tau, sigma : float
        See :func:`unlocked.kernels.ou.update_reference`.
    heavy : bool
        Simulate all steps; otherwise one in ``LIGHT``.
    much : bool
        The result of a simulation is an array of ``num_steps + 1`` numbers: the path or, of light
        work, its last value all over. Otherwise it is the last value alone.

    Raises
    ------
    TypeError, ValueError
        Where an attribute is not of this kind.
    """

    num_paths: int
    num_steps: int
    seed: int
    dt: float = 0.1
    x0: float = 0.0
    tau: float = 1.0
    sigma: float = 2.0
    heavy: bool = True
    much: bool = True

    def __post_init__(self) -> None:
        if check_num_steps(self.num_paths) < 1:
            raise ValueError("num_paths must be 1 or more, not 0")
        check_num_steps(self.num_steps)
        check_process(self.dt, self.x0, self.tau, self.sigma)

    @property
    def process(self) -> tuple[float, float, float, float]:
        return self.dt, self.x0, self.tau, self.sigma


# One simulation


def generator_of(seed: int, path: int) -> np.random.Generator:
    """The generator of one path: that of child ``path`` of ``SeedSequence(seed).spawn``."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(path,)))


def simulate_one(work: Work, path: int, kernel: str = CYTHON) -> FloatArray:
    """Draw the noise of one path into a new array and return the path in another.

    Parameters
    ----------
    work : Work
    path : int
        Which path, from 0 on.
    kernel : str
        ``module:function`` of an update kernel.

    Returns
    -------
    ndarray of float64, shape (num_steps + 1,); of light work with fewer steps
    """
    num_steps = work.num_steps if work.heavy else work.num_steps // LIGHT
    noise = generator_of(work.seed, path).standard_normal(num_steps)
    out = np.empty(num_steps + 1)
    _resolved(kernel)(noise, out, *work.process)
    return out


def simulate_one_into(out: FloatArray, work: Work, path: int) -> None:
    """Make the same path in ``out``, its noise block by block in memory that stays in a cache."""
    generator = generator_of(work.seed, path)
    block = np.empty(min(BLOCK, work.num_steps))
    dt, x0, tau, sigma = work.process
    out[0] = x0
    for start in range(0, work.num_steps, BLOCK):
        noise = block[: work.num_steps - start]
        generator.standard_normal(out=noise)
        update_cython(noise, out[start : start + len(noise) + 1], dt, out[start], tau, sigma)


def result_of(work: Work, path: int, kernel: str = CYTHON) -> Any:
    """Simulate one path and return what the work asks for."""
    simulated = simulate_one(work, path, kernel)
    if not work.much:
        return float(simulated[-1])
    return simulated if work.heavy else np.full(work.num_steps + 1, simulated[-1])


# Many of them, results returned


def simulate_threads(
    work: Work, threads: int = 1, kernel: str = CYTHON, cores: int = 0
) -> list[Any]:
    """Return all results; on one thread without a pool.

    Parameters
    ----------
    work : Work
    threads : int
        Size of the thread pool, made for this call.
    kernel : str
        ``module:function`` of an update kernel.
    cores : int
        Keep to so many cores, see :func:`on_cores`; 0 for all.
    """
    with on_cores(cores):
        return _on_threads(
            lambda path: result_of(work, path, kernel), range(work.num_paths), threads
        )


def simulate_new_pool(work: Work, processes: int = 4) -> list[Any]:
    """Return all results from a process pool that is made for this call, as the tour does it."""
    with multiprocessing.Pool(processes) as pool:
        waiting = [pool.apply_async(result_of, (work, path)) for path in range(work.num_paths)]
        return [result.get() for result in waiting]


def simulate_joblib(work: Work, jobs: int = 4, prefer: str = "threads") -> list[Any]:
    """Return all results by joblib, on ``"threads"`` or in ``"processes"``, which it keeps."""
    import joblib  # here, for the worker processes of the other pools have no use for it

    tasks = (joblib.delayed(result_of)(work, path) for path in range(work.num_paths))
    return list(joblib.Parallel(n_jobs=jobs, prefer=prefer)(tasks))


def simulate_processes(work: Work, processes: int, workers: int) -> list[Any]:
    """Return all results from processes that are kept from call to call.

    Parameters
    ----------
    work : Work
    processes : int
        How many of them share the paths.
    workers : int
        Size of the pool, at least `processes`; one pool serves several numbers of processes.
    """
    pool, _ = _workers(workers, work.num_paths, work.num_steps)
    parts = pool.map(_results_of_share, [work] * processes, _shares(work, processes, workers))
    return [result for part in parts for result in part]


# Many of them, written in place


def simulate_threads_into(
    out: FloatArray, work: Work, threads: int = 1, caller: bool = False
) -> None:
    """Make every path in its row of ``out``, shape (num_paths, num_steps + 1).

    With `caller`, the calling thread is one of the `threads`, instead of waiting for them.
    """

    def one_path(path: int) -> None:
        simulate_one_into(out[path], work, path)

    if caller:
        for_each(one_path, range(work.num_paths), threads)
    else:
        _on_threads(one_path, range(work.num_paths), threads)


def simulate_processes_into(out: FloatArray, work: Work, processes: int, workers: int) -> None:
    """Make every path in its row of ``out``, in processes that see the same memory.

    Parameters
    ----------
    out : ndarray of float64
        That of :func:`shared_inputs`, for the same work and number of workers.
    work, processes, workers
        As in :func:`simulate_processes`.

    Raises
    ------
    ValueError
        Where the processes do not see ``out``.
    """
    pool, shared = _workers(workers, work.num_paths, work.num_steps)
    if out is not shared:
        raise ValueError("out is memory of this process alone: take the one of shared_inputs")
    list(pool.map(_simulate_share_into, [work] * processes, _shares(work, processes, workers)))


# Their inputs and the check


def work_inputs(num_paths: int, num_steps: int, seed: int, **more: Any) -> dict[str, Any]:
    """Return a :class:`Work` by the name ``work``, for the functions that return results."""
    fresh_memory_for_large_arrays()
    return {"work": Work(num_paths, num_steps, seed, **more)}


def into_inputs(num_paths: int, num_steps: int, seed: int) -> dict[str, Any]:
    """Return the arguments of :func:`simulate_threads_into`; ``out`` is full of NaN."""
    inputs = work_inputs(num_paths, num_steps, seed)
    return inputs | {"out": np.full((num_paths, num_steps + 1), np.nan)}


def shared_inputs(num_paths: int, num_steps: int, seed: int, workers: int) -> dict[str, Any]:
    """Return the arguments of :func:`simulate_processes_into`; ``out`` is full of NaN.

    There is one such array for all that ask for the same shape and number of workers.
    """
    inputs = work_inputs(num_paths, num_steps, seed)
    _, out = _workers(workers, num_paths, num_steps)
    out.fill(np.nan)
    return inputs | {"out": out}


def check_results(answer: Any, inputs: dict[str, Any]) -> None:
    """Check all results, bit for bit, against the same work done one path after the other.

    Raises
    ------
    AssertionError
        With the first path that differs.
    """
    work = inputs["work"]
    assert len(answer) == work.num_paths, f"{len(answer)} results, not {work.num_paths}"
    for path, (result, expected) in enumerate(zip(answer, _expected(work), strict=True)):
        assert np.array_equal(result, expected), f"the result of path {path} differs"


@functools.lru_cache(maxsize=1)
def _expected(work: Work) -> list[Any]:
    return simulate_threads(work)


# Given noise: the kernel alone


def same_noise_inputs(
    num_paths: int, num_steps: int, seed: int, with_out: bool = True
) -> dict[str, Any]:
    """Return arguments of :func:`unlocked.kernels.ou_paths.update_paths`, all rows of one noise.

    The tour, too, gives the same noise to all simulations. ``noise`` has shape (num_paths,
    num_steps) and the memory of one row.

    Parameters
    ----------
    with_out : bool
        Without it they are the arguments of :func:`update_new`.
    """
    fresh_memory_for_large_arrays()
    row = np.random.default_rng(seed).standard_normal(num_steps)
    noise = np.broadcast_to(row, (num_paths, num_steps))
    inputs = {"noise": noise, "dt": 0.1, "x0": 0.0, "tau": 1.0, "sigma": 2.0}
    if with_out:
        inputs["out"] = np.full((num_paths, num_steps + 1), np.nan)
    return inputs


def update_new(
    noise: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    kernel: str = CYTHON,
    threads: int = 1,
) -> list[FloatArray]:
    """Turn every row of ``noise`` into a path in a new array; on one thread without a pool.

    Parameters
    ----------
    noise : ndarray of float64, shape (num_paths, num_steps)
    dt, x0, tau, sigma : float
        See :func:`unlocked.kernels.ou.update_reference`.
    kernel : str
        ``module:function`` of an update kernel.
    threads : int
        Size of the thread pool, made for this call.
    """
    update = _resolved(kernel)
    return _on_threads(lambda row: _updated(update, row, dt, x0, tau, sigma), noise, threads)


def update_new_joblib(
    noise: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    kernel: str = CYTHON,
    jobs: int = 4,
) -> list[FloatArray]:
    """Do the same on joblib's threads, as the tour does."""
    import joblib

    update = _resolved(kernel)
    tasks = (joblib.delayed(_updated)(update, row, dt, x0, tau, sigma) for row in noise)
    return list(joblib.Parallel(n_jobs=jobs, prefer="threads")(tasks))


def update_reference_paths(
    noise: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    out: FloatArray | None = None,
) -> FloatArray:
    """Return all paths, one after the other; ``out`` is not written.

    The compiled loop has the bits of :func:`unlocked.kernels.ou.update_reference`.
    """
    paths = np.empty((noise.shape[0], noise.shape[1] + 1))
    for row, path in zip(noise, paths, strict=True):
        update_cython(row, path, dt, x0, tau, sigma)
    return paths


# Memory


def fresh_memory_for_large_arrays() -> bool:
    """Have arrays from 128 KiB on be mapped anew by the system and given back when freed.

    glibc begins like that and raises the bound with the arrays that are freed, to 32 MiB at most;
    those of the tour are larger. Of smaller ones it then keeps the memory, by rules that differ
    from the main thread to others, and a comparison of threads would be one of these rules.
    Processes started later inherit the setting.

    Returns
    -------
    bool
        False where the C library has no such setting.
    """
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(LARGE)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(M_MMAP_THRESHOLD, LARGE))


def new_pages_by_default(num_paths: int, num_steps: int) -> dict[str, int]:
    """Count the page faults of :func:`update_new` where the C library is left alone.

    Each count is the median of ten calls in a fresh process, after two others.

    Returns
    -------
    dict of str to int
        On one thread, and on two.
    """
    fixed = os.environ.pop("MALLOC_MMAP_THRESHOLD_", None)
    context = multiprocessing.get_context("spawn")
    found = {}
    try:
        for name, threads in (("one thread", 1), ("two threads", 2)):
            with context.Pool(1) as pool:
                found[name] = pool.apply(_faults_of_a_call, (num_paths, num_steps, threads))
    finally:
        if fixed is not None:
            os.environ["MALLOC_MMAP_THRESHOLD_"] = fixed
    return found


def _faults_of_a_call(num_paths: int, num_steps: int, threads: int) -> int:
    noise = np.zeros((num_paths, num_steps))
    counts = []
    for _ in range(12):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        update_new(noise, 0.1, 0.0, 1.0, 2.0, threads=threads)
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return round(statistics.median(counts[2:]))


def touch_inputs(num_paths: int, num_steps: int) -> dict[str, int]:
    """Return the arguments of the functions below by name."""
    fresh_memory_for_large_arrays()
    return {"num_paths": num_paths, "num_steps": num_steps}


def touch_threads(num_paths: int, num_steps: int, threads: int = 1) -> int:
    """Allocate the arrays of so many paths, write one number a page, return how many.

    That is all that :func:`update_new` does, but for the arithmetic.
    """
    arrays = _on_threads(lambda _: _touched(num_steps), range(num_paths), threads)
    return sum(map(_pages, arrays))


def touch_processes(num_paths: int, num_steps: int, processes: int, workers: int) -> int:
    """Do the same in processes, each with an address space of its own."""
    pool, _ = _workers(workers, 1, 1)
    counts = [len(share) for share in _split(num_paths, processes)]
    return sum(pool.map(touch_threads, counts, [num_steps] * processes))


def check_touched(answer: int, inputs: dict[str, int]) -> None:
    """Check the number of pages written."""
    expected = inputs["num_paths"] * _pages(np.empty(inputs["num_steps"] + 1))
    assert answer == expected, f"{answer} pages were written, not {expected}"


def page_faults(num_paths: int, num_steps: int, seed: int) -> dict[str, int]:
    """Count the page faults of one call, one path after the other; in this process.

    Returns
    -------
    dict of str to int
        Of the kernel alone into new arrays and in place, and of whole simulations likewise.
    """
    given = same_noise_inputs(num_paths, num_steps, seed)
    out, noise_only = given["out"], {k: v for k, v in given.items() if k != "out"}
    work = Work(num_paths, num_steps, seed)

    def kernel_in_place() -> None:
        for row, path in zip(given["noise"], out, strict=True):
            _resolved(CYTHON)(row, path, *work.process)

    calls: dict[str, Callable[[], object]] = {
        "kernel, new arrays": lambda: update_new(**noise_only),
        "kernel, in place": kernel_in_place,
        "simulation, new arrays": lambda: simulate_threads(work),
        "simulation, in place": lambda: simulate_threads_into(out, work),
    }
    found = {}
    for name, function in calls.items():
        function()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        function()
        found[name] = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return found


# Cores


@contextlib.contextmanager
def on_cores(count: int) -> Iterator[None]:
    """Keep this thread, and those it starts meanwhile, to so many cores; 0 for no restriction.

    Cores of their own where the system tells: no two threads of one core.

    Raises
    ------
    OSError
        Where the system cannot restrict a thread, and has more cores than that.
    """
    if not count:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        if (os.cpu_count() or count) <= count:
            yield
            return
        raise OSError(f"this system cannot restrict a thread to {count} cores: leave cores at 0")
    allowed = os.sched_getaffinity(0)
    chosen = sorted(allowed, key=lambda cpu: (_sibling_rank(cpu, allowed), cpu))[:count]
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _sibling_rank(cpu: int, allowed: set[int]) -> int:
    """How many allowed hardware threads of the same core come before this one."""
    path = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/core_cpus_list")
    try:
        text = path.read_text()
    except OSError:
        return 0
    siblings: set[int] = set()
    for piece in text.split(","):
        first, _, last = piece.strip().partition("-")
        siblings.update(range(int(first), int(last or first) + 1))
    return sum(other in allowed and other < cpu for other in siblings)


# The same bits, whoever makes them


def fingerprints(num_paths: int, num_steps: int, seed: int, jobs: int) -> list[tuple[str, str]]:
    """Hash all paths as they come from every way to make them; the last two share a generator.

    Returns
    -------
    list of (str, str)
        Each way, and the first twelve hexadecimal digits of SHA-256 of all its numbers.
    """
    work = Work(num_paths, num_steps, seed)
    into = into_inputs(num_paths, num_steps, seed)
    shared = shared_inputs(num_paths, num_steps, seed, jobs)
    simulate_threads_into(**into, threads=jobs)
    simulate_processes_into(**shared, processes=jobs, workers=jobs)
    ways = {
        "one after another": simulate_threads(work),
        "two threads": simulate_threads(work, 2),
        f"{jobs} threads": simulate_threads(work, jobs),
        f"{jobs} threads, in place": into["out"],
        f"{jobs} processes": simulate_processes(work, jobs, jobs),
        f"{jobs} processes, in place": shared["out"],
        f"{jobs} processes of joblib": simulate_joblib(work, jobs, "processes"),
        "one generator for all threads": _simulate_with_shared_generator(work, jobs),
        "the same once more": _simulate_with_shared_generator(work, jobs),
    }
    close_workers()
    return [(name, _fingerprint(paths)) for name, paths in ways.items()]


def _simulate_with_shared_generator(work: Work, threads: int) -> list[FloatArray]:
    """How not to do it: which thread draws which numbers is left to chance."""
    generator = np.random.default_rng(work.seed)

    def one_path(path: int) -> FloatArray:
        out = np.empty(work.num_steps + 1)
        dt, x0, tau, sigma = work.process
        out[0] = x0
        for start in range(0, work.num_steps, BLOCK):
            noise = generator.standard_normal(min(BLOCK, work.num_steps - start))
            update_cython(noise, out[start : start + len(noise) + 1], dt, out[start], tau, sigma)
        return out

    return _on_threads(one_path, range(work.num_paths), threads)


def _fingerprint(paths: Sequence[FloatArray] | FloatArray) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(np.ascontiguousarray(path).tobytes())
    return digest.hexdigest()[:12]


# Pools


def _on_threads(task: Callable[[Any], Result], items: Any, threads: int) -> list[Result]:
    if threads == 1:
        return [task(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, items))


@functools.cache
def _workers(workers: int, num_paths: int, num_steps: int) -> tuple[ProcessPoolExecutor, Any]:
    """Worker processes, started and waiting, and an array that they and this process share.

    The memory has no name, so that nothing is left behind however the processes end.
    """
    context = multiprocessing.get_context("spawn")
    memory = context.RawArray("d", num_paths * (num_steps + 1))
    shape = (num_paths, num_steps + 1)
    pool = ProcessPoolExecutor(workers, context, initializer=_attach, initargs=(memory, shape))
    _EXECUTORS.append(pool)
    list(pool.map(abs, range(workers)))
    return pool, np.frombuffer(memory).reshape(shape)


def close_workers() -> None:
    """End the worker processes that were kept; the next call starts new ones."""
    for executor in _EXECUTORS:
        executor.shutdown()
    _EXECUTORS.clear()
    _workers.cache_clear()


_EXECUTORS: list[ProcessPoolExecutor] = []
_shared: FloatArray | None = None
"""In a worker process: the array that all share."""


def _attach(memory: Any, shape: tuple[int, int]) -> None:
    global _shared
    fresh_memory_for_large_arrays()
    _shared = np.frombuffer(memory).reshape(shape)
    _shared.sum()  # maps its pages here, so that no later call has to


def _shares(work: Work, processes: int, workers: int) -> list[list[int]]:
    if not 1 <= processes <= workers:
        raise ValueError(f"{processes=} must lie between 1 and {workers=}")
    return _split(work.num_paths, processes)


def _split(num_paths: int, parts: int) -> list[list[int]]:
    return [share.tolist() for share in np.array_split(np.arange(num_paths), parts)]


def _results_of_share(work: Work, paths: list[int]) -> list[Any]:
    return [result_of(work, path) for path in paths]


def _simulate_share_into(work: Work, paths: list[int]) -> None:
    assert _shared is not None
    for path in paths:
        simulate_one_into(_shared[path], work, path)


def _updated(
    update: Callable[..., None],
    noise: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
) -> FloatArray:
    out = np.empty(len(noise) + 1)
    update(noise, out, dt, x0, tau, sigma)
    return out


def _touched(num_steps: int) -> FloatArray:
    array = np.empty(num_steps + 1)
    array[:: mmap.PAGESIZE // array.itemsize] = 0.0
    return array


def _pages(array: FloatArray) -> int:
    return len(array[:: mmap.PAGESIZE // array.itemsize])


@functools.cache
def _resolved(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)
