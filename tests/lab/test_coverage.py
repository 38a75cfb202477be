import pytest

from unlocked.lab.coverage import METHODS, REGIMES, coverage, coverages
from unlocked.lab.intervals import SESSION_SHIFT


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize(("processes", "rounds"), [(5, 10), (8, 20)])
def test_the_books_interval_covers_what_it_says(regime, processes, rounds):
    covered = coverage(regime, "t on process medians", processes, rounds, simulations=4000)
    assert 0.93 <= covered.share <= 0.97


@pytest.mark.parametrize("regime", REGIMES)
def test_widened_it_covers_a_shift_of_the_whole_session_too(regime):
    covered = coverage(
        regime, "t on process medians", session_shift=SESSION_SHIFT, widening=SESSION_SHIFT
    )
    assert covered.share >= 0.93


def test_without_widening_a_shift_of_the_session_is_missed():
    covered = coverage("independent noise", "t on process medians", session_shift=SESSION_SHIFT)
    assert covered.share < 0.80


def test_pooling_the_rounds_of_all_processes_does_not_cover():
    """The regimes can tell a bad method from a good one."""
    pooled = "bootstrap of pooled rounds"
    assert coverage("process shifts", pooled, simulations=1000).share < 0.85
    more_rounds = coverage("process shifts", pooled, rounds=40, simulations=1000)
    assert more_rounds.share < coverage("process shifts", pooled, simulations=1000).share


def test_measured_residuals_are_resampled_around_no_difference():
    residuals = [[0.01, -0.02, 0.03, 0.0, -0.01], [0.11, 0.08, 0.1, 0.12, 0.09]] * 4
    covered = coverage("this machine", "t on process medians", residuals=residuals)
    assert 0.9 <= covered.share <= 0.99


def test_every_method_meets_every_regime():
    found = coverages(simulations=40, residuals=[[0.1, -0.1, 0.2], [0.0, 0.1, -0.1]])
    assert len(found) == len(METHODS) * (len(REGIMES) + 1) - 1


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="method 'guess' is not one of t on process medians"):
        coverage("drift", "guess")
    with pytest.raises(ValueError, match="regime 'rain' is not one of independent noise"):
        coverage("rain", "unpaired medians")
