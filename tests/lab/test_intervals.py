import math
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from unlocked.lab.intervals import Interval, process_log_ratio, ratio_interval

logs = st.lists(st.floats(-2, 2), min_size=2, max_size=12)
seconds = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=20)


@given(logs)
def test_without_widening_it_is_scipys_t_interval(values):
    ratio = ratio_interval(values, shift=0)
    if max(values) - min(values) > 1e-6:
        low, high = stats.t.interval(
            0.95, len(values) - 1, loc=sum(values) / len(values), scale=stats.sem(values)
        )
        assert math.log(ratio.low) == pytest.approx(low)
        assert math.log(ratio.high) == pytest.approx(high)


@given(logs, st.floats(0, 0.1))
def test_widening_adds_in_quadrature(values, shift):
    plain, wide = ratio_interval(values, shift=0), ratio_interval(values, shift=shift)
    half = math.log(plain.high / plain.low) / 2
    assert math.log(wide.high / wide.low) / 2 == pytest.approx(math.hypot(half, 2 * shift))
    assert wide.estimate == pytest.approx(plain.estimate)


@given(logs)
def test_the_inverse_ratio_has_the_inverse_interval(values):
    ratio, inverse = ratio_interval(values), ratio_interval([-value for value in values])
    assert inverse.estimate == pytest.approx(1 / ratio.estimate)
    assert inverse.low == pytest.approx(1 / ratio.high)
    assert inverse.high == pytest.approx(1 / ratio.low)


@given(seconds)
def test_rounds_are_paired(times):
    """A machine that slows both candidates down in the same round changes nothing."""
    tripled = [3 * time for time in times]
    assert process_log_ratio(tripled, times) == pytest.approx(math.log(3))


def test_one_spoilt_round_hardly_counts():
    assert process_log_ratio([2, 2, 2, 2, 900], [1, 1, 1, 1, 1]) == pytest.approx(math.log(2))
    assert median([2, 2, 2, 2, 900]) == 2


def test_one_process_says_nothing_about_the_spread():
    assert ratio_interval([0.0]) == Interval(1.0, 0.0, math.inf, 1)


def test_no_process_is_an_error():
    with pytest.raises(ValueError, match="at least one process"):
        ratio_interval([])
