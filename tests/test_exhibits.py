import pytest

from unlocked import exhibits
from unlocked.figures import Step
from unlocked.lab.intervals import Interval
from unlocked.lab.timing import TWIN, Comparison
from unlocked.study.claims import load_claims


def comparison(seconds, threads=1, control=(), short_rounds=0):
    """A comparison whose candidates take these seconds, steadily, in five processes."""
    samples = {name: [[value] * 10] * 5 for name, value in seconds.items()}
    samples[TWIN] = next(iter(samples.values()))
    return Comparison(
        baseline=next(iter(seconds)),
        names=list(seconds),
        threads=threads,
        cores=2,
        seconds=samples,
        cpu_seconds=samples,
        own_cpu_seconds=samples,
        waited=samples,
        steal=samples,
        first_call={},
        calls={},
        control=[list(control)] * 5,
        short_rounds=short_rounds,
        repeated_rounds=0,
    )


LADDER = dict.fromkeys(
    ("numpy scalars", "math", "noise first", "hoisted", "preallocated", "Numba"), 1.0
)


def test_the_ladder_names_the_largest_step_and_the_whole_way():
    exhibit = exhibits.rewriting(comparison(LADDER | {"Numba": 0.1}), load_claims())
    title = exhibit.figure.get_suptitle()
    assert "10× in all" in title
    assert "Numba" in title
    assert list(exhibit.data["step"])[-1] == "all five"
    assert exhibit.data["factor"].iloc[-1] == pytest.approx(10)
    assert "Numba 10" in exhibit.alt


def test_no_step_is_called_the_largest_within_the_noise():
    exhibit = exhibits.rewriting(comparison(LADDER), load_claims())
    assert "largest" not in exhibit.figure.get_suptitle()
    steps = [
        Step("a", Interval(2.0, 1.8, 2.2, 5), "math"),
        Step("b", Interval(2.1, 1.9, 2.3, 5), "math"),
    ]
    assert exhibits.largest_step(steps) is None


def test_twins_speak_of_as_many_threads_as_cores_and_show_a_loss():
    seconds = {"releases 1": 1.0, "releases 2": 0.5, "holds 1": 1.0, "holds 2": 1.25}
    exhibit = exhibits.twins(comparison(seconds, threads=2, control=[1.9] * 10))
    title = exhibit.figure.get_suptitle()
    assert "2.0×" in title
    assert "0.80×" in title
    assert exhibit.cause is None


def test_a_spoilt_run_carries_its_cause():
    seconds = {"one thread": 1.0, "threads": 0.5}
    quiet = comparison(seconds, threads=2, control=[1.0] * 10, short_rounds=50)
    exhibit = exhibits.neighbour(quiet, quiet)
    assert "cores were not free" in exhibit.cause
