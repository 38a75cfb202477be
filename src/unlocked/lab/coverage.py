"""Does a 95 % interval cover in 95 cases of 100? Simulated on noise like that of real machines.

Every regime gives log times of a pair of candidates, shape (simulations, processes, rounds).
Their true log ratio is 0 before a simulation's own session shift.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from scipy.special import stdtrit

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
Shape = tuple[int, int, int]
ROUND = 0.03
"""Standard deviation of one round's log time, in all regimes that are built on normal noise."""


class Coverage(BaseModel):
    """Share of simulations whose interval held the truth, and the intervals' median width."""

    regime: str
    method: str
    share: float
    half_width: float
    simulations: int


def independent(rng: np.random.Generator, shape: Shape) -> Pair:
    """Each round of each candidate has its own normal noise."""
    return rng.normal(0, ROUND, shape), rng.normal(0, ROUND, shape)


def heavy_tails(rng: np.random.Generator, shape: Shape) -> Pair:
    """Student noise with two degrees of freedom: no variance."""
    return ROUND * rng.standard_t(2, shape), ROUND * rng.standard_t(2, shape)


def spikes(rng: np.random.Generator, shape: Shape) -> Pair:
    """One round in five is interrupted, and only ever takes longer."""
    a, b = independent(rng, shape)
    for times in (a, b):
        times += (rng.random(shape) < 0.2) * rng.exponential(0.5, shape)
    return a, b


def process_shifts(rng: np.random.Generator, shape: Shape) -> Pair:
    """Every process has a ratio of its own: where its memory and code happened to lie."""
    a, b = independent(rng, shape)
    return a + rng.normal(0, ROUND, (*shape[:2], 1)), b


def drift(rng: np.random.Generator, shape: Shape) -> Pair:
    """The machine wanders: a random walk over the rounds that both candidates share."""
    a, b = process_shifts(rng, shape)
    walk = np.cumsum(rng.normal(0, ROUND, shape), axis=-1)
    return a + walk, b + walk


def bursts(rng: np.random.Generator, shape: Shape) -> Pair:
    """A neighbour slows half of each process down and hits the two candidates unequally."""
    a, b = process_shifts(rng, shape)
    busy = rng.integers(0, shape[2], (*shape[:2], 1)) <= np.arange(shape[2])
    return a + busy * rng.exponential(0.4, shape), b + busy * rng.exponential(0.4, shape)


def unequal(rng: np.random.Generator, shape: Shape) -> Pair:
    """One candidate is steady and the other skewed, five times as noisy."""
    steady = rng.normal(0, ROUND / 5, shape)
    skewed = rng.gamma(4, ROUND / 2, shape)
    return skewed - _gamma_median(4, ROUND / 2), steady


REGIMES: dict[str, Callable[[np.random.Generator, Shape], Pair]] = {
    "independent noise": independent,
    "heavy tails": heavy_tails,
    "spikes": spikes,
    "process shifts": process_shifts,
    "drift": drift,
    "bursts": bursts,
    "unequal, skewed": unequal,
}


def student(a: Array, b: Array, rng: np.random.Generator, shift: float) -> Pair:
    """The book's interval: t on the processes' medians of paired log ratios, widened."""
    numbers = np.median(a - b, axis=-1)
    count = numbers.shape[-1]
    centre = numbers.mean(axis=-1)
    half = stdtrit(count - 1, 0.975) * numbers.std(axis=-1, ddof=1) / np.sqrt(count)
    half = np.hypot(half, 2 * shift)
    return centre - half, centre + half


def unpaired(a: Array, b: Array, rng: np.random.Generator, shift: float) -> Pair:
    """t on the processes' ratios of medians: the rounds are not paired."""
    numbers = np.median(a, axis=-1) - np.median(b, axis=-1)
    return student(numbers[..., None], np.zeros_like(numbers)[..., None], rng, shift)


