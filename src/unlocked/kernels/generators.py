"""Random numbers from one generator: bits, uniforms and normals, apart and put together.

NumPy keeps two things apart that are often taken for one: a *bit generator* makes words, and a
*transform* makes numbers of a distribution from them. Any of the one goes with any of the other,
so that what each contributes can be measured.
"""

from collections.abc import Callable
from math import erf, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from unlocked.extensions import load
from unlocked.kernels.normal import fill_normal
from unlocked.kernels.ou import RARITY
from unlocked.kernels.ou_arguments import FloatArray

MaskedBits = load("unlocked.kernels._masked").MaskedBits

WordArray = npt.NDArray[np.uint64]
Generators = dict[str, np.random.Generator]
Legacy = dict[str, np.random.RandomState]
Transform = Literal["uniform", "ziggurat", "polar"]

BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "SFC64", "Philox")
SIGN_KEPT = "PCG64, sign kept"
SIGN_CLEARED = "PCG64, sign cleared"
SIGN_SET = "PCG64, sign set"

ALL_BITS = 2**64 - 1
SIGN_BIT = 1 << 8
"""The bit of a word from which NumPy's ziggurat takes the sign of a normal number.

In the tail, beyond 3.65, it takes another one.
"""

MASKS = {
    SIGN_KEPT: (ALL_BITS, 0),
    SIGN_CLEARED: (ALL_BITS ^ SIGN_BIT, 0),
    SIGN_SET: (ALL_BITS, SIGN_BIT),
}
"""Bits of PCG64's words that its siblings keep, and bits that they set."""


def bit_generator(name: str, seed: int) -> Any:
    """Return a fresh bit generator.

    Parameters
    ----------
    name : str
        One of ``BIT_GENERATORS``, or one of three siblings of PCG64: ``SIGN_KEPT`` hands its words
        on as they are, ``SIGN_CLEARED`` and ``SIGN_SET`` with the bit cleared or set from which the
        ziggurat takes the sign. All three go through the same compiled function.
    seed : int
        0 or more.

    Raises
    ------
    ValueError
        Where the name is none of these.
    """
    if name in BIT_GENERATORS:
        return getattr(np.random, name)(seed)
    if name in MASKS:
        return MaskedBits(np.random.PCG64(seed), *MASKS[name])
    allowed = ", ".join((*BIT_GENERATORS, *MASKS))
    raise ValueError(f"no bit generator {name!r}: name one of {allowed}")


def draw_inputs(n: int, seed: int) -> dict[str, Any]:
    """Return the arguments of the functions below: generators by name, and how many numbers.

    ``modern`` wraps each bit generator in a ``Generator``, ``legacy`` NumPy's own in a
    ``RandomState``. Every function returns a fresh array, since ``RandomState`` can do no other.
    """
    modern = {
        name: np.random.Generator(bit_generator(name, seed)) for name in (*BIT_GENERATORS, *MASKS)
    }
    legacy = {name: np.random.RandomState(bit_generator(name, seed)) for name in BIT_GENERATORS}
    return {"modern": modern, "legacy": legacy, "n": n}


def words(modern: Generators, legacy: Legacy, n: int, bits: str) -> WordArray:
    """Return `n` 64-bit words.

    Asking for integers of the whole range hands words on as they are. ``random_raw`` would take
    its lock once a word, and gives 32 bits where that is the generator's word.
    """
    return modern[bits].integers(0, ALL_BITS, n, dtype=np.uint64, endpoint=True)


def uniforms(modern: Generators, legacy: Legacy, n: int, bits: str) -> FloatArray:
    """Return numbers that are uniform on [0, 1): one word, a shift, a multiplication."""
    return modern[bits].random(n)


def ziggurat(modern: Generators, legacy: Legacy, n: int, bits: str) -> FloatArray:
    """Return standard normal numbers by the ziggurat (Marsaglia and Tsang 2000)."""
    return modern[bits].standard_normal(n)


def polar(modern: Generators, legacy: Legacy, n: int, bits: str) -> FloatArray:
    """Return standard normal numbers by the polar method (Marsaglia and Bray 1964)."""
    return legacy[bits].standard_normal(n)


def from_counter(modern: Generators, legacy: Legacy, n: int) -> FloatArray:
    """Return standard normal numbers by :func:`unlocked.kernels.normal.fill_normal`."""
    out = np.empty(n)
    fill_normal(out, seed=1)
    return out


