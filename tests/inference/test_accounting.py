"""Busy cores, sums of parts and shares of a loss follow from the samples as ratios do."""

from math import isclose
from types import SimpleNamespace

import pytest

from unlocked.inference import accounting

WALL = [[1.0, 2.0, 1.0], [2.0, 2.0, 2.0]]


def measured(**seconds):
    """A comparison with these wall seconds, ``[process][round]``."""
    return SimpleNamespace(seconds=seconds)


def test_busy_cores_are_cpu_seconds_a_second():
    comparison = SimpleNamespace(
        seconds={"threads": WALL},
        cpu_seconds={"threads": [[1.5, 3.0, 1.5], [3.0, 3.0, 3.0]]},
        own_cpu_seconds={"threads": [[0.5, 1.0, 0.5], [1.0, 1.0, 1.0]]},
    )
    assert accounting.busy_cores(comparison, "threads").estimate == pytest.approx(1.5)
    assert accounting.busy_cores(comparison, "threads", own=True).estimate == pytest.approx(0.5)
    assert accounting.busy_cores(comparison, "threads").processes == 2


def test_a_round_that_the_childrens_clock_missed_counts_with_the_others():
    comparison = SimpleNamespace(
        seconds={"pool": [[0.01] * 4] * 2}, cpu_seconds={"pool": [[0.0, 0.02, 0.0, 0.02]] * 2}
    )
    assert accounting.busy_cores(comparison, "pool").estimate == pytest.approx(1.0)


def test_no_cpu_time_at_all_is_no_error():
    comparison = SimpleNamespace(seconds={"nap": WALL}, cpu_seconds={"nap": [[0.0] * 3] * 2})
    assert accounting.busy_cores(comparison, "nap").estimate < 1e-6


def test_parts_add_up_within_their_round():
    comparison = measured(
        a=[[1.0, 10.0], [1.0, 20.0]], b=[[2.0, 20.0], [2.0, 40.0]], all=[[3.0, 30.0], [6.0, 120.0]]
    )
    found = accounting.added_up(comparison, ["a", "b"], "all")
    assert isclose(found.estimate, 0.5**0.5)


def test_a_share_of_a_loss_is_over_what_one_takes_longer():
    comparison = measured(part=[[0.1] * 3] * 5, slow=[[1.2] * 3] * 5, fast=[[0.2] * 3] * 5)
    found = accounting.share_of_loss(comparison, "part", "slow", "fast")
    assert found.estimate == pytest.approx(0.1)


def test_where_nothing_was_lost_there_is_no_share():
    comparison = measured(part=[[0.1], [0.1]], slow=[[1.0], [0.9]], fast=[[0.9], [0.9]])
    assert accounting.share_of_loss(comparison, "part", "slow", "fast") is None


def test_a_time_over_a_published_one():
    found = accounting.over_constant(measured(call=[[0.02, 0.01, 0.01]] * 5), "call", 0.1)
    assert found.estimate == pytest.approx(0.1)
    assert found.low < 0.1 < found.high
