import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from unlocked.lab import timing
from unlocked.lab.timing import (
    TWIN,
    Comparison,
    MeasurementError,
    call,
    candidate,
    compare,
    time_here,
)

HERE = Path(__file__).parent
INPUTS = call("subjects:inputs", n=1000)
REFERENCE = "subjects:fast"


@pytest.fixture(autouse=True)
def _subjects_are_importable(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE))


def quick(candidates, **changes):
    settings = {
        "inputs": INPUTS,
        "reference": REFERENCE,
        "baseline": next(iter(candidates)),
        "rounds": 3,
        "processes": 2,
    }
    return compare(candidates, **(settings | changes))


@pytest.mark.parametrize("isolate", [False, True])
def test_a_slower_candidate_is_found_slower(isolate):
    pair = {"slow": candidate("subjects:slow"), "fast": candidate("subjects:fast")}
    result = quick(pair, isolate=isolate)
    assert result.speedup("fast").low > 1
    assert result.speedup("slow", over="fast").high < 1
    assert result.median("slow") >= 0.01
    assert result.minimum("fast") <= result.median("fast")
    assert result.calls["slow"] == [1, 1]
    assert all(calls > 100 for calls in result.calls["fast"])


def test_samples_have_a_place_for_every_process_round_and_candidate():
    result = quick({"fast": candidate("subjects:fast")}, threads=2)
    for field in ("seconds", "cpu_seconds", "own_cpu_seconds", "waited", "steal"):
        samples = getattr(result, field)
        assert set(samples) == {"fast", TWIN}
        assert [len(rounds) for rounds in samples["fast"]] == [3, 3]
    assert [len(rounds) for rounds in result.control] == [3, 3]
    assert len(result.first_call["fast"]) == 2
    assert Comparison.model_validate_json(result.model_dump_json()) == result


def test_a_candidate_is_the_same_as_itself():
    result = quick({"slow": candidate("subjects:slow")}, processes=5)
    assert result.floor().low < 1.02
    assert result.floor().high > 0.98


@pytest.mark.parametrize(
    ("function", "check", "problem"),
    [
        ("wrong", "exact", "1 of 1 values differ"),
        ("nearly", "exact", "answer is float64"),
        ("zero", "subjects:positive", "0 is not positive"),
        ("absent", "exact", "no attribute 'absent'"),
    ],
)
def test_a_wrong_answer_is_an_error_not_a_row(function, check, problem):
    with pytest.raises(MeasurementError, match=problem):
        quick({"fast": candidate(f"subjects:{function}", check=check)})


def test_closeness_is_what_the_candidate_declares():
    settings = {"reference": "subjects:exactly", "processes": 1, "rounds": 1}
    quick({"near": candidate("subjects:nearly", check="close 1e-8")}, **settings)
    with pytest.raises(MeasurementError, match="near"):
        quick({"near": candidate("subjects:nearly", check="close 1e-10")}, **settings)


def test_what_candidates_print_does_not_disturb_the_protocol():
    quick({"talkative": candidate("subjects:talkative")}, processes=1, rounds=1)


def test_whole_numbers_beyond_64_bits_are_compared_by_value():
    big = {"big": candidate("subjects:big")}
    quick(big, reference="subjects:big", processes=1, rounds=1)
    with pytest.raises(MeasurementError, match="1 of 1 values differ"):
        quick(big, reference="subjects:bigger", processes=1, rounds=1)


def test_the_cpu_time_of_a_loop_is_the_loops_alone():
    """What the meter itself takes before and after the batch does not count."""
    result = quick({"loop": candidate("subjects:burn_one")}, reference="subjects:zero", rounds=5)
    assert result.cpu_per_second("loop") <= 1.005


def test_a_dead_worker_is_an_error_that_says_so():
    with pytest.raises(MeasurementError, match=r"died \(exit -9\)"):
        quick({"suicidal": candidate("subjects:suicidal")})


def test_failing_inputs_are_named():
    with pytest.raises(MeasurementError, match="no inputs today"):
        quick({"fast": candidate("subjects:fast")}, inputs=call("subjects:inputs", n=1, fail=True))


