"""When does a pool pay? A model of a call's time, its fit, and the break-even it predicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, inf, log
from statistics import median

from unlocked.lab.timing import Comparison

NEARLY = 1e-9
"""Share by which rounding may miss a whole number of polls."""


@dataclass(frozen=True)
class Model:
    """Seconds that a call with n equal tasks takes on a pool, from a few constants.

    ``call_seconds + n * task_seconds`` is the caller's own work: opening the pool, handing out
    tasks, collecting answers. ``n * task / workers`` is the work itself. A caller that looks for
    results only every ``poll_seconds`` sees the end at its next look.

    Attributes
    ----------
    call_seconds : float
        What a call costs once.
    task_seconds : float
        What each task costs beside its own length.
    workers : float
        Tasks that really run at a time: a measured speed-up, or the workers that have a core.
    poll_seconds : float
        Time between two looks for results; 0 for a caller that is woken.
    """

    call_seconds: float
    task_seconds: float
    workers: float
    poll_seconds: float = 0.0

    def ready(self, tasks: int, length: float) -> float:
        """Seconds until the last answer of `tasks` tasks of `length` seconds is there."""
        return self.call_seconds + tasks * (self.task_seconds + length / self.workers)

    def seconds(self, tasks: int, length: float) -> float:
        """Seconds until the caller has seen it."""
        ready = self.ready(tasks, length)
        if not self.poll_seconds:
            return ready
        return self.poll_seconds * ceil(ready / self.poll_seconds)

    def break_even_length(self, tasks: int) -> float:
        """Least length in seconds at which `tasks` tasks are no slower than one by one.

        Infinite where no length suffices: on one core nothing is gained by a second worker.
        """
        if self.workers <= 1:
            return inf
        length = self.ready(tasks, 0) / (tasks * (1 - 1 / self.workers))
        if not self.poll_seconds:
            return length
        looks = ceil(self.ready(tasks, length) / self.poll_seconds - NEARLY)
        while True:
            at = looks * self.poll_seconds / tasks
            if self.ready(tasks, at) <= looks * self.poll_seconds * (1 + NEARLY):
                return max(length, at)
            looks += 1

    def break_even_tasks(self, length: float) -> float:
        """Least number of tasks of `length` seconds for which a pool is no slower.

        Infinite where each task gains less than it costs.
        """
        gain = length * (1 - 1 / self.workers) - self.task_seconds
        if gain <= 0:
            return inf
        tasks = ceil(self.call_seconds / gain) or 1
        while self.seconds(tasks, length) > tasks * length:
            tasks += 1
        return tasks


def fit(
    tasks: Sequence[int], seconds: Sequence[float], workers: float, poll_seconds: float = 0.0
) -> Model:
    """Fit the model to calls with tasks of no length, by least squares of relative errors.

    Parameters
    ----------
    tasks : sequence of int
        At least two different numbers of tasks.
    seconds : sequence of float
        What calls with so many empty tasks took, without the wait for a poll.
    workers, poll_seconds : float
        See :class:`Model`.

    Raises
    ------
    ValueError
        For fewer than two different numbers of tasks.
    """
    if len(set(tasks)) < 2:
        raise ValueError(f"tasks={list(tasks)}: a line needs two different numbers of tasks")
    weights = [1 / each**2 for each in seconds]
    total = sum(weights)
    mean_n = sum(w * n for w, n in zip(weights, tasks, strict=True)) / total
    mean_t = sum(w * t for w, t in zip(weights, seconds, strict=True)) / total
    rows = list(zip(weights, tasks, seconds, strict=True))
    slope = sum(w * (n - mean_n) * (t - mean_t) for w, n, t in rows) / sum(
        w * (n - mean_n) ** 2 for w, n, _ in rows
    )
    slope = max(0.0, slope)
    return Model(max(0.0, mean_t - slope * mean_n), slope, workers, poll_seconds)


@dataclass(frozen=True)
class BreakEven:
    """A measured break-even in seconds a task; infinite where the pool never paid.

    Attributes
    ----------
    length : float
        Median over the processes.
    low, high : float
        Least and greatest of them.
    """

    length: float
    low: float
    high: float

    def agrees_with(self, predicted: float, factor: float = 2.0) -> bool:
        """Does a prediction lie within a factor of the median? Never and never agree."""
        if inf in (self.length, predicted):
            return self.length == predicted
        return 1 / factor <= predicted / self.length <= factor


def crossing(lengths: Sequence[float], gains: Sequence[float]) -> float:
    """Least length at which the gain reaches 1, interpolated on log axes.

    Parameters
    ----------
    lengths : sequence of float
        Ascending, in seconds.
    gains : sequence of float
        Serial time divided by parallel time at each.

    Returns
    -------
    float
        Infinite where no gain reaches 1, and the least of the lengths where the first one does.
    """
    logs = [log(gain) for gain in gains]
    after = next((i for i, value in enumerate(logs) if value >= 0), None)
    if after is None:
        return inf
    if after == 0:
        return lengths[0]
    share = -logs[after - 1] / (logs[after] - logs[after - 1])
    return exp(log(lengths[after - 1]) + share * log(lengths[after] / lengths[after - 1]))


def measured(comparison: Comparison, lengths: Mapping[str, float], backend: str) -> BreakEven:
    """Where a backend breaks even in a sweep over lengths, one value a process.

    Parameters
    ----------
    comparison : Comparison
        Its candidates are called ``BACKEND, LENGTH`` and ``serial, LENGTH``.
    lengths : mapping of str to float
        Seconds of a task by the name of its length, ascending.
    """
    ratios = [comparison.log_ratios(f"{backend}, {name}", f"serial, {name}") for name in lengths]
    found = [
        crossing(list(lengths.values()), [exp(ratio) for ratio in one])
        for one in zip(*ratios, strict=True)
    ]
    return BreakEven(median(found), min(found), max(found))


def of_fastest(comparison: Comparison, names: Sequence[str], tasks: int, backend: str) -> BreakEven:
    """Where the fastest calls of a sweep break even: one value, of what free cores can do.

    Parameters
    ----------
    comparison, backend
        See :func:`measured`.
    names : sequence of str
        Names of the lengths, ascending.
    tasks : int
        Tasks in each call.
    """
    serial = [comparison.minimum(f"serial, {name}") for name in names]
    pooled = [comparison.minimum(f"{backend}, {name}") for name in names]
    gains = [alone / shared for alone, shared in zip(serial, pooled, strict=True)]
    found = crossing([seconds / tasks for seconds in serial], gains)
    return BreakEven(found, found, found)