def pooled(a: Array, b: Array, rng: np.random.Generator, shift: float) -> Pair:
    """Percentile bootstrap of all rounds of all processes thrown together."""
    ratios = (a - b).reshape(len(a), -1)
    chosen = rng.integers(0, ratios.shape[1], (200, ratios.shape[1]))
    medians = np.median(ratios[:, chosen], axis=-1)
    low, high = np.percentile(medians, [2.5, 97.5], axis=-1)
    centre = np.median(ratios, axis=-1)
    return (
        centre - np.hypot(centre - low, 2 * shift),
        centre + np.hypot(high - centre, 2 * shift),
    )


METHODS: dict[str, Callable[[Array, Array, np.random.Generator, float], Pair]] = {
    "t on process medians": student,
    "unpaired medians": unpaired,
    "bootstrap of pooled rounds": pooled,
}


def coverage(
    regime: str,
    method: str,
    processes: int = 5,
    rounds: int = 10,
    simulations: int = 4000,
    session_shift: float = 0.0,
    widening: float = 0.0,
    residuals: list[list[float]] | None = None,
    seed: int = 1,
) -> Coverage:
    """Simulate one regime and count how often one method's interval holds the truth.

    Parameters
    ----------
    regime : str
        One of ``REGIMES``, or any name where `residuals` are given.
    method : str
        One of ``METHODS``.
    session_shift : float
        Standard deviation of the ratio from one session to the next, on the log scale.
    widening : float
        The session shift that the interval allows for; 0 for none.
    residuals : list of list of float, optional
        Paired log ratios of a measured A/A pair, ``[process][round]``; they are resampled, whole
        processes first and rounds within them, in place of a made-up regime.

    Raises
    ------
    ValueError
        For an unknown regime or method.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is not one of {', '.join(METHODS)}")
    if residuals is None and regime not in REGIMES:
        raise ValueError(f"regime {regime!r} is not one of {', '.join(REGIMES)}")
    rng = np.random.default_rng(seed)
    shape = (simulations, processes, rounds)
    a, b = REGIMES[regime](rng, shape) if residuals is None else _resampled(rng, shape, residuals)
    truth = rng.normal(0, session_shift, (simulations, 1, 1)) if session_shift else 0.0
    low, high = METHODS[method](a + truth, b, rng, widening)
    return Coverage(
        regime=regime,
        method=method,
        share=float(np.mean((low <= 0) & (high >= 0))),
        half_width=float(np.median(high - low) / 2),
        simulations=simulations,
    )


def coverages(
    processes: int = 5,
    rounds: int = 10,
    simulations: int = 4000,
    residuals: list[list[float]] | None = None,
) -> list[Coverage]:
    """Every method in every regime, and in this machine's own noise where residuals are given."""
    common: dict[str, Any] = {"processes": processes, "rounds": rounds}
    found = []
    for method in METHODS:
        count = simulations if method != "bootstrap of pooled rounds" else simulations // 4
        for regime in REGIMES:
            found.append(coverage(regime, method, simulations=count, **common))
        if residuals is not None and method != "unpaired medians":  # they are paired already
            found.append(
                coverage("this machine", method, simulations=count, residuals=residuals, **common)
            )
    return found


def _resampled(rng: np.random.Generator, shape: Shape, residuals: list[list[float]]) -> Pair:
    measured = np.asarray(residuals)
    centres = np.median(measured, axis=1, keepdims=True)
    within = measured - centres
    shifts = centres - centres.mean()
    process = rng.integers(0, len(measured), shape[:2])
    chosen = rng.integers(0, measured.shape[1], shape)
    noise = within[process[..., None], chosen] * rng.choice([-1.0, 1.0], shape)
    effects = shifts[rng.integers(0, len(measured), shape[:2])] * rng.choice(
        [-1.0, 1.0], (*shape[:2], 1)
    )
    return noise + effects, np.zeros(shape)


def _gamma_median(k: float, scale: float) -> float:
    from scipy.special import gammaincinv

    return float(gammaincinv(k, 0.5) * scale)
