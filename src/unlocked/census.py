"""Count threads: how many there are, what switching they cause, and which limits they heard."""

import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import joblib
import numpy as np
import psutil
import threadpoolctl
from pydantic import BaseModel

from unlocked import nested
from unlocked.fresh_process import call_fresh
from unlocked.lab.intervals import Interval, process_log_ratio, ratio_interval
from unlocked.lab.timing import Call, Candidate, Comparison
from unlocked.lab.worker import resolve
from unlocked.nested import on_threads

LOOK_SECONDS = 0.0005
WATCH_SECONDS = 0.2


class Libraries(BaseModel):
    """The thread libraries of this environment.

    Attributes
    ----------
    blas, openmp : list of str
        Those whose number of threads can be set; empty where none can.
    numba : str
        Numba's threading layer: omp, tbb or workqueue.
    """

    blas: list[str]
    openmp: list[str]
    numba: str

    @property
    def numba_nests(self) -> bool:
        """Whether several threads may be in Numba's parallel regions at a time."""
        return self.numba != "workqueue"


def libraries() -> Libraries:
    """Name the thread libraries, found in a fresh process."""
    return Libraries.model_validate(call_fresh("unlocked.census:libraries_here"))


def libraries_here() -> dict[str, Any]:
    """Load the libraries into this process and name them."""
    _load_all()
    from unlocked.kernels.ou_regions import threading_layer

    layer = threading_layer()
    info = threadpoolctl.threadpool_info()
    named: dict[str, set[str]] = {"blas": set(), "openmp": set()}
    for pool in info:
        named.setdefault(pool["user_api"], set()).add(_name(pool))
    return {"blas": sorted(named["blas"]), "openmp": sorted(named["openmp"]), "numba": layer}


def _name(pool: dict[str, Any]) -> str:
    return str(pool["prefix"] if pool["user_api"] == "openmp" else pool["internal_api"])


def _load_all() -> None:
    """Load NumPy's BLAS, scikit-learn's OpenMP and Numba."""
    import numba  # noqa: F401
    import sklearn.utils._openmp_helpers  # noqa: F401


# Who hears a limit

LIMITS = (
    "no limit",
    "threadpool_limits(1) around the pool",
    "threadpool_limits(1) in each thread",
    "numba.set_num_threads(1) around the pool",
    "numba.set_num_threads(1) in each thread",
    "OMP_NUM_THREADS=1 before the start",
    "a process of joblib's (loky)",
)


class Heard(BaseModel):
    """How many threads each library would use, asked from a thread or process of a pool."""

    limit: str
    threads: dict[str, int]


def who_hears(jobs: int) -> list[Heard]:
    """Ask BLAS, OpenMP and Numba inside pools of `jobs` under each of ``LIMITS``.

    Parameters
    ----------
    jobs : int
        Threads, or processes of joblib, in the pool.
    """
    environment = {"OMP_NUM_THREADS=1 before the start": {"OMP_NUM_THREADS": "1"}}
    usual = [limit for limit in LIMITS if limit not in environment]
    found = call_fresh("unlocked.census:hear", {"limits": usual, "jobs": jobs})
    for limit, variables in environment.items():
        arguments = {"limits": ["no limit"], "jobs": jobs}
        found[limit] = call_fresh("unlocked.census:hear", arguments, variables)["no limit"]
    return [Heard(limit=limit, threads=found[limit]) for limit in LIMITS]


def hear(limits: Sequence[str], jobs: int) -> dict[str, dict[str, int]]:
    """Ask in this process; the limits by name, as in ``LIMITS``."""
    _load_all()
    return {limit: _hear_one(limit, jobs) for limit in limits}


def _hear_one(limit: str, jobs: int) -> dict[str, int]:
    import numba

    if limit == "a process of joblib's (loky)":
        return joblib.Parallel(n_jobs=jobs, backend="loky")(
            joblib.delayed(threads_here)() for _ in range(jobs)
        )[0]
    call, _, place = limit.partition(" ")
    setters: dict[str, Callable[[], object]] = {
        "no": lambda: None,
        "threadpool_limits(1)": lambda: threadpoolctl.threadpool_limits(1),
        "numba.set_num_threads(1)": lambda: numba.set_num_threads(1),
    }
    if call not in setters:
        raise ValueError(f"{limit!r} is not one of {', '.join(LIMITS)}")
    set_limit = setters[call]
    with _limits_put_back():
        if place != "in each thread":
            set_limit()
            set_limit = setters["no"]
        return on_threads(lambda _: threads_here(), jobs, jobs, begin=set_limit)[0]


@contextmanager
def _limits_put_back() -> Iterator[None]:
    import numba

    before = numba.get_num_threads()
    with threadpoolctl.threadpool_limits():
        yield
    numba.set_num_threads(before)


def threads_here() -> dict[str, int]:
    """Threads that a call from this very thread would use, by library."""
    import numba

    _load_all()
    found = {"BLAS": 0, "OpenMP": 0}
    names = {"blas": "BLAS", "openmp": "OpenMP"}
    for pool in threadpoolctl.threadpool_info():
        name = names.get(pool["user_api"])
        if name:
            found[name] = max(found[name], pool["num_threads"])
    return {**found, "Numba": numba.get_num_threads()}


# Who counts the cores that may be used


def core_counts(pin_to: int) -> dict[str, dict[str, int]]:
    """What each way of counting cores says, in a free process and in one held to fewer cores.

    Parameters
    ----------
    pin_to : int
        Cores of the second process.

    Returns
    -------
    dict of str to dict of str to int
        ``free`` and ``pinned``, each by way of counting.
    """
    target = "unlocked.census:cores_here"
    return {"free": call_fresh(target), "pinned": call_fresh(target, cores=pin_to)}


