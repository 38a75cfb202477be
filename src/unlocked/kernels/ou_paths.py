"""Many paths of the Ornstein–Uhlenbeck process at once, one thread a share of them."""

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from unlocked.kernels.ou import update_reference
from unlocked.kernels.ou_arguments import FloatArray


def paths_inputs(
    num_paths: int,
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> dict[str, Any]:
    """Return the arguments of the functions below by name.

    ``noise`` has shape (num_paths, num_steps), ``out`` (num_paths, num_steps + 1), both float64.
    """
    return {
        "noise": np.random.default_rng(seed).standard_normal((num_paths, num_steps)),
        "out": np.full((num_paths, num_steps + 1), np.nan),
        "dt": dt,
        "x0": x0,
        "tau": tau,
        "sigma": sigma,
    }


def update_paths(
    noise: FloatArray,
    out: FloatArray,
    dt: float,
    x0: float,
    tau: float,
    sigma: float,
    kernel: str = "unlocked.kernels.ou_cython:update_cython",
    threads: int = 1,
) -> None:
    """Run an update kernel on every row of ``noise`` into the same row of ``out``.

    Parameters
    ----------
    noise, out : ndarray of float64
        See :func:`paths_inputs`.
    dt, x0, tau, sigma : float
        See :func:`unlocked.kernels.ou.update_reference`.
    kernel : str
        ``module:function`` of the kernel.
    threads : int
        Size of the thread pool, made for this call.
    """
    module, _, name = kernel.partition(":")
    update = getattr(importlib.import_module(module), name)

    def one_path(row: int) -> None:
        update(noise[row], out[row], dt, x0, tau, sigma)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one_path, range(len(noise))))


def update_paths_reference(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Do the same with the reference kernel, one row after the other."""
    for normals, path in zip(noise, out, strict=True):
        update_reference(normals, path, dt, x0, tau, sigma)
