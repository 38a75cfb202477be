"""The Ornstein–Uhlenbeck process as a linear filter, which is the same recurrence."""

import math

from scipy.signal import lfilter

from unlocked.kernels.ou_arguments import FloatArray, checked_update


@checked_update
def update_lfilter(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Filter the random numbers by ``y[i] = relax * y[i - 1] + diffuse * noise[i]``."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    out[0] = x0
    out[1:], _ = lfilter([diffuse], [1.0, -relax], noise, zi=[relax * x0])