def words_taken(transform: Transform, n: int, seed: int) -> float:
    """Return how many 64-bit words a number takes, on average over `n` numbers.

    Philox says it: its state is a counter of blocks of four words and a place in the block.

    Raises
    ------
    ValueError
        Where the transform is none of uniform, ziggurat and polar, or `n` is not positive.
    """
    bits = np.random.Philox(seed)
    draws: dict[str, Callable[[int], object]] = {
        "uniform": np.random.Generator(bits).random,
        "ziggurat": np.random.Generator(bits).standard_normal,
        "polar": np.random.RandomState(bits).standard_normal,
    }
    if transform not in draws:
        raise ValueError(f"no transform {transform!r}: name one of {', '.join(draws)}")
    if n < 1:
        raise ValueError(f"n must be at least 1, not {n}")
    draws[transform](n)
    state: Any = bits.state
    return (4 * int(state["state"]["counter"][0]) + int(state["buffer_pos"]) - 4) / n


# Checks: true of every right answer but for bad luck rarer than 2 exp(-RARITY) each.


def check_words(answer: WordArray, inputs: dict[str, Any]) -> None:
    """Check that 64-bit words are uniform, as numbers and in every bit.

    Raises
    ------
    AssertionError
        With what was found and what is allowed.

    Notes
    -----
    The share of ones in a bit strays from one half by more than ``√(t / 2 n)`` with a probability
    under ``2 exp(-t)`` (Hoeffding 1963).
    """
    assert answer.dtype == np.uint64, f"the words are {answer.dtype}, not uint64"
    allowed = sqrt(RARITY / (2 * len(answer)))
    for bit in range(64):
        share = float(np.mean((answer >> np.uint64(bit)) & np.uint64(1)))
        assert abs(share - 0.5) <= allowed, (
            f"bit {bit} is set in {share:.4f} of the words, not within {allowed:.2g} of 0.5"
        )
    _check_distribution(answer / 2.0**64, inputs)


def check_uniforms(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check that numbers are uniform on [0, 1), and free of correlation with their neighbours."""
    _check_distribution(answer, inputs)
    _check_second_moments(sqrt(12) * (answer - 0.5))


def check_normals(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check that numbers are standard normal, and free of correlation with their neighbours."""
    _check_distribution(_normal_cdf(answer), inputs)
    _check_second_moments(answer)


def check_magnitudes(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check that numbers, apart from their signs, are those of standard normal ones."""
    _check_distribution(2 * _normal_cdf(np.abs(answer)) - 1, inputs)


def _normal_cdf(x: FloatArray) -> FloatArray:
    return np.array([(1 + erf(value / sqrt(2))) / 2 for value in np.asarray(x).tolist()])


def _check_distribution(uniform: FloatArray, inputs: dict[str, Any]) -> None:
    """The largest distance of the distribution functions (Dvoretzky, Kiefer, Wolfowitz; Massart).

    It exceeds ``√(t / 2 n)`` with a probability under ``2 exp(-t)``.
    """
    n = inputs["n"]
    assert uniform.shape == (n,), f"shape {uniform.shape}, not ({n},)"
    assert np.isfinite(uniform).all(), "there are numbers that are not finite"
    ordered = np.sort(uniform)
    assert ordered[0] >= 0, f"there is a number out of range: {ordered[0]}"
    assert ordered[-1] <= 1, f"there is a number out of range: {ordered[-1]}"
    steps = np.arange(n + 1) / n
    distance = float(max(np.max(steps[1:] - ordered), np.max(ordered - steps[:-1])))
    allowed = sqrt(RARITY / (2 * n))
    assert distance <= allowed, (
        f"the distribution strays by {distance:.4f}, more than {allowed:.2g}"
    )


def _check_second_moments(x: FloatArray) -> None:
    """Mean square and products of neighbours, by the bound for quadratic forms of normal numbers.

    See :func:`unlocked.kernels.ou.check_statistics`; uniform numbers of unit variance stray less.
    """
    n = len(x)
    _assert_form("squares", float(np.dot(x, x)) - n, sqrt(n))
    _assert_form("products of neighbours", float(np.dot(x[:-1], x[1:])), sqrt((n - 1) / 2))


def _assert_form(name: str, found: float, frobenius: float) -> None:
    allowed = 2 * frobenius * sqrt(RARITY) + 2 * RARITY
    assert abs(found) <= allowed, f"the {name} stray by {found:.4g}, more than {allowed:.4g}"
