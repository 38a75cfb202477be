"""Every way to predict gives the labels of the plain call, in the order of the rows."""

import asyncio
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlocked.inference import models, predict
from unlocked.parallel import backends

WAYS = {
    "serial": lambda model, rows, n_jobs: predict.serial(model, rows),
    "one after the other": lambda model, rows, n_jobs: predict.in_pieces(
        model, rows, n_jobs, "serial"
    ),
    "threads": predict.in_pieces,
    "kept threads": lambda model, rows, n_jobs: predict.in_pieces(model, rows, n_jobs, pool="kept"),
    "joblib threads": lambda model, rows, n_jobs: predict.in_pieces(
        model, rows, n_jobs, "joblib threads"
    ),
    "kept joblib threads": lambda model, rows, n_jobs: predict.in_pieces(
        model, rows, n_jobs, "joblib threads", "kept"
    ),
    "asyncio": predict.through_asyncio,
    "asyncio, one call": lambda model, rows, n_jobs: predict.through_asyncio(model, rows),
    "limited": lambda model, rows, n_jobs: predict.limited(model, rows, n_jobs),
}
PROCESSES = {
    ("joblib loky", "kept"): "a plain call",
    ("loky in a block", "kept"): "a block around all calls",
    ("joblib loky", "fresh"): "processes of its own",
}


class Numbers:
    """A model whose label of a row is its first column."""

    classes_ = np.arange(3)

    def predict(self, rows):
        if not len(rows):
            raise ValueError("Found array with 0 sample(s)")
        return rows[:, 0].astype(np.int64)


def numbered(count):
    return np.column_stack([np.arange(count, dtype=float), np.zeros(count)])


@pytest.fixture(scope="module", autouse=True)
def pools_end_with_the_tests():
    yield
    backends.close_kept()


@pytest.fixture(scope="module")
def bayes():
    return models.untrained("bayes").fit(*models.draw(200))


class TestPieces:
    @given(count=st.integers(0, 500), n_jobs=st.integers(1, 64))
    @settings(deadline=None)
    def test_they_hold_every_row_once_in_order_and_are_even(self, count, n_jobs):
        cut = predict.pieces(count, n_jobs)
        rows = [row for piece in cut for row in range(piece.start, piece.stop)]
        assert rows == list(range(count))
        lengths = [piece.stop - piece.start for piece in cut]
        assert len(cut) == min(count, n_jobs)
        assert not lengths or (min(lengths) >= 1 and max(lengths) - min(lengths) <= 1)

    @pytest.mark.parametrize("n_jobs", [0, -1])
    def test_less_than_one_job_is_refused(self, n_jobs):
        with pytest.raises(ValueError, match=f"n_jobs={n_jobs}: give at least 1 job"):
            predict.pieces(10, n_jobs)

    def test_a_negative_count_is_refused(self):
        with pytest.raises(ValueError, match="count=-1: a number of rows is not negative"):
            predict.pieces(-1, 2)


@pytest.mark.parametrize("way", WAYS)
class TestEveryWay:
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 20, 23])
    @pytest.mark.parametrize("n_jobs", [1, 2, 3, 8])
    def test_it_gives_the_labels_in_order(self, way, count, n_jobs):
        answer = WAYS[way](Numbers(), numbered(count), n_jobs)
        np.testing.assert_array_equal(answer, np.arange(count), strict=True)

    def test_it_gives_the_labels_of_a_model(self, way, bayes):
        rows, _ = models.draw(101, seed=7)
        answer = WAYS[way](bayes, rows, 3)
        np.testing.assert_array_equal(answer, bayes.predict(rows), strict=True)


@pytest.mark.parametrize("n_jobs", [0, -2])
@pytest.mark.parametrize("way", ["threads", "joblib threads", "one after the other", "asyncio"])
def test_less_than_one_job_is_refused(way, n_jobs):
    with pytest.raises(ValueError, match=f"n_jobs={n_jobs}: give at least 1 job"):
        WAYS[way](Numbers(), numbered(5), n_jobs)


@pytest.mark.parametrize(("backend", "pool"), PROCESSES)
def test_processes_give_the_labels_in_order(backend, pool, bayes):
    rows, _ = models.draw(101, seed=7)
    for count in (101, 1):
        answer = predict.in_pieces(bayes, rows[:count], 2, backend, pool)
        np.testing.assert_array_equal(answer, bayes.predict(rows[:count]), strict=True)


def test_the_last_piece_may_be_done_first():
    class Backwards(Numbers):
        """A model whose first piece is ready only when the last one was."""

        def __init__(self):
            self.last_is_done = threading.Event()

        def predict(self, rows):
            if rows[0, 0] == 0:
                assert self.last_is_done.wait(10)
            answer = super().predict(rows)
            if rows[-1, 0] == 8:
                self.last_is_done.set()
            return answer

    for way in ("threads", "joblib threads", "asyncio"):
        np.testing.assert_array_equal(WAYS[way](Backwards(), numbered(9), 3), np.arange(9))


def test_the_event_loop_goes_on_while_a_prediction_runs():
    released = threading.Event()

    class Waiting(Numbers):
        def predict(self, rows):
            assert released.wait(10)
            return super().predict(rows)

    async def serve():
        asked = asyncio.create_task(predict.awaited(Waiting(), numbered(4)))
        await asyncio.sleep(0)
        released.set()
        return await asked

    np.testing.assert_array_equal(asyncio.run(serve()), np.arange(4))


def test_a_limit_ends_with_the_call(bayes):
    def threads():
        return [pool["num_threads"] for pool in predict._thread_libraries().info()]

    rows, _ = models.draw(20)
    before = threads()
    predict.limited(bayes, rows, 1)
    assert threads() == before
