"""The counter-based generator: published answers, the normal law, no trace of how it was cut."""

import threading
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unlocked.kernels import lanes, normal

COUNT = 4_000_000

every_instructions = pytest.mark.parametrize("instructions", lanes.AVAILABLE)


def numbers(n, seed=1, stream=0, first=0, instructions=None):
    out = np.full(n, np.nan)
    normal.fill_normal(out, seed, stream, first, instructions)
    return out


@pytest.fixture(scope="module")
def many():
    return numbers(COUNT)


def words_of(counter, key, instructions):
    """The four words of Philox4x32-10 as Random123 prints them."""
    block, stream = (counter[i] | counter[i + 1] << 32 for i in (0, 2))
    (first, *_), (second, *_) = normal.philox(key, stream, block, instructions).tolist()
    return [word >> shift & 0xFFFFFFFF for word in (first, second) for shift in (0, 32)]


@every_instructions
@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ([0] * 4, (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ([0xFFFFFFFF] * 4, (0xFFFFFFFF, 0xFFFFFFFF), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_gives_the_known_answers_of_random123(counter, key, words, instructions):
    found = words_of(counter, key, instructions)
    assert [f"{word:08x}" for word in found] == words.split()


def by_the_formula(n, seed, stream):
    """The definition in NumPy: words, radius, angle, direction."""
    key = normal.key_of(seed)
    blocks = [normal.philox(key, stream, 8 * group) for group in range(-(-n // 16))]
    first, second = np.concatenate(blocks, axis=1)
    u = ((first >> np.uint64(12)).astype(float) + 0.5) / 2**52
    radius = np.sqrt(-2 * np.log(u))
    eighth = ((second >> np.uint64(12)).astype(float) / 2**52 - 0.5) * np.pi / 2
    side = np.where(second & np.uint64(2), -1.0, 1.0)
    along, across = radius * side * np.cos(eighth), radius * np.sin(eighth)
    swap = (second & np.uint64(1)).astype(bool)
    pairs = np.where(swap, across, along), np.where(swap, along, across)
    return np.stack([half.reshape(-1, 8) for half in pairs], axis=1).ravel()[:n]


@every_instructions
@pytest.mark.parametrize("stream", [0, 1, 2**40 + 3])
def test_numbers_are_those_of_the_formula(stream, instructions):
    found = numbers(10_000, seed=7, stream=stream, instructions=instructions)
    np.testing.assert_allclose(found, by_the_formula(10_000, 7, stream), rtol=4e-15, atol=1e-15)


@pytest.mark.skipif("avx2" not in lanes.AVAILABLE, reason="this processor has no AVX2")
@given(st.integers(0, 2000), st.integers(0, 2**64 - 1), st.integers(0, 2**60))
def test_instructions_that_fuse_give_the_same_bits(n, stream, first):
    fused = [name for name in lanes.AVAILABLE if name != "plain"]
    found = {numbers(n, 3, stream, first, name).tobytes() for name in fused}
    assert len(found) == 1


@given(st.lists(st.integers(0, 700), max_size=8), st.integers(0, 100))
def test_pieces_of_any_size_are_the_whole(sizes, first):
    whole = numbers(sum(sizes), seed=5, first=first)
    starts = np.cumsum([first, *sizes])
    pieces = [numbers(n, seed=5, first=int(at)) for n, at in zip(sizes, starts, strict=False)]
    assert np.concatenate([*pieces, []]).tobytes() == whole.tobytes()


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_number_of_threads(threads):
    out = np.full(100_003, np.nan)
    bounds = np.linspace(0, len(out), threads + 1).astype(int)
    parts = [
        threading.Thread(target=normal.fill_normal, args=(out[a:b], 9, 4, int(a)))
        for a, b in pairwise(bounds)
    ]
    for part in parts:
        part.start()
    for part in parts:
        part.join()
    assert out.tobytes() == numbers(len(out), seed=9, stream=4).tobytes()


def test_a_seed_gives_these_numbers_in_every_version():
    fused = numbers(1000, seed=2026)
    np.testing.assert_allclose(fused[:3], by_the_formula(16, 2026, 0)[:3], rtol=1e-14)
    if lanes.WIDEST != "plain":
        assert sha256(fused.tobytes()).hexdigest()[:16] == "61ad7904a75393dc"


class TestTheNormalLaw:
    """Limits of about five standard errors: the seed is fixed, so that nothing fails by chance."""

    def test_moments(self, many):
        for power, moment, variance in (
            (1, 0, 1),
            (2, 1, 2),
            (3, 0, 15),
            (4, 3, 96),
            (6, 15, 10170),
        ):
            error = np.mean(many**power) - moment
            assert abs(error) < 5 * np.sqrt(variance / COUNT), power

    def test_kolmogorov_smirnov(self, many):
        assert stats.kstest(many, "norm").pvalue > 1e-3

    def test_kolmogorov_smirnov_of_the_tails(self, many):
        """Beyond 2 on either side, given that: where an approximate transform would show first."""
        for tail in (many[many > 2], -many[many < -2]):
            above = stats.norm.sf(tail) / stats.norm.sf(2)
            assert stats.kstest(above, "uniform").pvalue > 1e-3

    @pytest.mark.parametrize("sigmas", [3.0, 4.0, 4.5, 5.0])
    def test_as_many_lie_far_out_as_should(self, sigmas):
        count, n = 0, 20_000_000
        for piece in range(5):
            part = numbers(n // 5, seed=11, first=piece * n // 5)
            count += int(np.count_nonzero(np.abs(part) > sigmas))
        expected = 2 * n * stats.norm.sf(sigmas)
        low, high = stats.poisson.ppf([1e-4, 1 - 1e-4], expected)
        assert low <= count <= high

    def test_the_largest_possible_number(self):
        smallest = 0.5 / 2**52
        assert np.sqrt(-2 * np.log(smallest)) == pytest.approx(normal.LARGEST, abs=1e-3)

    def test_directions_are_uniform(self, many):
        pairs = many.reshape(-1, 2, 8)
        angle = np.arctan2(pairs[:, 1], pairs[:, 0]).ravel()
        assert stats.kstest(angle / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3

    @pytest.mark.parametrize("lag", [1, 2, 7, 8, 9, 15, 16, 17, 512, 1000])
    def test_no_memory_along_a_stream(self, many, lag):
        for values in (many, many**2 - 1, np.abs(many) - np.sqrt(2 / np.pi)):
            scaled = values / values.std()
            correlation = np.mean(scaled[:-lag] * scaled[lag:])
            assert abs(correlation) < 5 / np.sqrt(COUNT - lag)

    def test_streams_and_seeds_are_independent(self):
        rows = [numbers(200_000, 1, stream) for stream in range(6)]
        rows += [numbers(200_000, seed) for seed in range(2, 8)]
        rows.append(numbers(200_000, 1, 2**63))
        for transform in (np.asarray, np.square):
            correlations = np.corrcoef(transform(rows))
            others = correlations[~np.eye(len(rows), dtype=bool)]
            assert np.abs(others).max() < 5 / np.sqrt(200_000)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"out": [0.0]}, TypeError, "out must be a NumPy array, not list"),
        ({"out": np.empty(3, np.float32)}, TypeError, "out must be float64, not float32"),
        ({"out": np.empty((2, 2))}, ValueError, "out must have one dimension, not 2"),
        ({"out": np.empty(6)[::2]}, ValueError, "out must be contiguous"),
        ({"out": np.broadcast_to(0.0, (1,))}, ValueError, "out is read-only"),
        ({"seed": -1}, ValueError, "seed must be 0 or more, not -1"),
        ({"seed": 1.0}, TypeError, r"seed must be an int, not 1\.0"),
        ({"stream": 2**64}, ValueError, r"stream must be below 2\*\*64"),
        ({"stream": -1}, ValueError, "stream must be 0 or more"),
        ({"first": 1.5}, TypeError, "first must be an int"),
        ({"first": 2**64 - 2}, ValueError, "a stream has .* numbers: first .* leaves no 3"),
        ({"instructions": "sse9"}, ValueError, "instructions must be one of .*not 'sse9'"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        normal.fill_normal(**{"out": np.empty(3), "seed": 1, **arguments})


def test_a_float_seed_is_refused_after_its_integer_was_used():
    numbers(1, seed=1)
    with pytest.raises(TypeError, match="seed must be an int"):
        normal.key_of(1.0)
