"""Erratum 1: the source's parallel prediction loses the order, and fails on a remainder."""

import asyncio

import numpy as np
import pytest

from unlocked.inference import predict, unordered


class Numbers:
    """A model whose label of a row is its first column."""

    def predict(self, rows):
        return rows[:, 0].astype(np.int64)


def numbered(count):
    return np.arange(count, dtype=float)[:, np.newaxis]


def test_the_set_loses_the_order_and_gather_keeps_it():
    rows, wanted = numbered(64), list(range(64))
    kept_alive, orders = [], []
    for _ in range(20):
        orders.append(asyncio.run(unordered.as_the_set_has_them(Numbers(), rows, 16)).tolist())
        kept_alive.append(object())
        assert predict.through_asyncio(Numbers(), rows, 16).tolist() == wanted
    assert all(sorted(order) == wanted for order in orders)
    assert any(order != wanted for order in orders)


def test_fewer_rows_than_jobs_end_theirs_and_not_ours():
    rows = numbered(3)
    with pytest.raises(ValueError, match="batch_size"):
        asyncio.run(unordered.as_the_set_has_them(Numbers(), rows, 8))
    assert predict.through_asyncio(Numbers(), rows, 8).tolist() == [0, 1, 2]


def test_stacking_needs_equal_pieces():
    assert unordered.stacked([np.arange(2), np.arange(2)]).tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="must match exactly"):
        unordered.stacked([np.arange(2), np.arange(1)])
    answer = predict.in_pieces(Numbers(), numbered(3), 2)
    assert answer.tolist() == [0, 1, 2]
