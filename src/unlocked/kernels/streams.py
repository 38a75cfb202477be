"""Random numbers on several threads: one generator for all, a stream each, or a counter.

Every ``fill_…`` function fills `out` with standard normal numbers, cut into pieces that a pool of
threads shares. They differ in what the numbers depend on: the seed alone, or also the cut, the
number of threads, or which thread came first.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import NormalDist
from typing import Any, Literal

import numpy as np

from unlocked.kernels.normal import fill_normal
from unlocked.kernels.ou_arguments import FloatArray

BLOCK = 4096
"""Numbers of one block of :func:`fill_philox`: many, so that making its generator costs little."""

Seeding = Literal["seed + i", "spawn"]
Pool = Literal["joblib", "own"]


def fill_inputs(size: int, piece: int, seed: int) -> dict[str, Any]:
    """Return the arguments of the ``fill_…`` functions by name.

    Raises
    ------
    ValueError
        Where `size` is negative or `piece` not positive.
    """
    if size < 0 or piece < 1:
        raise ValueError(f"{size=}, {piece=}: the size is 0 or more, a piece 1 or more numbers")
    return {"out": np.full(size, np.nan), "seed": seed, "piece": piece}


def cut(out: FloatArray, piece: int) -> list[FloatArray]:
    """Return `out` as consecutive views of `piece` numbers, the last of what is left."""
    return [out[start : start + piece] for start in range(0, len(out), piece)]


def fill_shared(out: FloatArray, seed: int, piece: int, threads: int = 1) -> None:
    """Let all threads draw from one generator.

    It is safe: each call holds the generator's lock from its first number to its last. But which
    piece gets which part of the stream, the race for that lock decides.
    """
    rng = np.random.default_rng(seed)

    def fill(part: FloatArray) -> None:
        rng.standard_normal(out=part)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, cut(out, piece)))


def fill_spawned(out: FloatArray, seed: int, piece: int, threads: int = 1) -> None:
    """Give every piece a generator of its own, seeded by a child of one ``SeedSequence``."""
    parts = cut(out, piece)
    children = np.random.SeedSequence(seed).spawn(len(parts))

    def fill(part: FloatArray, child: np.random.SeedSequence) -> None:
        np.random.default_rng(child).standard_normal(out=part)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, parts, children))


def fill_by_worker(out: FloatArray, seed: int, piece: int, threads: int = 1) -> None:
    """Give every *thread* a generator, for its share of the pieces: it depends on their number."""
    shares = [out[share] for share in _shares(len(out), threads)]
    children = np.random.SeedSequence(seed).spawn(threads)

    def fill(share: FloatArray, child: np.random.SeedSequence) -> None:
        rng = np.random.default_rng(child)
        for part in cut(share, piece):
            rng.standard_normal(out=part)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, shares, children))


def _shares(size: int, threads: int) -> list[slice]:
    bounds = [size * thread // threads for thread in range(threads + 1)]
    return [slice(*pair) for pair in pairwise(bounds)]


def fill_philox(out: FloatArray, seed: int, piece: int, threads: int = 1) -> None:
    """Draw block b of ``BLOCK`` numbers by Philox with b in its counter; a piece may cut blocks.

    The third of the counter's four words holds b, so that a block has 2¹²⁸ words to itself.
    """
    key = np.random.SeedSequence(seed).generate_state(2, np.uint64)

    def fill(start: int) -> None:
        end = min(start + piece, len(out))
        while start < end:
            block, skipped = divmod(start, BLOCK)
            count = min(BLOCK - skipped, end - start)
            rng = np.random.Generator(np.random.Philox(key=key, counter=[0, 0, block, 0]))
            if skipped or count < BLOCK:
                out[start : start + count] = rng.standard_normal(skipped + count)[skipped:]
            else:
                rng.standard_normal(out=out[start : start + count])
            start += count

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, len(out), piece)))


def fill_counter(out: FloatArray, seed: int, piece: int, threads: int = 1) -> None:
    """Compute number i from i, by :func:`unlocked.kernels.normal.fill_normal`."""

    def fill(start: int) -> None:
        fill_normal(out[start : start + piece], seed, first=start)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, range(0, len(out), piece)))


def spawned_reference(out: FloatArray, seed: int, piece: int) -> None:
    """Do the work of :func:`fill_spawned` in a plain loop."""
    parts = cut(out, piece)
    for part, child in zip(parts, np.random.SeedSequence(seed).spawn(len(parts)), strict=True):
        part[:] = np.random.default_rng(child).standard_normal(len(part))


def check_shared(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check an answer of :func:`fill_shared`: the parts of one stream, in any order."""
    stream = np.random.default_rng(inputs["seed"]).standard_normal(len(answer))
    piece = inputs["piece"]
    last = len(answer) % piece
    if last == 0:
        _assert_same_rows(answer.reshape(-1, piece), stream.reshape(-1, piece))
    else:  # a short piece shifts those after it
        assert np.array_equal(np.sort(answer), np.sort(stream)), "numbers were lost or repeated"


