"""The Ornstein–Uhlenbeck process at the speed of memory: eight steps at a time.

In the loop as it is written each step waits for the one before. A look-ahead breaks that chain:
eight steps from zero can be computed before it is known where they start, and where they start
then enters by one multiplication and addition each. The sums are the same in exact arithmetic and
rounded in another order, so that paths agree with the reference to a tolerance, not to the bit.
"""

import math
from typing import Any

import numba
import numpy as np

from unlocked.extensions import numba_cache
from unlocked.kernels import lanes
from unlocked.kernels.ou_arguments import (
    FloatArray,
    check_array,
    check_arrays,
    check_process,
    checked_update,
)

numba.config.CACHE_DIR = numba_cache()  # type: ignore[attr-defined]

COLUMNS = 8
TOLERANCE = 1e-13
"""Largest difference from the reference, in units of the largest value of the path.

It holds for paths that forget within some hundred steps; see :func:`tolerance` for others.
"""


def tolerance(num_steps: int, dt: float, tau: float) -> float:
    """Largest difference from the reference, in units of the largest value of the path.

    The factor of several steps is rounded once and the reference's factor as often as there are
    steps. The two drift apart by less than a unit in the last place for every step that the path
    remembers, ``tau / dt`` of them.
    """
    return TOLERANCE + float(np.finfo(float).eps) * min(num_steps, tau / dt)


@checked_update
@numba.njit(cache=True, nogil=True)
def update_numba_lookahead(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Fill ``out`` with a path, four steps at a time; the GIL is free meanwhile."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    relax2, relax3, relax4 = relax**2, relax**3, relax**4
    out[0] = x = x0
    whole = len(noise) - len(noise) % 4
    for i in range(0, whole, 4):
        a = diffuse * noise[i]
        b = relax * a + diffuse * noise[i + 1]
        c = relax * b + diffuse * noise[i + 2]
        d = relax * c + diffuse * noise[i + 3]
        out[i + 1] = a + relax * x
        out[i + 2] = b + relax2 * x
        out[i + 3] = c + relax3 * x
        out[i + 4] = x = d + relax4 * x
    for i in range(whole, len(noise)):
        out[i + 1] = out[i] * relax + diffuse * noise[i]


def update_lookahead(
    noise: FloatArray,
    out: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    instructions: str | None = None,
    streaming: bool | None = None,
) -> None:
    """Fill ``out`` with a path, eight steps at a time in vector lanes; the GIL is free meanwhile.

    Parameters
    ----------
    noise, out, dt, x0, tau, sigma
        As in :func:`unlocked.kernels.ou.update_reference`; within :func:`tolerance` of its path.
    instructions : str, optional
        One of ``lanes.AVAILABLE``; the widest by default.
    streaming : bool, optional
        Whether to write past the caches; by default where the result has ``lanes.STREAM_BYTES``.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind.
    """
    check_arrays(noise, out)
    check_process(dt, x0, tau, sigma)
    chosen = lanes.checked_instructions(instructions)
    _update(noise, out, *coefficients(dt, tau, sigma), x0, chosen, _streams(out, streaming))


def update_paths_lookahead(
    noise: FloatArray,
    out: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    instructions: str | None = None,
    streaming: bool | None = None,
) -> None:
    """Run :func:`update_lookahead` on every row of ``noise`` into the same row of ``out``.

    Parameters
    ----------
    noise : ndarray of float64, shape (num_paths, num_steps), contiguous
    out : ndarray of float64, shape (num_paths, num_steps + 1), contiguous
    dt, x0, tau, sigma, instructions, streaming
        As in :func:`update_lookahead`; whether to write past the caches goes by all of ``out``.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind.
    """
    check_array("noise", noise, dimensions=2)
    check_array("out", out, dimensions=2, writeable=True)
    expected = (noise.shape[0], noise.shape[1] + 1)
    if out.shape != expected:
        raise ValueError(f"out must have the shape {expected}, not {out.shape}")
    check_process(dt, x0, tau, sigma)
    chosen = lanes.checked_instructions(instructions)
    for normals, path in zip(noise, out, strict=True):
        _update(normals, path, *coefficients(dt, tau, sigma), x0, chosen, _streams(out, streaming))


def update_columns(
    noise: FloatArray,
    out: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    instructions: str | None = None,
) -> None:
    """Fill the eight columns of ``out`` with a path each, one a lane; the GIL is free meanwhile.

    Parameters
    ----------
    noise : ndarray of float64, shape (num_steps, 8), contiguous
    out : ndarray of float64, shape (num_steps + 1, 8), contiguous
    dt, x0, tau, sigma, instructions
        As in :func:`update_lookahead`; within :func:`tolerance` of the reference's paths.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind.
    """
    check_array("noise", noise, dimensions=2)
    check_array("out", out, dimensions=2, writeable=True)
    if noise.shape[1] != COLUMNS:
        raise ValueError(f"noise must have {COLUMNS} columns, not {noise.shape[1]}")
    expected = (len(noise) + 1, COLUMNS)
    if out.shape != expected:
        raise ValueError(f"out must have the shape {expected}, not {out.shape}")
    check_process(dt, x0, tau, sigma)
    chosen = lanes.checked_instructions(instructions)
    lanes.compiled.ou_columns(noise, out, *coefficients(dt, tau, sigma), x0, chosen)


def coefficients(dt: float, tau: float, sigma: float) -> tuple[float, float]:
    """Factor and strength of the noise of one step, ``relax`` and ``diffuse``."""
    relax = math.exp(-dt / tau)
    return relax, sigma * math.sqrt(1 - relax * relax)


def copy_noise(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Copy the noise to where the path would go: the time that an update cannot go below."""
    np.copyto(out[..., 1:], noise)


def check_copied(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check what :func:`copy_noise` wrote."""
    np.testing.assert_array_equal(answer[..., 1:], inputs["noise"])


def _update(
    noise: FloatArray,
    out: FloatArray,
    relax: float,
    diffuse: float,
    x0: float,
    instructions: str,
    streaming: bool,
) -> None:
    lanes.compiled.ou_update(noise, out, relax, diffuse, x0, instructions, streaming)


def _streams(out: FloatArray, streaming: bool | None) -> bool:
    return out.nbytes >= lanes.STREAM_BYTES if streaming is None else streaming
