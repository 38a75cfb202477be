"""The Ornstein–Uhlenbeck process in plain Python, from per-step function to preallocated loop.

``update_reference`` is what every other kernel of the process is checked against. The
process is a random walk pulled back to zero: at any distance in time it is normal, with
standard deviation ``sigma`` in the long run, and its memory fades as ``exp(-time / tau)``.

``simulate_…`` draw their own random numbers and return the path, ``update_…`` turn given
random numbers into a path in place. The variants rebuild, step by step, the optimisation
tour of A. Ingargiola (EuroSciPy 2018).
"""

# The type stubs know memoryviews of integers only.
# mypy: disable-error-code="arg-type, call-overload"

import math
from typing import Any

import numpy as np

from unlocked.kernels.ou_arguments import FloatArray, checked_simulation, checked_update


@checked_update
def update_reference(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Fill ``out`` with a path by Gillespie's exact update (Phys. Rev. E 54, 2084, 1996).

    Parameters
    ----------
    noise : ndarray of float64, shape (num_steps,)
        Independent standard normal numbers.
    out : ndarray of float64, shape (num_steps + 1,)
        The path, in other memory than ``noise``; ``out[0]`` becomes ``x0``.
    dt : float
        Time between two points, above 0.
    x0 : float
        First value.
    tau : float
        Relaxation time, in the unit of ``dt``, above 0.
    sigma : float
        Standard deviation in the long run, 0 or more.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind; see :mod:`unlocked.kernels.ou_arguments`.

    Notes
    -----
    The difference under the root loses digits where ``dt`` is very small beside ``tau``.
    ``relax * relax`` is the rounded product; ``relax**2`` may differ from it in the last bit.
    """
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    x = x0
    path = [x]
    for normal in noise.tolist():
        x = x * relax + diffuse * normal
        path.append(x)
    out[:] = path


@checked_simulation
def simulate_reference(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> FloatArray:
    """Return a path of ``num_steps`` steps by :func:`update_reference`, legacy generator.

    Parameters
    ----------
    num_steps : int
        Steps after the first value, 0 or more.
    seed : int
        Seed of ``numpy.random.RandomState``.
    dt, x0, tau, sigma : float
        As in :func:`update_reference`.

    Returns
    -------
    ndarray of float64, shape (num_steps + 1,)
        All ``simulate_…`` functions take the same. Those that append return their list, as
        the versions of the tour do.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind; see :mod:`unlocked.kernels.ou_arguments`.
    """
    noise = np.random.RandomState(seed).randn(num_steps)
    out = np.empty(num_steps + 1)
    update_reference(noise, out, dt, x0, tau, sigma)
    return out


def step_numpy_scalars(*, x: float, dt: float, tau: float, sigma: float, rng: Any) -> float:
    """Return the value one step after ``x``, with NumPy's functions on single numbers."""
    normal = rng.randn()
    relax = np.exp(-dt / tau)
    diffuse = sigma * np.sqrt(1 - relax**2)
    return x * relax + diffuse * normal


@checked_simulation
def simulate_numpy_scalars(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> list[float]:
    """Call :func:`step_numpy_scalars` for every step: where the tour starts."""
    rng = np.random.RandomState(seed)
    x = [x0]
    for _ in range(num_steps):
        x.append(step_numpy_scalars(x=x[-1], dt=dt, tau=tau, sigma=sigma, rng=rng))
    return x


def step_math(*, x: float, dt: float, tau: float, sigma: float, rng: Any) -> float:
    """Return the value one step after ``x``, with the functions of ``math``."""
    normal = rng.randn()
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax**2)
    return x * relax + diffuse * normal


@checked_simulation
def simulate_math(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> list[float]:
    """Call :func:`step_math` for every step."""
    rng = np.random.RandomState(seed)
    x = [x0]
    for _ in range(num_steps):
        x.append(step_math(x=x[-1], dt=dt, tau=tau, sigma=sigma, rng=rng))
    return x


def step_with_noise(*, x: float, dt: float, tau: float, sigma: float, normal: float) -> float:
    """Return the value one step after ``x``, given the random number."""
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax**2)
    return x * relax + diffuse * normal


@checked_simulation
def simulate_noise_first(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> list[float]:
    """Draw all random numbers in one call, then step."""
    noise = np.random.RandomState(seed).randn(num_steps)
    x = [x0]
    for i in range(num_steps):
        x.append(step_with_noise(x=x[-1], dt=dt, tau=tau, sigma=sigma, normal=noise[i]))
    return x


@checked_simulation
def simulate_hoisted(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> list[float]:
    """Compute the constants once, in one function."""
    noise = memoryview(np.random.RandomState(seed).randn(num_steps))
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    x = [x0]
    for i in range(num_steps):
        x.append(x[-1] * relax + diffuse * noise[i])
    return x


@checked_simulation
def simulate_hoisted_array(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> FloatArray:
    """Do the work of :func:`simulate_hoisted` and make an array of the list."""
    return np.array(simulate_hoisted(num_steps, seed, dt, x0, tau, sigma))


@checked_simulation
def simulate_preallocated(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> FloatArray:
    """Write into an array made beforehand, by way of memoryviews."""
    noise = memoryview(np.random.RandomState(seed).randn(num_steps))
    out = np.empty(num_steps + 1)
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    x = memoryview(out)
    x[0] = x0
    for i in range(num_steps):
        x[i + 1] = x[i] * relax + diffuse * noise[i]
    return out


@checked_update
def update_python(
    noise: FloatArray, out: FloatArray, dt: float, x0: float, tau: float, sigma: float
) -> None:
    """Run the loop of :func:`simulate_preallocated` on given random numbers."""
    normals, x = memoryview(noise), memoryview(out)
    relax = math.exp(-dt / tau)
    diffuse = sigma * math.sqrt(1 - relax * relax)
    x[0] = x0
    for i in range(len(normals)):
        x[i + 1] = x[i] * relax + diffuse * normals[i]


def simulation_inputs(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> dict[str, Any]:
    """Return the arguments of a ``simulate_…`` function by name."""
    return {"num_steps": num_steps, "seed": seed, "dt": dt, "x0": x0, "tau": tau, "sigma": sigma}


def noise_inputs(
    num_steps: int,
    seed: int,
    dt: float = 0.1,
    x0: float = 0.0,
    tau: float = 1.0,
    sigma: float = 2.0,
) -> dict[str, Any]:
    """Return the arguments of an ``update_…`` function by name.

    ``out`` is full of NaN: its pages have been touched, and a value that a kernel forgets
    to write shows.
    """
    return {
        "noise": np.random.default_rng(seed).standard_normal(num_steps),
        "out": np.full(num_steps + 1, np.nan),
        "dt": dt,
        "x0": x0,
        "tau": tau,
        "sigma": sigma,
    }


RARITY = 21.0  # a right path fails one comparison with a probability below 2 exp(-RARITY)


def check_statistics(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check that ``answer`` is a path of the process, whatever its random numbers were.

    First value, long-run mean and variance, and the correlation ``exp(-lag * dt / tau)`` at
    one step and at about ``tau``. What a start at ``x0`` still leaves in the path is taken
    out first, so that paths of any length can be judged; a path with few independent
    values has wide limits.

    Parameters
    ----------
    answer : ndarray of float64, shape (num_steps + 1,), or list of as many floats
    inputs : dict
        What :func:`simulation_inputs` or :func:`noise_inputs` returned.

    Raises
    ------
    AssertionError
        With what was found and what is allowed. A right path fails by bad luck less than
        once in 10⁸ checks.

    Notes
    -----
    Mean square and autocovariance are quadratic forms of independent normal numbers. Such a
    form with matrix B strays from its expectation by more than ``2 |B|_F √t + 2 |B| t`` with
    a probability under ``2 exp(-t)`` (Laurent and Massart 2000, lemma 1); t is ``RARITY``.
    Here both norms are bounded by way of the number m = n (1 - r²) / (1 + r²) of independent
    values, r being the correlation of neighbours: by n / √m and 2 n / m times sigma², for the
    autocovariance both times (1 - correlation at that lag).
    """
    answer = np.asarray(answer)
    num_steps = inputs["num_steps"] if "num_steps" in inputs else len(inputs["noise"])
    dt, x0, tau, sigma = (inputs[name] for name in ("dt", "x0", "tau", "sigma"))
    assert answer.dtype == np.float64, f"the path is {answer.dtype}, not float64"
    assert answer.shape == (num_steps + 1,), f"shape {answer.shape}, not ({num_steps + 1},)"
    assert answer[0] == x0, f"the first value is {answer[0]}, not x0 = {x0}"
    assert np.isfinite(answer).all(), "the path has values that are not finite"
    if num_steps == 0:
        return

    relax = math.exp(-dt / tau)
    fading = np.cumprod(np.full(num_steps, relax))
    x = answer[1:] - np.cumprod(np.append(x0, np.full(num_steps, relax)))[1:]
    independent = num_steps * (1 - relax * relax) / (1 + relax * relax)
    scarcity = RARITY / independent if independent else math.inf
    limit = 2 * math.sqrt(scarcity) + 4 * scarcity

    _assert_within("mean", float(np.mean(x)), 0.0, limit, sigma)
    variance = sigma**2 * (1 - np.mean(fading * fading))
    _assert_within("variance", np.mean(x * x), variance, limit, sigma**2)
    for lag in {1, max(1, round(min(tau / dt, num_steps)))}:
        early, late, correlation = x[:-lag], x[lag:], fading[lag - 1]
        found = np.dot(early, late) / num_steps
        expected = correlation * np.dot(early, early) / num_steps
        name = f"covariance at lag {lag}"
        _assert_within(name, found, expected, (1 - correlation) * limit, sigma**2)


def _assert_within(name: str, found: float, expected: float, limit: float, unit: float) -> None:
    """Assert that ``found`` is within ``limit`` units of ``expected``; a limit may be infinite."""
    allowed = limit * unit if unit else 0.0
    assert abs(found - expected) <= allowed, (
        f"{name} {found:.6g} is not within {allowed:.3g} of {expected:.6g}"
    )