def check_counter(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check an answer of :func:`fill_counter` against one call for the whole."""
    whole = np.empty(len(answer))
    fill_normal(whole, inputs["seed"])
    assert answer.tobytes() == whole.tobytes(), "the pieces are not those of the whole"


def check_philox(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Check an answer of :func:`fill_philox` against whole blocks, drawn one after another."""
    key = np.random.SeedSequence(inputs["seed"]).generate_state(2, np.uint64)
    blocks = [
        np.random.Generator(np.random.Philox(key=key, counter=block << 128)).standard_normal(BLOCK)
        for block in range(-(-len(answer) // BLOCK))
    ]
    whole = np.concatenate([*blocks, []])[: len(answer)]
    assert answer.tobytes() == whole.tobytes(), "the pieces are not those of whole blocks"


def order_of_pieces(answer: FloatArray, seed: int, piece: int) -> list[int]:
    """Say which part of the one stream each piece of :func:`fill_shared` got.

    Raises
    ------
    ValueError
        Where `answer` is not made of whole pieces of that stream.
    """
    stream = np.random.default_rng(seed).standard_normal(len(answer))
    if len(answer) % piece:
        raise ValueError(f"{len(answer)} numbers are not whole pieces of {piece}")
    place = {first: i for i, first in enumerate(stream[::piece].tolist())}
    firsts = answer[::piece].tolist()
    if set(firsts) != set(place):
        raise ValueError(f"these are not the numbers of seed {seed} in pieces of {piece}")
    return [place[first] for first in firsts]


# What the source timed: calls that return their numbers.


def source_inputs(num_sim: int, num_steps: int, seed: int) -> dict[str, Any]:
    """Return the arguments of the functions below: `num_sim` times `num_steps` numbers."""
    return {"num_sim": num_sim, "num_steps": num_steps, "seed": seed}


def legacy_one_call(num_sim: int, num_steps: int, seed: int) -> FloatArray:
    """Draw all by one call of ``np.random.randn``; shape (num_sim, num_steps)."""
    np.random.seed(seed)
    return np.random.randn(num_sim * num_steps).reshape(num_sim, num_steps)


def modern_one_call(num_sim: int, num_steps: int, seed: int) -> FloatArray:
    """Draw all by one call of a ``Generator``; shape (num_sim, num_steps)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(num_sim * num_steps).reshape(num_sim, num_steps)


def legacy_threads(
    num_sim: int, num_steps: int, seed: int, threads: int = 4, pool: Pool = "own"
) -> list[FloatArray]:
    """Draw in `num_sim` calls of ``np.random.randn``, whose one generator all threads share."""
    np.random.seed(seed)
    return _on_threads([np.random.randn] * num_sim, num_steps, threads, pool)


def modern_threads(
    num_sim: int, num_steps: int, seed: int, threads: int = 4, pool: Pool = "own"
) -> list[FloatArray]:
    """Draw in `num_sim` calls of one ``Generator`` that all threads share."""
    rng = np.random.default_rng(seed)
    return _on_threads([rng.standard_normal] * num_sim, num_steps, threads, pool)


def spawned_threads(
    num_sim: int, num_steps: int, seed: int, threads: int = 4, pool: Pool = "own"
) -> list[FloatArray]:
    """Draw in `num_sim` calls, each of a generator of its own."""
    children = np.random.default_rng(seed).spawn(num_sim)
    return _on_threads([rng.standard_normal for rng in children], num_steps, threads, pool)


def _on_threads(
    draws: Sequence[Callable[[int], FloatArray]], num_steps: int, threads: int, pool: Pool
) -> list[FloatArray]:
    if pool == "joblib":
        from joblib import Parallel, delayed

        tasks = (delayed(draw)(num_steps) for draw in draws)
        drawn: list[FloatArray] = Parallel(n_jobs=threads, prefer="threads")(tasks)
        return drawn
    if pool != "own":
        raise ValueError(f"pool must be joblib or own, not {pool!r}")
    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(lambda draw: draw(num_steps), draws))


def check_legacy(answer: Sequence[FloatArray], inputs: dict[str, Any]) -> None:
    """Check that the calls got the legacy generator's numbers between them, in any order."""
    _assert_same_rows(np.asarray(answer), legacy_one_call(**inputs))


def check_modern(answer: Sequence[FloatArray], inputs: dict[str, Any]) -> None:
    """Check that the calls got the modern generator's numbers between them, in any order."""
    _assert_same_rows(np.asarray(answer), modern_one_call(**inputs))


def check_spawned(answer: Sequence[FloatArray], inputs: dict[str, Any]) -> None:
    """Check that call i got the numbers of child i."""
    children = np.random.default_rng(inputs["seed"]).spawn(inputs["num_sim"])
    expected = [rng.standard_normal(inputs["num_steps"]) for rng in children]
    assert np.array_equal(np.asarray(answer), expected), "a call got another stream's numbers"


def _assert_same_rows(found: FloatArray, expected: FloatArray) -> None:
    """Equal to the last bit, but for the order of the rows."""
    assert found.shape == expected.shape, f"shape {found.shape}, not {expected.shape}"
    if found.size:
        found, expected = (rows[np.argsort(rows[:, 0])] for rows in (found, expected))
    assert np.array_equal(found, expected), "a piece is none of the one stream"


# Are streams independent?


@dataclass(frozen=True)
class Correlation:
    """The largest of all correlations between streams, in standard errors.

    Attributes
    ----------
    z : float
        Its size.
    pair : (int, int)
        The two streams.
    lag : int
        By how many numbers the second is behind the first.
    limit : float
        What the largest exceeds once in ten thousand times where all are independent.
    """

    z: float
    pair: tuple[int, int]
    lag: int
    limit: float

    @property
    def suspicious(self) -> bool:
        return self.z > self.limit


def largest_correlation(streams: FloatArray, level: float = 1e-4) -> Correlation:
    """Correlate every pair of streams at every (circular) lag, and return the largest.

    Parameters
    ----------
    streams : ndarray of float64, shape (streams, n)
        Standard normal numbers.
    level : float
        Probability of exceeding the limit, bounded by Bonferroni's inequality.

    Raises
    ------
    ValueError
        For fewer than two streams.
    """
    count, n = streams.shape
    if count < 2:
        raise ValueError(f"correlation takes two streams or more, not {count}")
    spectra = np.fft.rfft(streams, axis=1)
    largest = (0.0, (0, 1), 0)
    for first in range(count):
        for second in range(first + 1, count):
            sums = np.fft.irfft(spectra[first] * spectra[second].conj(), n)
            lag = int(np.argmax(np.abs(sums)))
            largest = max(largest, (abs(float(sums[lag])) / sqrt(n), (first, second), lag))
    tests = n * count * (count - 1) // 2
    limit = -NormalDist().inv_cdf(level / (2 * tests))
    return Correlation(*largest, limit)


def study_means(
    seeding: Seeding, studies: int, replications: int, tasks: int, draws: int
) -> FloatArray:
    """Return estimates of 1/2 by studies that replicate a parallel simulation.

    Replication r of study s has the seed 1000 s + r, and draws `draws` uniform numbers in each of
    `tasks` tasks, which get streams by `seeding`; its estimate is their mean.

    Returns
    -------
    ndarray of float64, shape (studies, replications)

    Raises
    ------
    ValueError
        Where `seeding` is neither ``seed + i`` nor ``spawn``.
    """
    means = np.empty((studies, replications))
    for study, replication in np.ndindex(studies, replications):
        root = 1000 * study + replication
        streams = [np.random.default_rng(seed) for seed in task_seeds(seeding, root, tasks)]
        means[study, replication] = np.mean([rng.random(draws).mean() for rng in streams])
    return means


def task_seeds(seeding: Seeding, root: int, tasks: int) -> list[Any]:
    """Return what the generator of every task is seeded with, from one seed.

    Raises
    ------
    ValueError
        Where `seeding` is neither ``seed + i`` nor ``spawn``.
    """
    if seeding == "seed + i":
        return [root + task for task in range(tasks)]
    if seeding == "spawn":
        return np.random.SeedSequence(root).spawn(tasks)
    raise ValueError(f"seeding must be 'seed + i' or 'spawn', not {seeding!r}")
