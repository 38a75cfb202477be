"""The Ornstein–Uhlenbeck process compiled by Numba on first call.

The twins have one loop each, alike to the letter: Numba's cache does not tell apart two
compilations of one function that differ in ``nogil`` alone.
"""

import math

import numba
import numpy as np

from unlocked.extensions import numba_cache
from unlocked.kernels.ou_arguments import FloatArray, checked_simulation, checked_update

numba.config.CACHE_DIR = numba_cache()  # type: ignore[attr-defined]


@checked_update
@numba.njit(cache=True, nogil=True)
def update_numba(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Fill ``out`` with a path; the GIL is free meanwhile."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    out[0] = x0
    for i in range(len(noise)):
        out[i + 1] = out[i] * relax + diffuse * noise[i]


@checked_update
@numba.njit(cache=True, nogil=False)
def update_numba_holding(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Fill ``out`` with a path and hold the GIL throughout."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    out[0] = x0
    for i in range(len(noise)):
        out[i + 1] = out[i] * relax + diffuse * noise[i]


@checked_simulation
def simulate_numba(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> FloatArray:
    """Draw the random numbers with the legacy generator, then run the compiled loop."""
    noise = np.random.RandomState(seed).randn(num_steps)
    out = np.empty(num_steps + 1)
    update_numba(noise, out, dt, x0, tau, sigma)
    return out


@checked_simulation
def simulate_modern_generator(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> FloatArray:
    """Draw the random numbers with NumPy's present generator, then run the compiled loop."""
    noise = np.random.default_rng(seed).standard_normal(num_steps)
    out = np.empty(num_steps + 1)
    update_numba(noise, out, dt, x0, tau, sigma)
    return out
