"""When the first of many results is there, and how much memory the results take.

``python -m unlocked.parallel.streaming`` is one fresh process: it reads the arguments of
:func:`consume` from standard input and prints what it found.
"""

import json
import subprocess
import sys
import time
import tracemalloc
from math import log
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from pydantic import BaseModel

from unlocked.lab.control import spin
from unlocked.lab.intervals import Interval, ratio_interval
from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.timing import MeasurementError

WAYS = ("list", "generator")
"""Values of joblib's ``return_as`` that keep the order of the tasks."""


class Stream(BaseModel):
    """One way of returning results, one value a fresh process.

    Attributes
    ----------
    first, last : list of float
        Seconds from the call to the first and to the last result in the consumer's hands.
    peak : list of int
        Bytes that were allocated at most on top of what there was before.
    """

    first: list[float]
    last: list[float]
    peak: list[int]

    def sooner(self, other: "Stream") -> Interval:
        """Time to the other's first result over the time to this one's."""
        rows = zip(other.first, self.first, strict=True)
        return ratio_interval([log(theirs / ours) for theirs, ours in rows])

    def smaller(self, other: "Stream") -> Interval:
        """The other's peak of memory over this one's."""
        rows = zip(other.peak, self.peak, strict=True)
        return ratio_interval([log(theirs / ours) for theirs, ours in rows])


def array_after(index: int, steps: int, size: int) -> NDArray[np.float64]:
    """Compute for a while without the GIL, then return an array of so many bytes."""
    spin(steps)
    return np.full(size // 8, float(index))


def consume(tasks: int, steps: int, size: int, jobs: int, return_as: str) -> dict[str, Any]:
    """Take the results of tasks on joblib's threads one by one, and keep none.

    Parameters
    ----------
    tasks, steps, size : int
        Number of tasks, steps of the loop in each, bytes of each result.
    jobs : int
        Threads.
    return_as : str
        One of ``WAYS``.

    Returns
    -------
    dict
        ``first`` and ``last`` in seconds, ``peak`` in bytes, see :class:`Stream`, and ``seen``:
        the sum of the tasks' indices, of every result once.
    """
    if return_as not in WAYS:
        raise ValueError(f"return_as={return_as!r}: choose one of {', '.join(WAYS)}")
    first, seen = 0.0, 0
    tracemalloc.start()
    start = time.perf_counter()
    results = Parallel(jobs, backend="threading", return_as=return_as)(
        delayed(array_after)(index, steps, size) for index in range(tasks)
    )
    if return_as == "list":
        results = iter(results)  # the list itself stays alive until it is exhausted
    for array in results:
        first = first or time.perf_counter() - start
        seen += int(array[-1])
        del array
    last = time.perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"first": first, "last": last, "peak": peak, "seen": seen}


def streams(tasks: int, steps: int, size: int, jobs: int, processes: int = 5) -> dict[str, Stream]:
    """Consume the results in every way, in turns, each time in a fresh process.

    Raises
    ------
    MeasurementError
        Where a process fails or a result is missing.
    """
    found = {way: Stream(first=[], last=[], peak=[]) for way in WAYS}
    arguments = {"tasks": tasks, "steps": steps, "size": size, "jobs": jobs}
    for _ in range(processes):
        for way, stream in found.items():
            one = _fresh_process({**arguments, "return_as": way})
            if one["seen"] != tasks * (tasks - 1) // 2:
                raise MeasurementError(f"return_as={way!r} did not give every result once")
            stream.first.append(one["first"])
            stream.last.append(one["last"])
            stream.peak.append(one["peak"])
    return found


def _fresh_process(arguments: dict[str, Any]) -> dict[str, Any]:
    finished = subprocess.run(
        [sys.executable, "-m", "unlocked.parallel.streaming"],
        input=json.dumps(arguments),
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        reason = finished.stderr.strip().splitlines() or ["no message"]
        raise MeasurementError(f"return_as={arguments['return_as']!r}: {reason[-1]}")
    return json.loads(finished.stdout)


if __name__ == "__main__":
    die_with_parent()
    print(json.dumps(consume(**json.loads(sys.stdin.read()))))
