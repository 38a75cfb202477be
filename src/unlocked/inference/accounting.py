"""What the times of a comparison add up to: busy cores, parts of a whole, shares of a loss.

Intervals are those of ratios: one fresh process is one number, see ``unlocked.lab.intervals``.
"""

from collections.abc import Sequence
from math import log
from statistics import median

from unlocked.lab.intervals import Interval, process_log_ratio, ratio_interval
from unlocked.lab.timing import Comparison

LEAST_SECONDS = 1e-9
"""Stands for CPU time too short for the clock."""


def busy_cores(comparison: Comparison, *names: str, own: bool = False) -> Interval:
    """CPU seconds of a second of wall time: how many cores were busy on average.

    Of each process the sums over its rounds, and over the candidates where several are named, are
    divided: the clock of child processes ticks so coarsely that a single round may miss them.

    Parameters
    ----------
    own : bool
        Count the calling process alone, as ``time.process_time`` does.
    """
    cpu = comparison.own_cpu_seconds if own else comparison.cpu_seconds
    busy, wall = (
        [sum(map(sum, runs)) for runs in zip(*(of[name] for name in names), strict=True)]
        for of in (cpu, comparison.seconds)
    )
    return ratio_interval([log(max(b, LEAST_SECONDS) / w) for b, w in zip(busy, wall, strict=True)])


def added_up(comparison: Comparison, parts: Sequence[str], whole: str) -> Interval:
    """Sum of the parts' times over the time of the whole, paired within the round."""
    of_parts = zip(*(comparison.seconds[part] for part in parts), strict=True)
    sums = [[sum(turn) for turn in zip(*rounds, strict=True)] for rounds in of_parts]
    pairs = zip(sums, comparison.seconds[whole], strict=True)
    return ratio_interval([process_log_ratio(together, of) for together, of in pairs])


def share_of_loss(comparison: Comparison, part: str, slow: str, fast: str) -> Interval | None:
    """Time of a part over what `slow` takes longer than `fast`.

    Returns
    -------
    Interval or None
        None where in some process nothing was lost.
    """
    lost = [
        median(longer - shorter for longer, shorter in zip(*rounds, strict=True))
        for rounds in zip(comparison.seconds[slow], comparison.seconds[fast], strict=True)
    ]
    if min(lost) <= 0:
        return None
    spent = [median(rounds) for rounds in comparison.seconds[part]]
    return ratio_interval([log(a / b) for a, b in zip(spent, lost, strict=True)])


def over_constant(comparison: Comparison, name: str, seconds: float) -> Interval:
    """Time of a call over a fixed number of seconds, such as a published one."""
    return ratio_interval([log(median(rounds) / seconds) for rounds in comparison.seconds[name]])
