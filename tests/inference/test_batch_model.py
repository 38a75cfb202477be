"""The line over the rows is found again, and the break-even is the first batch that pays."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlocked.inference import batch_model
from unlocked.inference.batch_model import Line
from unlocked.parallel.breakeven import Model

calls = st.floats(1e-6, 1e-3)
each = st.floats(1e-9, 1e-5)


@given(call=calls, row=each)
@settings(deadline=None)
def test_the_fit_finds_the_line(call, row):
    rows = [1, 100, 10_000, 1_000_000]
    fitted = batch_model.fit(rows, [call + row * n for n in rows])
    assert fitted.call_seconds == pytest.approx(call, rel=1e-3)
    assert fitted.row_seconds == pytest.approx(row, rel=1e-3)


def test_half_way_the_constant_is_half_of_the_time():
    line = Line(2e-4, 1e-7)
    assert line.seconds(line.half_way) == pytest.approx(2 * line.call_seconds)
    assert Line(2e-4, 0.0).half_way == inf


def test_one_number_of_rows_makes_no_line():
    with pytest.raises(ValueError, match="two different numbers"):
        batch_model.fit([10, 10], [1.0, 2.0])


def test_every_piece_pays_the_constant_and_a_share_of_the_rows():
    pool = batch_model.pool_of(Line(0.001, 1e-6), empty_seconds=0.01, workers=2)
    assert batch_model.split_seconds(Line(0.001, 1e-6), pool, 4, 1e6) == pytest.approx(0.514)


def test_a_pool_seen_at_work_takes_that_time_again():
    line = Line(1e-4, 1e-7)
    pool = batch_model.pool_seen(line, 8e-4, 1_000, jobs=2, workers=2)
    assert batch_model.split_seconds(line, pool, 2, 1_000) == pytest.approx(8e-4)
    assert batch_model.pool_seen(line, 1e-5, 1_000, jobs=2, workers=2).call_seconds == 0


@given(
    call=calls,
    row=each,
    empty=st.floats(1e-5, 1e-2),
    workers=st.floats(1.2, 64),
    jobs=st.integers(2, 64),
    poll=st.sampled_from([0.0, 0.01]),
)
@settings(deadline=None)
def test_it_is_the_first_batch_that_pays(call, row, empty, workers, jobs, poll):
    line = Line(call, row)
    pool = batch_model.pool_of(line, empty, workers, poll)
    rows = batch_model.break_even_rows(line, pool, jobs)
    near = [rows * nearly for nearly in (1 - 1e-6, 1, 1 + 1e-6)]
    late = min(batch_model.split_seconds(line, pool, jobs, n) - line.seconds(n) for n in near)
    assert late <= 1e-6 * line.seconds(rows)
    for share in (0.2, 0.5, 0.9, 0.99):
        earlier = share * rows
        assert batch_model.split_seconds(line, pool, jobs, earlier) > line.seconds(earlier)


@pytest.mark.parametrize(("line", "workers"), [(Line(1e-4, 1e-7), 1.0), (Line(1e-4, 0.0), 2.0)])
def test_one_core_and_free_rows_never_pay(line, workers):
    pool = Model(1e-3, line.call_seconds, workers, 0.01)
    assert batch_model.break_even_rows(line, pool, 2) == inf
