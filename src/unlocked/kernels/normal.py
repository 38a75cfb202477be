"""Standard normal numbers from a counter: number ``i`` of a stream is a function of ``i`` alone.

Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011) turns a key and a counter into random words,
Box and Muller's formula (1958) two words into two normal numbers. There is no state to share, to
lock or to advance: any thread may make any part of any stream.
"""

import operator
from functools import lru_cache

import numpy as np

from unlocked.kernels import lanes
from unlocked.kernels.ou_arguments import FloatArray, check_array

LARGEST = 8.572
"""No number is larger than this, √(2 · 53 · ln 2): the radius comes from 52 random bits."""

WORD = 2**64


def key_of(seed: int) -> tuple[int, int]:
    """Two words of 32 bits from a seed of any size, mixed by NumPy's ``SeedSequence``.

    Raises
    ------
    TypeError, ValueError
        Where the seed is no whole number, or is negative.
    """
    return _mixed(_whole("seed", seed))


@lru_cache
def _mixed(seed: int) -> tuple[int, int]:
    low, high = np.random.SeedSequence(seed).generate_state(2, np.uint32)
    return int(low), int(high)


def fill_normal(
    out: FloatArray, seed: int, stream: int = 0, first: int = 0, instructions: str | None = None
) -> None:
    """Fill ``out`` with the numbers ``first``, ``first + 1``, … of a stream; the GIL is free.

    Parameters
    ----------
    out : ndarray of float64, shape (n,), contiguous
    seed : int
        0 or more, of any size.
    stream : int
        Which of the 2⁶⁴ streams of a seed, from 0 on.
    first : int
        Index in the stream of the first number, from 0 on. Pieces of a stream, however it is
        cut, have the same bits as the whole.
    instructions : str, optional
        One of ``lanes.AVAILABLE``; the bits are the same for all that fuse multiplication and
        addition, others differ by rounding.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of this kind.

    Notes
    -----
    Of the counter (c, stream) Philox makes two words of 64 bits. The upper 52 of the first give
    a radius √(-2 ln u) with u = (k + 1/2) / 2⁵², those of the second an angle within an eighth of
    a turn, and its two lowest bits one of four directions. Numbers 16 g + j and 16 g + 8 + j, for
    j below 8, are the two coordinates of counter 8 g + j.
    """
    check_array("out", out, writeable=True)
    low, high = key_of(seed)
    lanes.compiled.normal_fill(
        low,
        high,
        checked_word("stream", stream),
        checked_first(first, len(out)),
        out,
        lanes.checked_instructions(instructions),
    )


def philox(
    key: tuple[int, int], stream: int, block: int, instructions: str | None = None
) -> np.ndarray:
    """The random words of eight counters (block, stream), for tests against published answers.

    Returns
    -------
    ndarray of uint64, shape (2, 8)
        The words 0 and 1, and 2 and 3, of Philox4x32-10 joined; the lower word in the lower half.
    """
    return lanes.compiled.philox_words(
        *key, stream, block, lanes.checked_instructions(instructions)
    )


def checked_word(name: str, value: int) -> int:
    """Return a whole number that fits into 64 bits.

    Raises
    ------
    TypeError, ValueError
        Where it is none.
    """
    value = _whole(name, value)
    if value >= WORD:
        raise ValueError(f"{name} must be below 2**64, not {value}")
    return value


def checked_first(first: int, count: int) -> int:
    """Return the index of the first of so many numbers, all of which a stream must have.

    Raises
    ------
    TypeError, ValueError
        Where it is no whole number, or the stream ends before.
    """
    first = checked_word("first", first)
    if first + count > WORD:
        raise ValueError(f"a stream has 2**64 numbers: first {first} leaves no {count}")
    return first


def _whole(name: str, value: int) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {value!r}: give int({name})") from None
    if whole < 0:
        raise ValueError(f"{name} must be 0 or more, not {whole}")
    return whole