@pytest.mark.parametrize("changes", [{"baseline": "other"}, {"rounds": 0}, {"processes": -1}])
def test_a_senseless_request_is_refused_before_any_process_starts(changes, monkeypatch):
    monkeypatch.setattr(timing.subprocess, "Popen", None)
    with pytest.raises(ValueError, match=r"not one of|at least 1"):
        quick({"fast": candidate("subjects:fast")}, **changes)


def test_the_processors_of_a_pool_are_counted():
    """`process_time` alone would say that a process pool waits."""
    result = quick(
        {"pool": candidate("subjects:in_a_pool")},
        reference="subjects:zero",
        processes=1,
        rounds=4,
    )
    assert result.cpu_per_second("pool") > 0.5
    assert result.cpu_per_second("pool", own=True) < 0.5


def made(control, short_rounds, processes=5):
    samples = {name: [[1.0] * 10] * processes for name in ("one", TWIN)}
    return Comparison(
        baseline="one",
        names=["one"],
        threads=2,
        cores=2,
        seconds=samples,
        cpu_seconds=samples,
        own_cpu_seconds=samples,
        waited=samples,
        steal=samples,
        first_call={},
        calls={},
        control=control,
        short_rounds=short_rounds,
        repeated_rounds=0,
    )


def test_a_comparison_names_why_it_can_judge_nothing():
    free = [[1.95] * 10] * 5
    assert made(free, 0).cause is None
    assert made(free, 5).cause is None
    assert made(free, 6).cause == "cores were not free in 6 of 50 rounds"
    assert made(free, 0, processes=4).cause.startswith("too few samples: processes 4 of 5")


def scripted_control(monkeypatch, speedups):
    """Have the control read these speed-ups one after another; everything else takes a second."""
    readings = iter(speedups)

    def ask(self, **command):
        if command["do"] == "control":
            return {"speedup": next(readings)}
        return {"first_call": 1.0, "calls": 1} | dict.fromkeys(
            ("seconds", "cpu", "own_cpu", "waited", "steal"), 1.0
        )

    monkeypatch.setattr(timing._Worker, "ask", ask)
    monkeypatch.setattr(timing._Worker, "_exchange", lambda self, message: {})
    monkeypatch.setattr(timing.joblib, "cpu_count", lambda: 2)
    monkeypatch.setattr(timing.time, "sleep", lambda seconds: None)
    return readings


def test_a_round_is_repeated_three_times_at_most_while_the_control_falls_short(monkeypatch):
    dropped, mended, short, free = [1.9], [1.0, 1.9], [1.0] * 4, [1.9] * 8
    readings = scripted_control(monkeypatch, dropped + mended + short + free)
    result = quick({"fast": candidate("subjects:fast")}, threads=2, rounds=10, processes=1)
    assert next(readings, None) is None
    assert result.control == [[1.9, 1.0] + [1.9] * 8]
    assert result.short_rounds == 1
    assert result.repeated_rounds == 4


def test_no_round_is_repeated_once_too_many_fell_short(monkeypatch):
    readings = scripted_control(monkeypatch, [1.9] + [1.0] * 4 * 2 + [1.0] * 8)
    result = quick({"fast": candidate("subjects:fast")}, threads=2, rounds=10, processes=1)
    assert next(readings, None) is None
    assert result.short_rounds == 10


def test_nothing_outlives_a_killed_measurement(tmp_path):
    """Neither the worker nor the process pool that its candidate started."""
    script = tmp_path / "run.py"
    script.write_text(
        "from unlocked.lab.timing import *\n"
        "compare({'a': candidate('subjects:forever')}, call('subjects:inputs', n=1), None, 'a')\n"
    )
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True) as parent:
        for _ in range(2):
            while "asleep" not in parent.stderr.readline():
                pass
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) >= 3
        os.kill(parent.pid, signal.SIGKILL)
    deadline = time.monotonic() + 3
    while any(map(alive, family)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [member for member in family if alive(member)]


def alive(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_time_here_gives_one_duration_a_call():
    calls = []
    assert len(time_here(lambda: calls.append(1), repeats=4)) == len(calls) == 4


def test_a_candidate_may_have_inputs_of_its_own_and_is_checked_on_them():
    larger = candidate("subjects:fast", inputs=call("subjects:inputs", n=100_000))
    result = quick({"small": candidate("subjects:fast"), "large": larger})
    assert result.speedup("small", over="large").low > 1
