"""The time of a prediction as a line over its rows, and from how many rows on a pool pays.

A call on n rows takes ``s(n) = a + b n``. Cut into one piece for each of j jobs on a pool, every
piece pays the constant a, which is mostly Python and therefore waits for the GIL, and a share of
the rest: ``c + j a + b n / w`` on w workers that have a core, where c is what the pool takes for
an answer that is ready. So a pool is a :class:`unlocked.parallel.breakeven.Model` whose cost of a
task is a.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

from unlocked.parallel import breakeven
from unlocked.parallel.breakeven import NEARLY, Model


@dataclass(frozen=True)
class Line:
    """Seconds of a prediction: a constant, and so many a row.

    Attributes
    ----------
    call_seconds : float
        a, what a call costs however few its rows.
    row_seconds : float
        b, what each row adds.
    """

    call_seconds: float
    row_seconds: float

    def seconds(self, rows: float) -> float:
        return self.call_seconds + self.row_seconds * rows

    @property
    def half_way(self) -> float:
        """Rows at which half of the time is the constant; infinite where rows cost nothing."""
        return self.call_seconds / self.row_seconds if self.row_seconds else inf


def fit(rows: Sequence[int], seconds: Sequence[float]) -> Line:
    """Fit the line by least squares of relative errors.

    Raises
    ------
    ValueError
        For fewer than two different numbers of rows.
    """
    fitted = breakeven.fit(rows, seconds, workers=1)
    return Line(fitted.call_seconds, fitted.task_seconds)


def pool_of(line: Line, empty_seconds: float, workers: float, poll_seconds: float = 0.0) -> Model:
    """The model of a pool for predictions that follow a line.

    Parameters
    ----------
    empty_seconds : float
        What a call on the pool takes where the answers are ready, without the wait for a poll.
    workers, poll_seconds : float
        See :class:`unlocked.parallel.breakeven.Model`.
    """
    return Model(empty_seconds, line.call_seconds, workers, poll_seconds)


def pool_seen(
    line: Line, seconds: float, rows: float, jobs: int, workers: float, poll_seconds: float = 0.0
) -> Model:
    """The model of a pool that took `seconds` for a small batch, predicted in pieces.

    What that took beyond the line's share becomes the cost of a call: beside the pool's own, all
    that the pieces do to each other. It is measured without the wait for a poll.
    """
    explained = jobs * line.call_seconds + line.row_seconds * rows / workers
    return pool_of(line, max(0.0, seconds - explained), workers, poll_seconds)


def split_seconds(line: Line, pool: Model, jobs: int, rows: float) -> float:
    """Seconds of a prediction that is cut into one piece for each job."""
    return pool.seconds(jobs, line.row_seconds * rows / jobs)


def break_even_rows(line: Line, pool: Model, jobs: int) -> float:
    """Least number of rows for which the pool is no slower than one call.

    Infinite where none suffices: on one core, or where rows cost nothing.
    """
    gain = line.row_seconds * (1 - 1 / pool.workers)
    if gain <= 0:
        return inf
    rows = (pool.ready(jobs, 0.0) - line.call_seconds) / gain
    rows = max(0.0, rows)
    if not pool.poll_seconds:
        return rows
    looks = ceil(line.seconds(rows) / pool.poll_seconds - NEARLY)
    while True:
        at = max(rows, (looks * pool.poll_seconds - line.call_seconds) / line.row_seconds)
        if pool.ready(jobs, line.row_seconds * at / jobs) <= (
            looks * pool.poll_seconds * (1 + NEARLY)
        ):
            return at
        looks += 1
