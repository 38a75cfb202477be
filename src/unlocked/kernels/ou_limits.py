"""Subjects of the chapter on limits: what a step of the process could wait for, one at a time.

All take the arguments of an ``update_…`` function. Each leaves out, or changes, one thing of the
plain compiled loop: the allocation, the chain of steps, the memory, the width of a number.
"""

import importlib
import math
import resource
from typing import Any

import numba
import numpy as np

from unlocked.extensions import numba_cache
from unlocked.kernels import lanes
from unlocked.kernels.ou import noise_inputs
from unlocked.kernels.ou_arguments import FloatArray
from unlocked.kernels.ou_cython import update_cython
from unlocked.kernels.ou_numba import update_numba

numba.config.CACHE_DIR = numba_cache()  # type: ignore[attr-defined]


def update_into_new(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> FloatArray:
    """Return the path in a new array, as the tour's kernels do; ``out`` is left alone."""
    path = np.empty(len(noise) + 1)
    update_numba(noise, path, dt, x0, tau, sigma)
    return path


def copy_into_new(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> FloatArray:
    """Copy the noise into a new array: allocation and memory, without the arithmetic."""
    path = np.empty(len(noise) + 1)
    path[0] = x0
    path[1:] = noise
    return path


@numba.njit(cache=True, nogil=True)
def update_unchained(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Do the arithmetic of the update on the step before's *noise*: nothing waits for a result."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    out[0] = x0
    before = x0
    for i in range(len(noise)):
        out[i + 1] = before * relax + diffuse * noise[i]
        before = noise[i]


def check_unchained(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check :func:`update_unchained` by the same formula on whole arrays."""
    relax = math.exp(-inputs["dt"] / inputs["tau"])
    diffuse = inputs["sigma"] * math.sqrt(1 - relax * relax)
    before = np.concatenate([[inputs["x0"]], inputs["noise"][:-1]])
    np.testing.assert_allclose(answer[1:], before * relax + diffuse * inputs["noise"], atol=1e-12)


@numba.njit(cache=True, nogil=True)
def multiply_add_chain(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> float:
    """Return the last of as many dependent multiplications and additions, all in registers."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    x = x0
    for _ in range(len(noise)):
        x = x * relax + diffuse
    return x


def check_chain(answer: float, inputs: dict[str, Any]) -> None:
    """Check :func:`multiply_add_chain` by the sum of the geometric series."""
    relax = math.exp(-inputs["dt"] / inputs["tau"])
    diffuse = inputs["sigma"] * math.sqrt(1 - relax * relax)
    power = relax ** len(inputs["noise"])
    expected = inputs["x0"] * power + diffuse * (1 - power) / (1 - relax)
    np.testing.assert_allclose(answer, expected, rtol=1e-9, atol=1e-9)


@numba.njit(cache=True, nogil=True)
def update_float32(
    noise: np.ndarray, out: np.ndarray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Run the plain loop in single precision."""
    relax = np.float32(math.exp(-dt / tau))
    diffuse = np.float32(sigma * math.sqrt(1 - math.exp(-2 * dt / tau)))
    out[0] = x0
    for i in range(len(noise)):
        out[i + 1] = out[i] * relax + diffuse * noise[i]


@numba.njit(cache=True, nogil=True)
def update_float32_lookahead(
    noise: np.ndarray, out: np.ndarray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Look four steps ahead in single precision."""
    relax = np.float32(math.exp(-dt / tau))
    diffuse = np.float32(sigma * math.sqrt(1 - math.exp(-2 * dt / tau)))
    relax2 = relax * relax
    relax3, relax4 = relax2 * relax, relax2 * relax2
    x = np.float32(x0)
    out[0] = x
    whole = len(noise) - len(noise) % 4
    for i in range(0, whole, 4):
        a = diffuse * noise[i]
        b = relax * a + diffuse * noise[i + 1]
        c = relax * b + diffuse * noise[i + 2]
        d = relax * c + diffuse * noise[i + 3]
        out[i + 1] = a + relax * x
        out[i + 2] = b + relax2 * x
        out[i + 3] = c + relax3 * x
        x = d + relax4 * x
        out[i + 4] = x
    for i in range(whole, len(noise)):
        out[i + 1] = out[i] * relax + diffuse * noise[i]


def float32_inputs(num_steps: int, seed: int, **process: float) -> dict[str, Any]:
    """Return :func:`unlocked.kernels.ou.noise_inputs` with both arrays in single precision."""
    inputs = noise_inputs(num_steps, seed, **process)
    return inputs | {name: inputs[name].astype(np.float32) for name in ("noise", "out")}


def check_float32(answer: np.ndarray, inputs: dict[str, Any]) -> None:
    """Check a path in single precision against the one in double precision."""
    wide = inputs | {"noise": inputs["noise"].astype(float), "out": np.empty(len(answer))}
    update_cython(**wide)
    scale = float(np.abs(wide["out"]).max())
    assert answer.dtype == np.float32, f"the path is {answer.dtype}, not float32"
    np.testing.assert_allclose(answer, wide["out"], rtol=0, atol=1e-5 * scale)


def columns_inputs(num_steps: int, seed: int, **process: float) -> dict[str, Any]:
    """Return the arguments of :func:`unlocked.kernels.ou_lookahead.update_columns` by name."""
    inputs = noise_inputs(8 * num_steps, seed, **process)
    return inputs | {
        "noise": inputs["noise"].reshape(num_steps, 8),
        "out": np.full((num_steps + 1, 8), np.nan),
    }


def check_columns(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check every column against the reference's bits, within rounding."""
    path = np.empty(len(answer))
    for normals, column in zip(inputs["noise"].T, answer.T, strict=True):
        update_cython(**inputs | {"noise": normals.copy(), "out": path})
        np.testing.assert_allclose(column, path, rtol=1e-12, atol=1e-12)


def page_faults(targets: dict[str, str], num_steps: int, seed: int) -> dict[str, int]:
    """Count the pages that one call touches for the first time, by name; in this process.

    Parameters
    ----------
    targets : dict of str to str
        ``module:function`` of update functions by name; each is called once before.
    """
    found = {}
    for name, target in targets.items():
        module, _, function = target.partition(":")
        update = getattr(importlib.import_module(module), function)
        inputs = noise_inputs(num_steps, seed)
        update(**inputs)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        update(**inputs)
        found[name] = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return found


def instruction_sets() -> list[str]:
    """The sets of instructions that the vector kernels can use here, the widest first."""
    return list(lanes.AVAILABLE)
