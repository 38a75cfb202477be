"""Parallel code inside parallel code: a pool whose tasks bring threads of their own.

The work is the same whatever ``jobs``, the size of the outer pool, and ``inner``, the threads that
each task may use. Three libraries bring the inner threads: BLAS (:func:`products`), OpenMP
(:func:`probabilities`) and Numba (:func:`stepped`, and :func:`stepped_in_processes` with processes
as the outer pool).

Every call makes its outer threads anew. An OpenMP library keeps a team for each thread that
calls it; the team ends with that thread, and cannot go on spinning in another candidate's turn.
"""

import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import numpy as np
import threadpoolctl
from joblib.externals.loky import ProcessPoolExecutor

from unlocked.kernels.ou_arguments import FloatArray

T = TypeVar("T")

RELAX, DIFFUSE = 0.9, 0.8
"""Constants of the paths' update; nothing here depends on their values."""


def on_threads(
    task: Callable[[int], T], tasks: int, jobs: int, begin: Callable[[], object] | None = None
) -> list[T]:
    """Call ``task(0)`` to ``task(tasks - 1)`` on `jobs` fresh threads; answers in order.

    Parameters
    ----------
    begin : callable or None
        What each thread calls first: to set a limit that holds for this thread alone.
    """
    with ThreadPoolExecutor(jobs, initializer=begin) as pool:
        return list(pool.map(task, range(tasks)))


@cache
def controller(user_api: str) -> threadpoolctl.ThreadpoolController:
    """Find the loaded libraries of a kind (``blas``, ``openmp``), once a process.

    Raises
    ------
    RuntimeError
        Where none is loaded whose number of threads can be set.
    """
    found = threadpoolctl.ThreadpoolController().select(user_api=user_api)
    if not found.lib_controllers:
        raise RuntimeError(
            f"no {user_api} library is loaded whose threads threadpoolctl can set: this "
            "experiment cannot run here"
        )
    return found


# BLAS: a limit that holds for the whole process


def products_inputs(size: int, tasks: int, seed: int) -> dict[str, Any]:
    """Return ``matrices``, float64 of shape (tasks, size, size)."""
    return {"matrices": np.random.default_rng(seed).standard_normal((tasks, size, size))}


def products(matrices: FloatArray, jobs: int, inner: int) -> FloatArray:
    """Square every matrix, one a task, on `jobs` threads; BLAS may use `inner` threads.

    Returns
    -------
    ndarray of float64, shape (tasks, size, size)
    """
    out = np.empty_like(matrices)

    def square(k: int) -> None:
        np.matmul(matrices[k], matrices[k], out=out[k])

    with controller("blas").limit(limits=inner):
        on_threads(square, len(matrices), jobs)
    return out


def products_reference(matrices: FloatArray) -> FloatArray:
    """Square every matrix, one after the other."""
    return np.stack([matrix @ matrix for matrix in matrices])


