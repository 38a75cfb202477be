"""Streams on threads: what their numbers depend on, and whether streams are independent."""

from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.kernels import streams

FILLS = {
    "shared": streams.fill_shared,
    "spawned": streams.fill_spawned,
    "by worker": streams.fill_by_worker,
    "philox": streams.fill_philox,
    "counter": streams.fill_counter,
}


def digest(fill, size=20_000, piece=3000, seed=7, threads=1):
    inputs = streams.fill_inputs(size, piece, seed)
    fill(**inputs, threads=threads)
    assert np.isfinite(inputs["out"]).all()
    return sha256(inputs["out"]).hexdigest()


class TestWhatTheNumbersDependOn:
    THREADS = (1, 2, 3, 8)
    PIECES = (1, 999, streams.BLOCK, 30_000)

    @pytest.mark.parametrize("name", ["spawned", "philox", "counter"])
    def test_not_on_the_number_of_threads(self, name):
        assert len({digest(FILLS[name], threads=n) for n in self.THREADS}) == 1

    def test_on_the_number_of_threads_where_each_has_a_generator(self):
        digests = {digest(streams.fill_by_worker, threads=n) for n in self.THREADS}
        assert len(digests) == len(self.THREADS)

    @pytest.mark.parametrize("name", ["philox", "counter"])
    def test_not_on_the_cut(self, name):
        digests = {
            digest(FILLS[name], 9000, piece, threads=n) for piece in self.PIECES for n in (1, 3)
        }
        assert len(digests) == 1

    def test_on_the_cut_where_each_piece_has_a_generator(self):
        assert digest(streams.fill_spawned, piece=3000) != digest(streams.fill_spawned, piece=2999)

    @pytest.mark.parametrize("name", FILLS)
    def test_on_the_seed(self, name):
        assert digest(FILLS[name], seed=1) != digest(FILLS[name], seed=2)

    @pytest.mark.parametrize("name", FILLS)
    @pytest.mark.parametrize("size", [0, 1, 4097])
    def test_every_place_is_filled(self, name, size):
        digest(FILLS[name], size, piece=100, threads=3)


