"""The loop of the Ornstein–Uhlenbeck process without the trip through memory.

It makes as many steps as the plain loop, each from the step before, but reads and writes the same
few numbers over and over: what threads gain with it, they gain without sharing bandwidth.
"""

import math
from typing import Any

import numba
import numpy as np

from unlocked.extensions import numba_cache
from unlocked.kernels.ou_arguments import FloatArray, checked_update
from unlocked.kernels.ou_cython import update_cython

numba.config.CACHE_DIR = numba_cache()  # type: ignore[attr-defined]

SLOTS = 4096
"""Numbers of the noise and of the path that are used: 32 KiB of each."""


@checked_update
@numba.njit(cache=True, nogil=True)
def update_in_cache(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Make ``len(noise)`` steps within the first ``SLOTS`` numbers; the GIL is free meanwhile.

    Step ``i`` uses ``noise[i % SLOTS]`` and writes ``out[i % SLOTS]``; where the noise is longer
    than that, later steps overwrite earlier ones.
    """
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    x = x0
    for i in range(len(noise)):
        slot = i & (SLOTS - 1)
        x = x * relax + diffuse * noise[slot]
        out[slot] = x


def check_in_cache(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check every row, bit for bit, against the plain loop on the noise repeated.

    Raises
    ------
    AssertionError
        Where a number that was to be written differs.
    """
    process = [inputs[name] for name in ("dt", "x0", "tau", "sigma")]
    for row, written in zip(inputs["noise"], answer, strict=True):
        noise = np.resize(row[:SLOTS], len(row))
        path = np.empty(len(noise) + 1)
        update_cython(noise, path, *process)
        slots = np.arange(max(0, len(noise) - SLOTS), len(noise))
        np.testing.assert_array_equal(written[slots % SLOTS], path[slots + 1])
