"""The 95 % interval of a ratio of times: one fresh process is one number.

Within a process the rounds are paired and their median is taken; over the processes an
ordinary Student t interval is drawn, and widened by what one session cannot show about itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, hypot, inf, log, sqrt
from statistics import fmean, median, stdev

from scipy.special import stdtrit

SESSION_SHIFT = 0.02
"""Standard deviation, on the log scale, of a ratio from one session to the next."""


@dataclass(frozen=True)
class Interval:
    """A ratio of times with its 95 % interval, from this many fresh processes."""

    estimate: float
    low: float
    high: float
    processes: int


def process_log_ratio(numerator: Sequence[float], denominator: Sequence[float]) -> float:
    """Median over rounds of log(numerator / denominator), paired within the round.

    Parameters
    ----------
    numerator, denominator : sequence of float
        Seconds a call, one value a round, of two candidates in one process.
    """
    return median(log(a / b) for a, b in zip(numerator, denominator, strict=True))


def ratio_interval(
    log_ratios: Sequence[float], shift: float = SESSION_SHIFT, level: float = 0.95
) -> Interval:
    """Student t interval of a ratio from one log ratio a process.

    Parameters
    ----------
    log_ratios : sequence of float
        One number a fresh process, see :func:`process_log_ratio`.
    shift : float
        Session-to-session standard deviation of the log ratio. The half-width becomes
        ``hypot(t half-width, 2 * shift)``; 0 gives an interval that holds for this session only.
    level : float
        Nominal coverage.

    Raises
    ------
    ValueError
        Without any number.
    """
    count = len(log_ratios)
    if count == 0:
        raise ValueError("ratio_interval needs the log ratio of at least one process; got none")
    centre = fmean(log_ratios)
    if count == 1:
        return Interval(exp(centre), 0.0, inf, 1)
    half = stdtrit(count - 1, 0.5 + level / 2) * stdev(log_ratios) / sqrt(count)
    half = hypot(float(half), 2 * shift)
    return Interval(exp(centre), exp(centre - half), exp(centre + half), count)