def cores_here() -> dict[str, int]:
    """Count the cores in every way that this Python and system offer."""
    found: dict[str, int | None] = {"os.cpu_count()": os.cpu_count()}
    if hasattr(os, "process_cpu_count"):
        found["os.process_cpu_count()"] = os.process_cpu_count()
    if hasattr(os, "sched_getaffinity"):
        found["len(os.sched_getaffinity(0))"] = len(os.sched_getaffinity(0))
    found["joblib.cpu_count()"] = joblib.cpu_count()
    found |= {f"threads of {name}": count for name, count in threads_here().items()}
    return {name: count for name, count in found.items() if count}


# What a call leaves behind


class Footprint(BaseModel):
    """What a call did to the machine.

    Attributes
    ----------
    before, most : int
        Threads of the process before the calls, and the most seen at once during them.
    voluntary, involuntary : float
        Context switches a call: of threads that waited, and of threads put off their core.
    """

    before: int
    most: int
    voluntary: float
    involuntary: float


def footprints(subjects: dict[str, Candidate], inputs: Call) -> dict[str, Footprint]:
    """Watch the subjects, one after the other, in one fresh process; one reading each."""
    found = call_fresh(
        "unlocked.census:watch_all",
        {
            "subjects": {name: subject.model_dump() for name, subject in subjects.items()},
            "inputs": inputs.model_dump(),
        },
    )
    return {name: Footprint.model_validate(seen) for name, seen in found.items()}


def watch_all(
    subjects: dict[str, dict[str, Any]], inputs: dict[str, Any]
) -> dict[str, dict[str, float]]:
    """Watch the subjects in this process."""
    given = resolve(inputs["target"])(**inputs["arguments"])
    return {
        name: watch(subject["target"], {**given, **subject["arguments"]})
        for name, subject in subjects.items()
    }


def watch(target: str, given: dict[str, Any]) -> dict[str, float]:
    """Run a function for a while in this process; count switches first, then threads."""
    function = resolve(target)
    function(**given)
    before = psutil.Process().num_threads()
    start = resource.getrusage(resource.RUSAGE_SELF)
    calls = _calls_for(WATCH_SECONDS, function, given)
    end = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "before": before,
        "most": _most_threads(function, given),
        "voluntary": (end.ru_nvcsw - start.ru_nvcsw) / calls,
        "involuntary": (end.ru_nivcsw - start.ru_nivcsw) / calls,
    }


def _calls_for(seconds: float, function: Callable[..., Any], given: dict[str, Any]) -> int:
    calls, end = 0, time.perf_counter() + seconds
    while calls == 0 or time.perf_counter() < end:
        function(**given)
        calls += 1
    return calls


def _most_threads(function: Callable[..., Any], given: dict[str, Any]) -> int:
    """The most threads seen at once, but for the one that looks."""
    seen, stop = [0], threading.Event()

    def look() -> None:
        process = psutil.Process()
        while not stop.wait(LOOK_SECONDS):
            seen.append(process.num_threads() - 1)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        _calls_for(WATCH_SECONDS, function, given)
    finally:
        stop.set()
        looking.join()
    return max(seen)


# What goes on after a call

PAUSE_SECONDS = 0.2


def after_the_call(repeats: int = 5) -> dict[str, list[float]]:
    """CPU seconds that each library spends in the 0.2 s after a call, while nothing is asked.

    Parameters
    ----------
    repeats : int
        Calls of each library.

    Returns
    -------
    dict of str to list of float
        One value a call; the last entry is BLAS with ``OPENBLAS_THREAD_TIMEOUT=4``.
    """
    target = "unlocked.census:idle"
    told = {"OPENBLAS_THREAD_TIMEOUT": "4"}
    free = call_fresh(target, {"libraries": ["BLAS", "OpenMP", "Numba"], "repeats": repeats})
    soon = call_fresh(target, {"libraries": ["BLAS"], "repeats": repeats}, told)
    return {**free, "BLAS, told to sleep at once": soon["BLAS"]}


def idle(libraries: Sequence[str], repeats: int) -> dict[str, list[float]]:
    """Measure it in this process; the libraries are called from this very thread."""
    return {library: _idle_after(_parallel_call(library), repeats) for library in libraries}


def _parallel_call(library: str) -> Callable[[], object]:
    if library == "BLAS":
        (matrix,) = nested.products_inputs(size=300, tasks=1, seed=1)["matrices"]
        return lambda: matrix @ matrix
    if library == "OpenMP":
        given = nested.boosting_inputs(rows=1_000, tasks=1, seed=1)
        return lambda: given["model"].predict_proba(given["rows"])
    from unlocked.kernels.ou_regions import step_paths

    state = np.zeros(100_000)
    return lambda: step_paths(state, state[np.newaxis], nested.RELAX, nested.DIFFUSE)


def _idle_after(call: Callable[[], object], repeats: int) -> list[float]:
    found = []
    for repeat in range(repeats + 1):
        call()
        start = time.process_time()
        time.sleep(PAUSE_SECONDS)
        if repeat:  # the first one starts the threads
            found.append(time.process_time() - start)
    return found


def cpu_ratio(comparison: Comparison, name: str, over: str) -> Interval:
    """CPU time of `name` divided by the CPU time of `over`: the cost of the same answer."""
    spent = comparison.cpu_seconds
    least = np.finfo(float).tiny  # a tick of the clock may pass without being counted
    return ratio_interval(
        [
            process_log_ratio([max(c, least) for c in more], [max(c, least) for c in less])
            for more, less in zip(spent[name], spent[over], strict=True)
        ]
    )
