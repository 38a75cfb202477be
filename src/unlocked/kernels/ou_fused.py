"""The Ornstein–Uhlenbeck process with its random numbers made on the way.

Noise that is written to memory and read again costs two trips that the result does not need. Here
a block of numbers is made in the first cache, turned into a piece of the path there, and only the
path leaves. The noise is that of :func:`unlocked.kernels.normal.fill_normal`: the path number
``stream`` of a seed is the same, bit for bit, whichever thread makes it.
"""

from typing import Any

import numpy as np

from unlocked.kernels import lanes
from unlocked.kernels.normal import WORD, checked_first, checked_word, fill_normal, key_of
from unlocked.kernels.ou import check_statistics
from unlocked.kernels.ou_arguments import FloatArray, check_array, check_process, checked_simulation
from unlocked.kernels.ou_cython import update_cython
from unlocked.kernels.ou_lookahead import coefficients
from unlocked.kernels.ou_numba import update_numba
from unlocked.kernels.threads import for_each

PIECE = 16
"""A path may be made in pieces that begin at multiples of so many steps."""


def simulate_path(
    out: FloatArray,
    seed: int,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    stream: int = 0,
    first: int = 0,
    instructions: str | None = None,
) -> None:
    """Fill ``out`` with one path; the GIL is free meanwhile.

    Parameters
    ----------
    out : ndarray of float64, shape (num_steps + 1,), contiguous
        ``out[0]`` becomes ``x0``.
    seed, stream : int
        Of the noise, see :func:`unlocked.kernels.normal.fill_normal`.
    dt, x0, tau, sigma : float
        As in :func:`unlocked.kernels.ou.update_reference`.
    first : int
        The step at which the piece begins, a multiple of ``PIECE``; with the last value of the
        piece before as ``x0``, the pieces have the same bits as the whole.
    instructions : str, optional
        One of ``lanes.AVAILABLE``; the widest by default.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind.
    """
    check_array("out", out, writeable=True)
    _check_not_empty(out)
    check_process(dt, x0, tau, sigma)
    if checked_first(first, len(out) - 1) % PIECE:
        raise ValueError(f"first must be a multiple of {PIECE}, not {first}")
    _simulate(
        out,
        key_of(seed),
        checked_word("stream", stream),
        first // PIECE,
        (*coefficients(dt, tau, sigma), x0),
        lanes.checked_instructions(instructions),
        out.nbytes >= lanes.STREAM_BYTES,
    )


def simulate_paths(
    out: FloatArray,
    seed: int,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    threads: int = 1,
    first_stream: int = 0,
    instructions: str | None = None,
) -> None:
    """Fill each row of ``out`` with a path of a stream of its own; the GIL is free meanwhile.

    Parameters
    ----------
    out : ndarray of float64, shape (num_paths, num_steps + 1), contiguous
    seed, dt, x0, tau, sigma, instructions
        As in :func:`simulate_path`.
    threads : int
        Threads that share the rows, the caller's among them, at least 1; the result does not
        depend on it.
    first_stream : int
        Stream of the first row; the others follow.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind.
    """
    check_array("out", out, dimensions=2, writeable=True)
    _check_not_empty(out)
    check_process(dt, x0, tau, sigma)
    if checked_word("first_stream", first_stream) + len(out) > WORD:
        raise ValueError(f"first_stream {first_stream} leaves no {len(out)} streams below 2**64")
    key, steps = key_of(seed), (*coefficients(dt, tau, sigma), x0)
    chosen = lanes.checked_instructions(instructions)
    streaming = out.nbytes >= lanes.STREAM_BYTES

    def row(i: int) -> None:
        _simulate(out[i], key, first_stream + i, 0, steps, chosen, streaming)

    for_each(row, range(len(out)), threads)


@checked_simulation
def simulate_fused(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> FloatArray:
    """Return a new path, as the other ``simulate_…`` functions do."""
    out = np.empty(num_steps + 1)
    simulate_path(out, seed, dt, x0, tau, sigma)
    return out


def fused_inputs(
    num_paths: int,
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> dict[str, Any]:
    """Return the arguments of :func:`simulate_paths` by name; ``out`` is full of NaN."""
    return {
        "out": np.full((num_paths, num_steps + 1), np.nan),
        "seed": seed,
        "dt": dt,
        "x0": x0,
        "tau": tau,
        "sigma": sigma,
    }


def simulate_paths_reference(
    out: FloatArray, seed: int, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Do the same in two steps: the numbers of each stream, then the plain compiled loop.

    That loop has the bits of :func:`unlocked.kernels.ou.update_reference` and takes less long.
    """
    noise = np.empty(out.shape[1] - 1)
    for stream, path in enumerate(out):
        fill_normal(noise, seed, stream)
        update_cython(noise, path, dt, x0, tau, sigma)


def simulate_paths_as_published(
    out: FloatArray, seed: int, dt: float, x0: float, tau: float, sigma: float
) -> list[FloatArray]:
    """Return as many paths as ``out`` has rows, each in a new array, as the tour makes them.

    NumPy's generator fills an array with noise, and the loop compiled by Numba turns that into
    an array of its own. Only the array of noise is kept from one path to the next.
    """
    noise = np.empty(out.shape[1] - 1)
    paths = []
    for stream in range(len(out)):
        np.random.default_rng([seed, stream]).standard_normal(out=noise)
        path = np.empty(len(noise) + 1)
        update_numba(noise, path, dt, x0, tau, sigma)
        paths.append(path)
    return paths


def write_only(out: FloatArray, seed: int, dt: float, x0: float, tau: float, sigma: float) -> None:
    """Write one value everywhere: the time that no simulation into ``out`` can go below."""
    out.fill(x0)


def check_written(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check what :func:`write_only` wrote."""
    assert (answer == inputs["x0"]).all(), "not every value was written"


def check_paths(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check every row with :func:`unlocked.kernels.ou.check_statistics`, whatever made them.

    Parameters
    ----------
    answer : ndarray of float64, shape (num_paths, num_steps + 1), or list of its rows
    inputs : dict
        What :func:`fused_inputs` returned.

    Raises
    ------
    AssertionError
        With what was found and what is allowed; also where two rows are alike.
    """
    steps = {name: inputs[name] for name in ("dt", "x0", "tau", "sigma")}
    for path in answer:
        check_statistics(path, {**steps, "num_steps": len(path) - 1})
    ends = {path[1:].tobytes() for path in answer}
    assert len(ends) == len(answer) or not inputs["sigma"], "two rows are the same path"


def _simulate(
    out: FloatArray,
    key: tuple[int, int],
    stream: int,
    group: int,
    steps: tuple[float, float, float],
    instructions: str,
    streaming: bool,
) -> None:
    lanes.compiled.ou_fused(*key, stream, group, out, *steps, instructions, streaming)


def _check_not_empty(out: FloatArray) -> None:
    if out.size == 0 or out.shape[-1] < 1:
        raise ValueError(f"out has shape {out.shape}: it must hold at least the first value")
