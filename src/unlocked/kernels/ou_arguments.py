"""What the Ornstein–Uhlenbeck kernels accept, checked in front of every one of them.

Compiled loops without bounds checks write wherever they are told to, so a public kernel is
always one of these wrappers around a loop that trusts its arguments.
"""

import functools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Update = Callable[[FloatArray, FloatArray, float, float, float, float], None]
Simulation = Callable[..., Any]


def checked_update(update: Update) -> Update:
    """Put :func:`check_arrays` and :func:`check_process` in front of an update kernel.

    The kernel gets plain floats, whatever kind of number the caller has: a compiler that
    specialises on types then builds one version only.
    """

    @functools.wraps(update, updated=())
    def checked(
        noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
    ) -> None:
        check_arrays(noise, out)
        check_process(dt, x0, tau, sigma)
        update(noise, out, float(dt), float(x0), float(tau), float(sigma))

    return checked


def checked_simulation(simulate: Simulation) -> Simulation:
    """Put :func:`check_process` and a check of the length in front of a whole simulation."""

    @functools.wraps(simulate, updated=())
    def checked(
        num_steps: int,
        seed: int,
        dt: float = 0.1,
        x0: float = 0.0,
        tau: float = 1.0,
        sigma: float = 2.0,
    ) -> Any:
        num_steps = check_num_steps(num_steps)
        check_process(dt, x0, tau, sigma)
        return simulate(num_steps, seed, float(dt), float(x0), float(tau), float(sigma))

    return checked


def check_num_steps(num_steps: int) -> int:
    """Return a length as ``int``.

    Raises
    ------
    TypeError
        Where it is not a whole number by type (``1e6`` is a float).
    ValueError
        Where it is negative.
    """
    try:
        steps = operator.index(num_steps)
    except TypeError:
        message = f"num_steps must be an int, not {num_steps!r}: give int(num_steps)"
        raise TypeError(message) from None
    if steps < 0:
        raise ValueError(f"num_steps must be 0 or more, not {steps}")
    return steps


def check_process(dt: float, x0: float, tau: float, sigma: float) -> None:
    """Refuse parameters that define no process.

    Raises
    ------
    ValueError
        Unless all four are finite, ``dt`` and ``tau`` above 0, ``sigma`` at least 0.
    TypeError
        Where one is not a real number.
    """
    if not (math.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be finite and above 0, not {dt}")
    if not (math.isfinite(tau) and tau > 0):
        raise ValueError(f"tau must be finite and above 0, not {tau}")
    if not (math.isfinite(sigma) and sigma >= 0):
        raise ValueError(f"sigma must be finite and 0 or more, not {sigma}")
    if not math.isfinite(x0):
        raise ValueError(f"x0 must be finite, not {x0}")


def check_arrays(noise: FloatArray, out: FloatArray) -> None:
    """Refuse arrays that a compiled update kernel must not be given.

    Raises
    ------
    TypeError
        Unless both are float64 arrays.
    ValueError
        Unless both are one-dimensional and contiguous, ``out`` writeable and one longer than
        ``noise``.

    Notes
    -----
    Shared memory is not looked for: NumPy's own test releases the GIL, which would spoil the
    kernels that hold it.
    """
    check_array("noise", noise)
    check_array("out", out, writeable=True)
    if len(out) != len(noise) + 1:
        raise ValueError(
            f"out must hold one value more than noise, {len(noise) + 1}, not {len(out)}"
        )


def check_array(name: str, array: FloatArray, dimensions: int = 1, writeable: bool = False) -> None:
    """Refuse what is no contiguous float64 array of so many dimensions; rows must be contiguous.

    Raises
    ------
    TypeError, ValueError
        See :func:`check_arrays`.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, not {type(array).__name__}")
    if array.dtype != np.float64:
        raise TypeError(f"{name} must be float64, not {array.dtype}: give {name}.astype(float)")
    if array.ndim != dimensions:
        words = "one dimension" if dimensions == 1 else f"{dimensions} dimensions"
        raise ValueError(f"{name} must have {words}, not {array.ndim}")
    if not (array.flags.c_contiguous and array.flags.aligned):
        raise ValueError(f"{name} must be contiguous: give {name}.copy()")
    if writeable and not array.flags.writeable:
        raise ValueError(f"{name} is read-only: give an array that may be written")