class TestChecks:
    @pytest.mark.parametrize(
        ("name", "check"),
        [
            ("shared", streams.check_shared),
            ("philox", streams.check_philox),
            ("counter", streams.check_counter),
        ],
    )
    @given(size=st.integers(0, 9000), piece=st.integers(1, 5000), threads=st.integers(1, 4))
    def test_hold_for_any_cut_and_catch_one_wrong_number(self, name, check, size, piece, threads):
        inputs = streams.fill_inputs(size, piece, 3)
        FILLS[name](**inputs, threads=threads)
        check(inputs["out"], inputs)
        if size:
            inputs["out"][size // 2] += 1e-9
            with pytest.raises(AssertionError):
                check(inputs["out"], inputs)

    def test_the_reference_is_what_spawned_threads_fill(self):
        one, other = (streams.fill_inputs(10_000, 1001, 3) for _ in range(2))
        streams.fill_spawned(**one, threads=3)
        streams.spawned_reference(**other)
        np.testing.assert_array_equal(one["out"], other["out"])


@pytest.mark.parametrize(("size", "piece"), [(-1, 10), (10, 0)])
def test_impossible_sizes_are_refused(size, piece):
    with pytest.raises(ValueError, match="a piece 1 or more"):
        streams.fill_inputs(size, piece, 1)


class TestOrderOfPieces:
    def test_says_which_part_of_the_stream_each_piece_got(self):
        stream = np.random.default_rng(5).standard_normal(400).reshape(4, 100)
        assert streams.order_of_pieces(stream[[2, 0, 1, 3]].ravel(), 5, 100) == [2, 0, 1, 3]

    def test_on_one_thread_nothing_is_out_of_order(self):
        inputs = streams.fill_inputs(600, 100, 5)
        streams.fill_shared(**inputs)
        assert streams.order_of_pieces(inputs["out"], 5, 100) == list(range(6))

    @pytest.mark.parametrize("size", [400, 450])
    def test_other_numbers_are_refused(self, size):
        with pytest.raises(ValueError, match="are not"):
            streams.order_of_pieces(np.zeros(size), 5, 100)


class TestTheSourcesCalls:
    INPUTS = streams.source_inputs(num_sim=5, num_steps=301, seed=4)

    @pytest.mark.parametrize("pool", ["own", "joblib"])
    @pytest.mark.parametrize(
        ("draw", "check"),
        [
            (streams.legacy_threads, streams.check_legacy),
            (streams.modern_threads, streams.check_modern),
            (streams.spawned_threads, streams.check_spawned),
        ],
    )
    def test_give_the_numbers_that_their_check_wants(self, draw, check, pool):
        rows = draw(**self.INPUTS, threads=3, pool=pool)
        assert len(rows) == 5
        check(rows, self.INPUTS)

    @pytest.mark.parametrize(
        "check", [streams.check_legacy, streams.check_modern, streams.check_spawned]
    )
    def test_another_stream_is_caught(self, check):
        wrong = np.random.default_rng(99).standard_normal((5, 301))
        with pytest.raises(AssertionError, match="stream"):
            check(wrong, self.INPUTS)

    def test_one_call_draws_the_same_numbers(self):
        streams.check_legacy(streams.legacy_one_call(**self.INPUTS), self.INPUTS)
        streams.check_modern(streams.modern_one_call(**self.INPUTS), self.INPUTS)

    def test_an_unknown_pool_is_refused(self):
        with pytest.raises(ValueError, match="pool must be joblib or own, not 'loky'"):
            streams.legacy_threads(**self.INPUTS, pool="loky")


class TestLargestCorrelation:
    N = 2**12

    def uniform(self, *generators):
        return np.sqrt(12) * (np.array([rng.random(self.N) for rng in generators]) - 0.5)

    def test_spawned_streams_pass(self):
        found = streams.largest_correlation(self.uniform(*np.random.default_rng(1).spawn(12)))
        assert not found.suspicious
        assert 3 < found.z < found.limit < 8

    def test_equal_streams_are_caught_at_lag_0(self):
        twins = self.uniform(*(np.random.default_rng(seed) for seed in (1, 2, 1)))
        found = streams.largest_correlation(twins)
        assert found.suspicious
        assert (found.pair, found.lag) == ((0, 2), 0)

    @given(st.integers(1, 3000))
    def test_an_overlap_is_caught_at_its_lag(self, lag):
        ahead = np.random.PCG64(3)
        ahead.advance(lag)
        pair = np.random.default_rng(3), np.random.Generator(ahead)
        found = streams.largest_correlation(self.uniform(*pair))
        assert found.suspicious
        assert found.lag == lag

    def test_one_stream_is_refused(self):
        with pytest.raises(ValueError, match="two streams or more, not 1"):
            streams.largest_correlation(np.zeros((1, 10)))


class TestStudyMeans:
    def test_the_estimates_are_those_of_the_seeds_named(self):
        means = streams.study_means("seed + i", studies=2, replications=3, tasks=4, draws=50)
        expected = np.mean([np.random.default_rng(1000 + 2 + i).random(50) for i in range(4)])
        assert means.shape == (2, 3)
        assert means[1, 2] == pytest.approx(expected)

    def test_added_seeds_are_shared_between_neighbouring_roots(self):
        assert streams.task_seeds("seed + i", 5, 3)[1:] == streams.task_seeds("seed + i", 6, 3)[:2]

    def test_spawned_streams_are_not(self):
        neighbours = (streams.task_seeds("spawn", root, 3) for root in (5, 6))
        states = [tuple(s.generate_state(4)) for seeds in neighbours for s in seeds]
        assert len(set(states)) == 6

    def test_an_unknown_seeding_is_refused(self):
        with pytest.raises(ValueError, match="'seed \\+ i' or 'spawn', not 'time'"):
            streams.task_seeds("time", 1, 2)
