"""A forest that predicts in parallel, inside threads that predict in parallel.

Subjects for claims FM-12 and FM-15 of 08-oversubscription.
"""

import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import log
from random import Random
from statistics import fmean
from typing import Any, Literal

import joblib
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from unlocked.fresh_process import call_fresh
from unlocked.kernels.ou_arguments import FloatArray
from unlocked.lab.intervals import Interval, ratio_interval

Labels = NDArray[np.int64]
FEATURES = 10


def forest_inputs(rows: int, trees: int, calls: int, seed: int) -> dict[str, Any]:
    """Return a fitted ``model``, ``rows`` (float64, shape (rows, 10)) and ``calls``.

    The model is fitted once a process; every candidate has a copy of its own.
    """
    return {
        "model": pickle.loads(_forest(trees, seed)),
        "rows": np.random.default_rng(seed + 1).standard_normal((rows, FEATURES)),
        "calls": calls,
    }


@cache
def _forest(trees: int, seed: int) -> bytes:
    from sklearn.ensemble import RandomForestClassifier

    features = np.random.default_rng(seed).standard_normal((1_000, FEATURES))
    labels = (features[:, 0] * features[:, 1] + features[:, 2] > 0).astype(np.int64)
    model = RandomForestClassifier(trees, random_state=seed, n_jobs=1)
    return pickle.dumps(model.fit(features, labels))


def predicted(
    model: Any,
    rows: FloatArray,
    calls: int,
    n_jobs: int,
    outer: Literal["alone", "threads", "joblib"],
) -> Labels:
    """Predict all rows `calls` times, each prediction with `n_jobs` threads of its own.

    Parameters
    ----------
    outer : {"alone", "threads", "joblib"}
        One after the other; each on a thread of a plain pool, as in a web server; or each on a
        thread of ``joblib.Parallel``, as in the source.

    Returns
    -------
    ndarray of int64, shape (calls, rows)

    Raises
    ------
    ValueError
        For another `outer`.
    """
    model.n_jobs = n_jobs
    if outer == "alone":
        return np.stack([model.predict(rows) for _ in range(calls)])
    if outer == "threads":
        with ThreadPoolExecutor(calls) as pool:
            return np.stack(list(pool.map(model.predict, [rows] * calls)))
    if outer == "joblib":
        parallel = joblib.Parallel(n_jobs=calls, prefer="threads", require="sharedmem")
        return np.stack(parallel(joblib.delayed(model.predict)(rows) for _ in range(calls)))
    raise ValueError(f"{outer=}: write 'alone', 'threads' or 'joblib'")


def predicted_reference(model: Any, rows: FloatArray, calls: int) -> Labels:
    """Predict all rows once, on one thread, and repeat the answer."""
    model.n_jobs = 1
    return np.stack([model.predict(rows)] * calls)


def check_predicted(answer: Labels, inputs: dict[str, Any]) -> None:
    """Refuse a label that differs from the reference's."""
    np.testing.assert_array_equal(answer, predicted_reference(**inputs))


def answers(
    model: Any, rows: FloatArray, n_jobs: int, clients: int, requests: int
) -> tuple[Labels, list[float]]:
    """Let clients ask for all rows, each again as soon as it has its answer.

    A closed loop within one process, without network or parsing: a stand-in for an API.

    Returns
    -------
    ndarray of int64, shape (clients, requests, rows)
    list of float
        Seconds that each request took.
    """
    model.n_jobs = n_jobs
    together = threading.Barrier(clients)

    def client(_: int) -> list[tuple[Labels, float]]:
        together.wait()
        return [_timed(model, rows) for _ in range(requests)]

    with ThreadPoolExecutor(clients) as pool:
        answered = list(pool.map(client, range(clients)))
    labels = np.stack([[labels for labels, _ in turn] for turn in answered])
    return labels, [seconds for turn in answered for _, seconds in turn]


def _timed(model: Any, asked: FloatArray) -> tuple[Labels, float]:
    start = time.perf_counter()
    labels = model.predict(asked)
    return labels, time.perf_counter() - start


class Latencies(BaseModel):
    """Seconds that requests took; ``seconds[n_jobs][process]`` lists all of one process.

    Attributes
    ----------
    seconds : dict of int to list of list of float
    """

    seconds: dict[int, list[list[float]]]

    def percentile(self, n_jobs: int, share: float) -> float:
        """Seconds within which this share of all requests was answered, all processes pooled."""
        return float(np.quantile(np.concatenate(self.seconds[n_jobs]), share))

    def ratio(self, n_jobs: int, over: int) -> Interval:
        """Mean latency with one setting over that with another, one number a process.

        Of a closed loop, this is also the ratio of the throughputs, the other way round.
        """
        return ratio_interval(
            [
                log(fmean(slow) / fmean(fast))
                for slow, fast in zip(self.seconds[n_jobs], self.seconds[over], strict=True)
            ]
        )


def latencies(
    n_jobs: list[int],
    trees: int,
    clients: int,
    requests: int,
    request_rows: int,
    seed: int,
    processes: int,
) -> Latencies:
    """Time the requests of clients in fresh processes; the settings take turns in each.

    Parameters
    ----------
    n_jobs : list of int
        Settings of the model to be tried.
    requests : int
        Requests of each client that count; a tenth more, at least one, come first.
    """
    found: dict[int, list[list[float]]] = {setting: [] for setting in n_jobs}
    for process in range(processes):
        order = Random(process).sample(n_jobs, len(n_jobs))
        answer = call_fresh(
            "unlocked.nested_forest:serve_once",
            {
                "n_jobs": order,
                "trees": trees,
                "clients": clients,
                "requests": requests,
                "request_rows": request_rows,
                "seed": seed,
            },
        )
        for setting, seconds in zip(order, answer, strict=True):
            found[setting].append(seconds)
    return Latencies(seconds=found)


def serve_once(
    n_jobs: list[int], trees: int, clients: int, requests: int, request_rows: int, seed: int
) -> list[list[float]]:
    """Seconds of all requests, one list a setting, measured in this process."""
    model, rows, _ = forest_inputs(request_rows, trees, 1, seed).values()
    expected = model.predict(rows)
    found = []
    for setting in n_jobs:
        answers(model, rows, setting, clients, max(1, requests // 10))
        labels, seconds = answers(model, rows, setting, clients, requests)
        if not (labels == expected).all():
            raise AssertionError(f"with n_jobs={setting} clients were answered other labels")
        found.append(seconds)
    return found