def check_products(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Refuse a product that differs from the reference's beyond the 12th digit.

    The sums may be taken in another order where there are more threads.
    """
    np.testing.assert_allclose(answer, products_reference(**inputs), rtol=1e-12, atol=1e-12)


# OpenMP: a limit that holds for the thread that sets it


def boosting_inputs(rows: int, tasks: int, seed: int, trees: int = 50) -> dict[str, Any]:
    """Return a gradient-boosting ``model``, ``rows`` (float64, shape (rows, 10)) and ``tasks``.

    scikit-learn's histogram gradient boosting enters one OpenMP region for every tree.
    """
    random = np.random.default_rng(seed)
    return {
        "model": pickle.loads(_boosting(trees, seed)),
        "rows": random.standard_normal((rows, 10)),
        "tasks": tasks,
    }


@cache
def _boosting(trees: int, seed: int) -> bytes:
    from sklearn.ensemble import HistGradientBoostingClassifier

    features = np.random.default_rng(seed).standard_normal((500, 10))
    labels = (features[:, 0] * features[:, 1] + features[:, 2] > 0).astype(int)
    model = HistGradientBoostingClassifier(
        max_iter=trees, max_leaf_nodes=8, early_stopping=False, random_state=seed
    )
    with threadpoolctl.threadpool_limits(1):
        return pickle.dumps(model.fit(features, labels))


def probabilities(
    model: Any, rows: FloatArray, tasks: int, jobs: int, inner: int, limit: str = "in the thread"
) -> FloatArray:
    """Predict all rows, once a task, on `jobs` threads; OpenMP may use `inner` threads.

    Parameters
    ----------
    limit : {"in the thread", "around the pool"}
        Where the limit is set: in every thread of the pool, or in the thread that made it.

    Returns
    -------
    ndarray of float64, shape (tasks, rows)

    Raises
    ------
    ValueError
        For another `limit`.
    """

    def predict(_: int) -> FloatArray:
        return np.asarray(model.predict_proba(rows)[:, 1])

    def set_limit() -> object:
        return controller("openmp").limit(limits=inner)

    if limit == "in the thread":
        return np.stack(on_threads(predict, tasks, jobs, begin=set_limit))
    if limit != "around the pool":
        raise ValueError(f"{limit=}: write 'in the thread' or 'around the pool'")
    with controller("openmp").limit(limits=inner):
        return np.stack(on_threads(predict, tasks, jobs))


def probabilities_reference(model: Any, rows: FloatArray, tasks: int) -> FloatArray:
    """Predict all rows on one thread and repeat the answer."""
    with controller("openmp").limit(limits=1):
        return np.stack([model.predict_proba(rows)[:, 1]] * tasks)


def check_probabilities(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Refuse a probability that differs from the reference's in a single bit."""
    np.testing.assert_array_equal(answer, probabilities_reference(**inputs))


# Numba: a limit that holds for the thread that sets it, and a choice of libraries below


def steps_inputs(paths: int, steps: int, tasks: int, seed: int) -> dict[str, Any]:
    """Return ``noise`` (float64, shape (steps, paths)) and ``tasks``."""
    return {"noise": _noise(paths, steps, seed), "tasks": tasks}


def _noise(paths: int, steps: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((steps, paths))


def stepped(noise: FloatArray, tasks: int, jobs: int, inner: int) -> FloatArray:
    """Run the paths once a task on `jobs` threads; Numba may use `inner` threads for each.

    Returns
    -------
    ndarray of float64, shape (tasks, paths)
        Where the paths end.

    Raises
    ------
    ValueError
        Where `inner` is more than Numba was started with.
    RuntimeError
        Where Numba's threading layer is workqueue and `jobs` is above 1: two threads in a
        parallel region at a time would end the process.
    """
    import numba

    from unlocked.kernels.ou_regions import step_paths

    if jobs > 1 and _layer() == "workqueue":
        raise RuntimeError(
            "Numba's threading layer here is workqueue, which only one thread may enter at a "
            "time: install an OpenMP runtime or the package tbb, or use jobs=1"
        )
    out = np.zeros((tasks, noise.shape[1]))
    on_threads(
        lambda k: step_paths(out[k], noise, RELAX, DIFFUSE),
        tasks,
        jobs,
        begin=lambda: numba.set_num_threads(inner),
    )
    return out


@cache
def _layer() -> str:
    from unlocked.kernels.ou_regions import threading_layer

    return on_threads(lambda _: threading_layer(), tasks=1, jobs=1)[0]


def stepped_reference(noise: FloatArray, tasks: int) -> FloatArray:
    """Run the paths once with NumPy and repeat the answer."""
    from unlocked.kernels.ou_regions import step_paths_reference

    ends = step_paths_reference(np.zeros(noise.shape[1]), noise, RELAX, DIFFUSE)
    return np.stack([ends] * tasks)


def check_stepped(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Refuse the end of a path that differs from the reference's in a single bit."""
    np.testing.assert_array_equal(answer, stepped_reference(**inputs))


# Processes: no runtime knows of the others


def process_inputs(paths: int, steps: int, tasks: int, seed: int) -> dict[str, Any]:
    """Return the arguments as they are: every process makes its own noise, once."""
    return {"paths": paths, "steps": steps, "tasks": tasks, "seed": seed}


def stepped_in_processes(
    paths: int,
    steps: int,
    tasks: int,
    seed: int,
    jobs: int,
    inner: int,
    environment: Mapping[str, str],
) -> FloatArray:
    """Run the paths once a task on `jobs` processes; Numba may use `inner` threads in each.

    The processes, started with these variables, stay for later calls with the same ones. In each
    the task runs on a fresh thread, so that no team outlives its task.

    Returns
    -------
    ndarray of float64, shape (tasks, paths)
    """
    pool = _processes(jobs, tuple(sorted(environment.items())))
    work = [(paths, steps, seed, inner)] * tasks
    return np.stack(list(pool.map(_one_task, *zip(*work, strict=True))))


@cache
def _processes(jobs: int, environment: tuple[tuple[str, str], ...]) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, env=dict(environment))


def stepped_in_processes_reference(paths: int, steps: int, tasks: int, seed: int) -> FloatArray:
    """Run the paths once with NumPy and repeat the answer."""
    return stepped_reference(_noise(paths, steps, seed), tasks)


def _one_task(paths: int, steps: int, seed: int, inner: int) -> FloatArray:
    return stepped(_kept_noise(paths, steps, seed), tasks=1, jobs=1, inner=inner)[0]


_kept_noise = cache(_noise)
