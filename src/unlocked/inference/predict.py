"""Ways to predict the rows of a batch: in one call, or cut into pieces for threads and processes.

All give the same labels in the same order. A model is anything with a method `predict` that takes
rows; rows are an array of float64, shape (n, features).
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from unlocked.inference.models import FloatArray
from unlocked.parallel.backends import opened

Answers = NDArray[Any]


def serial(model: Any, rows: FloatArray) -> Answers:
    """Predict all rows in one call; none give no labels, where scikit-learn refuses them."""
    return model.predict(rows) if len(rows) else _no_answers(model)


def pieces(count: int, n_jobs: int) -> list[slice]:
    """Cut `count` rows into at most `n_jobs` consecutive slices.

    Their lengths differ by one at most, and none is empty: fewer rows than jobs give one slice a
    row, and no rows give no slice.

    Raises
    ------
    ValueError
        For a negative count, or fewer than one job.
    """
    if n_jobs < 1:
        raise ValueError(f"n_jobs={n_jobs}: give at least 1 job")
    if count < 0:
        raise ValueError(f"count={count}: a number of rows is not negative")
    parts = min(n_jobs, count)
    edges = [count * part // parts for part in range(parts + 1)] if parts else [0]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def in_pieces(
    model: Any,
    rows: FloatArray,
    n_jobs: int,
    backend: str = "thread pool",
    pool: str = "fresh",
) -> Answers:
    """Predict one piece a job on a pool of workers, and put the labels together in order.

    Parameters
    ----------
    n_jobs : int
        At least 1; a single piece is predicted by the caller.
    backend : str
        ``thread pool`` for a ThreadPoolExecutor, ``joblib threads``, ``joblib loky`` for its
        processes, ``loky in a block`` for these with one ``with Parallel(...)`` around all calls,
        or ``serial`` for one piece after the other; see ``unlocked.parallel.backends``.
    pool : {"fresh", "kept"}
        Whether the workers end with the call or stay for the next one.
    """
    cut = pieces(len(rows), n_jobs)
    if n_jobs == 1 or not cut:
        return serial(model, rows)
    with opened(backend, n_jobs, pool) as run_all:
        return np.concatenate(run_all(model.predict, ((rows[piece],) for piece in cut)))


async def awaited(model: Any, rows: FloatArray, executor: Executor | None = None) -> Answers:
    """Predict all rows in one call on a thread, while the event loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(executor, serial, model, rows)


async def awaited_in_pieces(
    model: Any, rows: FloatArray, n_jobs: int, executor: Executor | None = None
) -> Answers:
    """Predict one piece a job on threads, and put the labels together in order.

    ``asyncio.gather`` lists answers in the order of what it was given, whichever comes first.

    Parameters
    ----------
    executor : Executor, optional
        A pool of threads to use; one of `n_jobs` threads is made for the call by default.
    """
    cut = pieces(len(rows), n_jobs)
    if not cut:
        return serial(model, rows)
    if executor is None:
        with ThreadPoolExecutor(n_jobs) as pool:
            return await awaited_in_pieces(model, rows, n_jobs, pool)
    loop = asyncio.get_running_loop()
    running = [loop.run_in_executor(executor, model.predict, rows[piece]) for piece in cut]
    return np.concatenate(await asyncio.gather(*running))


def through_asyncio(model: Any, rows: FloatArray, n_jobs: int = 1) -> Answers:
    """Run an event loop for one prediction: in one call on a thread, or one piece a job."""
    if n_jobs == 1:
        return asyncio.run(awaited(model, rows))
    return asyncio.run(awaited_in_pieces(model, rows, n_jobs))


def limited(model: Any, rows: FloatArray, threads: int) -> Answers:
    """Predict all rows in one call; BLAS and OpenMP may use so many threads for it."""
    with _thread_libraries().limit(limits=threads):
        return serial(model, rows)


@cache
def _thread_libraries() -> threadpoolctl.ThreadpoolController:
    return threadpoolctl.ThreadpoolController()


def _no_answers(model: Any) -> Answers:
    """No labels, of the type that the model's labels have."""
    classes: Sequence[Any] = getattr(model, "classes_", ())
    return np.asarray(classes)[:0]
