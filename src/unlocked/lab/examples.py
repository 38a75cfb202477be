"""Subjects for 01-timing: one sum computed in ways that spend their time differently.

The functions of `n` return the sum of the squares below `n`, an int. Those of `steps` run the
loop of the control, which needs nothing but a core.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import joblib

from unlocked.lab.control import spin


def numbers(n: int) -> dict[str, Any]:
    """Inputs of the functions below."""
    return {"n": n}


def formula(n: int) -> int:
    """n (n - 1) (2 n - 1) / 6: Archimedes' sum, with nothing to wait for."""
    return n * (n - 1) * (2 * n - 1) // 6


def waiting(n: int, seconds: float = 0.02) -> int:
    """The formula, behind a wait such as that for a network."""
    time.sleep(seconds)
    return formula(n)


def loop(n: int) -> int:
    """One pure-Python loop on one core."""
    return part(0, n)


def part(start: int, stop: int) -> int:
    """The sum over a range, in pure Python."""
    total = 0
    for i in range(start, stop):
        total += i * i
    return total


def two_threads(n: int) -> int:
    """Half of the loop on each of two threads, which take turns at the GIL."""
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(part, (0, n // 2), (n // 2, n)))


def two_processes(n: int) -> int:
    """Half of the loop in each of two processes of a pool that stays alive."""
    halves = ((0, n // 2), (n // 2, n))
    return sum(_pool()(joblib.delayed(part)(*half) for half in halves))


@cache
def _pool() -> joblib.Parallel:
    return joblib.Parallel(n_jobs=2, backend="loky")


def steps_for(steps: int, threads: int) -> dict[str, Any]:
    """Inputs of the two functions below."""
    return {"steps": steps, "threads": threads}


def one_after_the_other(steps: int, threads: int) -> list[int]:
    """As many loops without the GIL as there are threads, on one of them."""
    return [spin(steps) for _ in range(threads)]


def side_by_side(steps: int, threads: int) -> list[int]:
    """The same loops, each on a thread of its own."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(spin, [steps] * threads))
