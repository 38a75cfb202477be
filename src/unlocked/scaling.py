"""Two models of why a speed-up stays below the number of cores, and their fit to measured ones.

Amdahl's law (1967) says that a share of the work cannot be spread: ``1 / (f + (1 - f) / n)``. A
ceiling says that something which all share, such as memory, serves only so much: ``min(n, c)``.
Both have one parameter. On two cores there is one speed-up to fit, so that both fit it, and they
differ in what they foretell for more cores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, hypot, inf, log, sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit

from unlocked.lab.intervals import SESSION_SHIFT, Interval, ratio_interval
from unlocked.lab.timing import Comparison


@dataclass(frozen=True)
class Parameter:
    """A fitted parameter with its 95 % interval, one fit a fresh process.

    Attributes
    ----------
    estimate, low, high : float
        Of one process the interval is unbounded.
    points : int
        Different numbers of busy cores above one that the speed-ups were measured on.
    """

    estimate: float
    low: float
    high: float
    points: int

    @property
    def is_tested(self) -> bool:
        """Whether there were more points than the model has parameters, so that it could fail."""
        return self.points > 1


def amdahl(serial: float, threads: int, cores: int) -> float:
    """Speed-up of work of which a share is serial, on no more threads than cores.

    Parameters
    ----------
    serial : float
        Share of the time on one thread that cannot be spread; below 0 where threads gain more
        than their number.
    threads, cores : int
        At least 1.
    """
    return 1 / (serial + (1 - serial) / min(threads, cores))


def ceiling(limit: float, threads: int, cores: int) -> float:
    """Speed-up of work that something shared by all threads stops at `limit`."""
    return min(threads, cores, limit)


def speedups_by_process(
    comparison: Comparison, names: Mapping[int, str], over: str
) -> list[list[float]]:
    """Speed-ups of candidates over one of them, ``[process][thread count]``.

    Parameters
    ----------
    comparison : Comparison
    names : mapping of int to str
        The candidate for each number of threads.
    over : str
        The candidate on one thread.
    """
    logs = [comparison.log_ratios(name, over) for name in names.values()]
    return [[exp(value) for value in process] for process in zip(*logs, strict=True)]


def gain_ratio(comparison: Comparison, first: tuple[str, str], second: tuple[str, str]) -> Interval:
    """How many times more one thing gained than another, paired within each process.

    Parameters
    ----------
    comparison : Comparison
    first, second : (str, str)
        Two candidates each: on several threads, and on one.
    """
    pairs = zip(comparison.log_ratios(*first), comparison.log_ratios(*second), strict=True)
    return ratio_interval([a - b for a, b in pairs])


def fit_amdahl(
    threads: Sequence[int], speedups: Sequence[Sequence[float]], cores: int
) -> Parameter:
    """Fit the serial share, by least squares of the relative time.

    Parameters
    ----------
    threads : sequence of int
        Numbers of threads.
    speedups : sequence of sequence of float
        ``[process][thread count]``: speed-ups over one thread.
    cores : int
        Effective cores.

    Returns
    -------
    Parameter
        Its interval allows for the shift between sessions, as those of ratios do.

    Raises
    ------
    ValueError
        Where no number of threads uses a second core, or the speed-ups do not match.
    """
    busy = _busy(threads, speedups, cores)
    weights = [1 - 1 / n for n in busy]
    square = sum(weight * weight for weight in weights)

    def share(speedup: Sequence[float]) -> float:
        excess = [1 / s - 1 / n for s, n in zip(speedup, busy, strict=True)]
        return sum(w * e for w, e in zip(weights, excess, strict=True)) / square

    fits = [share(speedup) for speedup in speedups]
    # A shift of the ratio by a factor exp(s) moves 1 / speed-up, and with it the share.
    typical = fmean(
        1 / s for speedup in speedups for s, n in zip(speedup, busy, strict=True) if n > 1
    )
    shift = SESSION_SHIFT * typical * sum(weights) / square
    middle, half = _interval(fits, shift)
    return Parameter(middle, middle - half, middle + half, _points(busy))


def fit_ceiling(
    threads: Sequence[int], speedups: Sequence[Sequence[float]], cores: int
) -> Parameter:
    """Fit the limit, by least squares of the logarithm; at most the number of busy cores.

    Parameters, returns and raises as :func:`fit_amdahl`. A limit at the largest number of busy
    cores says that none was met.
    """
    busy = _busy(threads, speedups, cores)
    fits = [log(_limit(busy, speedup)) for speedup in speedups]
    middle, half = _interval(fits, SESSION_SHIFT)
    return Parameter(exp(middle), exp(middle - half), exp(middle + half), _points(busy))


def _limit(busy: Sequence[int], speedup: Sequence[float]) -> float:
    """The limit with the least squared error, looked for between each two numbers of cores."""
    points = [(n, log(s)) for n, s in zip(busy, speedup, strict=True) if n > 1]
    levels = sorted({n for n, _ in points})

    def error(limit: float) -> float:
        return sum((s - log(min(n, limit))) ** 2 for n, s in points)

    tried = []
    for below, above in zip([0, *levels], levels, strict=False):
        stopped = fmean(s for n, s in points if n >= above)
        tried.append(min(max(exp(stopped), below), above))
    return min(tried, key=error)


def _busy(threads: Sequence[int], speedups: Sequence[Sequence[float]], cores: int) -> list[int]:
    busy = [min(count, cores) for count in threads]
    if not busy or max(busy) < 2:
        raise ValueError(f"no speed-up to fit: threads {list(threads)} on {cores} core(s)")
    if not speedups or any(len(speedup) != len(busy) for speedup in speedups):
        raise ValueError(f"each process must give {len(busy)} speed-ups, one a number of threads")
    return busy


def _points(busy: Sequence[int]) -> int:
    return len(set(busy) - {1})


def _interval(values: Sequence[float], shift: float) -> tuple[float, float]:
    """Mean, and half-width as of :func:`unlocked.lab.intervals.ratio_interval`."""
    if len(values) == 1:
        return values[0], inf
    half = stdtrit(len(values) - 1, 0.975) * stdev(values) / sqrt(len(values))
    return fmean(values), hypot(float(half), 2 * shift)
