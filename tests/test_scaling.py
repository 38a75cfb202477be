"""The models of speed-up give back what they were given, and say what cannot be known."""

from math import inf, isinf, log
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked import scaling
from unlocked.scaling import amdahl, ceiling, fit_amdahl, fit_ceiling

COUNTS = [1, 2, 4, 8]


@given(st.floats(0, 1), st.integers(2, 16))
def test_amdahl_is_found_again(serial, cores):
    speedups = [[amdahl(serial, n, cores) for n in COUNTS]] * 3
    fit = fit_amdahl(COUNTS, speedups, cores)
    assert fit.estimate == pytest.approx(serial, abs=1e-12)
    assert fit.low < serial + 1e-12
    assert fit.high > serial - 1e-12


@given(st.floats(1, 8), st.integers(8, 16))
def test_a_ceiling_is_found_again(limit, cores):
    speedups = [[ceiling(limit, n, cores) for n in COUNTS]] * 3
    fit = fit_ceiling(COUNTS, speedups, cores)
    for n in COUNTS:
        assert ceiling(fit.estimate, n, cores) == pytest.approx(ceiling(limit, n, cores))


@given(st.floats(0.5, 2.5))
def test_on_two_cores_both_models_fit_the_one_point(speedup):
    serial = fit_amdahl([1, 2], [[1.0, speedup]], cores=2)
    limit = fit_ceiling([1, 2], [[1.0, speedup]], cores=2)
    assert amdahl(serial.estimate, 2, 2) == pytest.approx(speedup)
    assert limit.estimate == pytest.approx(min(speedup, 2.0))
    assert not serial.is_tested
    assert not limit.is_tested


def test_threads_beyond_the_cores_add_no_point():
    fit = fit_amdahl([1, 2, 4], [[1.0, 1.8, 1.8]] * 3, cores=2)
    assert fit.points == 1
    assert fit_amdahl([1, 2, 4], [[1.0, 1.8, 3.0]] * 3, cores=4).points == 2


def test_a_gain_above_the_cores_is_a_share_below_zero():
    assert fit_amdahl([1, 2], [[1.0, 2.2]] * 2, cores=2).estimate < 0


def test_one_process_has_no_interval():
    fit = fit_amdahl([1, 2], [[1.0, 1.7]], cores=2)
    assert (isinf(fit.low), isinf(fit.high)) == (True, True)
    limit = fit_ceiling([1, 2], [[1.0, 1.7]], cores=2)
    assert (limit.low, limit.high) == (0.0, inf)


def test_processes_that_differ_widen_the_interval():
    alike = fit_amdahl([1, 2], [[1.0, 1.7]] * 5, cores=2)
    spread = fit_amdahl([1, 2], [[1.0, s] for s in (1.5, 1.6, 1.7, 1.8, 1.9)], cores=2)
    assert 0 < alike.high - alike.low < spread.high - spread.low


@pytest.mark.parametrize("fit", [fit_amdahl, fit_ceiling])
@pytest.mark.parametrize(
    ("threads", "speedups", "cores", "message"),
    [
        ([1], [[1.0]], 2, "no speed-up to fit"),
        ([1, 2], [[1.0, 1.0]], 1, "on 1 core"),
        ([1, 2], [], 2, "each process must give 2 speed-ups"),
        ([1, 2], [[1.0]], 2, "each process must give 2 speed-ups"),
    ],
)
def test_what_cannot_be_fitted_is_refused(fit, threads, speedups, cores, message):
    with pytest.raises(ValueError, match=message):
        fit(threads, speedups, cores)


def measured(**ratios):
    """A comparison with these log ratios over anything, one number a process."""
    return SimpleNamespace(log_ratios=lambda name, over: ratios[name])


def test_speedups_are_listed_by_process():
    comparison = measured(one=[0.0, 0.0], two=[log(2), log(1.5)])
    found = scaling.speedups_by_process(comparison, {1: "one", 2: "two"}, over="one")
    assert found == [pytest.approx([1, 2]), pytest.approx([1, 1.5])]


def test_gains_are_compared_within_each_process():
    noisy = [log(2), log(1.2), log(1.6)]
    comparison = measured(first=[value + log(1.3) for value in noisy], second=noisy)
    ratio = scaling.gain_ratio(comparison, ("first", "one"), ("second", "one"))
    assert ratio.estimate == pytest.approx(1.3)
    assert ratio.low > 1.2
