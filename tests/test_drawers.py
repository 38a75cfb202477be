"""Threads and processes that draw: who waited for what, and who drew a copy."""

import multiprocessing
from itertools import pairwise

import pytest

from unlocked import drawers
from unlocked.drawers import Draw, Timeline
from unlocked.gil import Beat


def drawn(*spans):
    return [Draw(thread=t, asked=a, got=g, done=d) for t, a, g, d in spans]


class TestTimeline:
    made = Timeline(
        shared=True,
        draws=drawn((0, 0, 0, 4), (1, 0, 4, 8), (0, 4, 6, 10)),
        beats=[Beat(asked=1, got=1), Beat(asked=3, got=5), Beat(asked=9, got=12)],
    )

    def test_waiting_is_a_share_of_the_threads_time(self):
        assert self.made.waited == pytest.approx((4 + 2) / (4 + 8 + 6))

    def test_overlap_is_a_share_of_the_whole_time(self):
        assert self.made.seconds == 10
        assert self.made.overlap == pytest.approx(2 / 10)

    def test_the_heart_waits_within_the_recorded_time(self):
        assert self.made.heart_waited == pytest.approx((2 + 1) / 10)

    def test_beats_within_waits_count(self):
        assert self.made.beats_within_waits() == 2

    @pytest.mark.parametrize("count", ["threads", "pieces", "size", "recordings"])
    def test_counts_are_positive(self, count):
        with pytest.raises(ValueError, match="each must be at least 1"):
            drawers.timeline(shared=True, **{count: 0})


def test_draws_from_one_generator_never_overlap():
    made = drawers.timeline(shared=True, threads=3, pieces=2, size=20_000, recordings=2)
    assert sorted(draw.thread for draw in made.draws) == [0, 0, 1, 1, 2, 2]
    ordered = sorted(made.draws, key=lambda draw: draw.got)
    assert all(now.done <= after.got for now, after in pairwise(ordered))
    assert made.overlap == 0
    assert made.waited > 0


def test_draws_from_one_generator_each_wait_for_nobody():
    made = drawers.timeline(shared=False, threads=2, pieces=3, size=100_000)
    assert len(made.draws) == 6
    assert made.waited < 0.5


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
def test_forked_processes_draw_the_same_numbers():
    made = drawers.copies("fork", workers=3)
    assert list(made.distinct.values()) == [1, 1, 3]


def test_fresh_processes_repeat_only_what_was_seeded_alike():
    made = drawers.copies("spawn", workers=2)
    assert list(made.distinct.values()) == [2, 1, 2]


def test_a_start_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="not by 'thread'"):
        drawers.copies("thread")
    with pytest.raises(ValueError, match="workers must be at least 1"):
        drawers.copies("spawn", workers=0)
