"""The GIL probe against callables whose answer is known."""

import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import joblib
import psutil
import pytest
import typer
from typer.testing import CliRunner

from unlocked import gil, gil_worker
from unlocked.gil import Reading, Sample, Span, Timeline, Twins
from unlocked.gil_calls import CALLS, Subject
from unlocked.gil_worker import Heard, TargetError

needs_gil = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(), reason="this interpreter has no GIL"
)

MY_CODE = """
import asyncio
import threading
import time

def nap(seconds=0.002):
    time.sleep(seconds)

def add(left, right):
    return left + right

def keywords():
    return {"left": 1, "right": 2}

def positional():
    return [1, 2]

def nothing():
    pass

def fail():
    raise KeyError("my mistake")

def talk():
    print("{not json}")
    time.sleep(0.001)

def in_threads():
    crew = [threading.Thread(target=time.sleep, args=(0.002,)) for _ in range(2)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()

async def later():
    pass

def mark():
    open("started", "w").close()
    time.sleep(60)

number = 3
"""


@pytest.fixture
def my_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with somebody's code, made the current one."""
    (tmp_path / "mine.py").write_text(MY_CODE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "needy.py").write_text("import not_installed_anywhere\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    """One reading of every twin."""
    worker = "unlocked.gil_worker:"
    subjects = [
        Subject("holding", worker + "holding", group="twins"),
        Subject("releasing", worker + "releasing", group="twins"),
        Subject("half", worker + "partly_holding", {"seconds": 0.01}, group="twins"),
        Subject("python", worker + "python", group="twins"),
        Subject("sleep", "time:sleep", [0.002], group="twins"),
    ]
    probed = gil.probe_all(subjects, processes=3, seconds=0.06)
    return {reading.label: reading for reading in probed}


@needs_gil
def test_what_holds_reads_one_and_what_releases_reads_zero(readings: dict[str, Reading]) -> None:
    assert readings["holding"].held > 0.9
    assert readings["releasing"].held < 0.2
    assert readings["sleep"].held < 0.2


@needs_gil
def test_what_holds_for_half_of_its_time_reads_in_between(readings: dict[str, Reading]) -> None:
    assert readings["releasing"].held < readings["half"].held < readings["holding"].held
    if all(sample.quiet for sample in readings["half"].samples):
        assert 0.3 < readings["half"].held < 0.7


@needs_gil
def test_pure_python_holds_but_yields_on_request(readings: dict[str, Reading]) -> None:
    python, holding = readings["python"], readings["holding"]
    assert python.held > 0.9
    assert python.held_on_request < holding.held_on_request
    assert 2 * python.wait_on_request < holding.wait_on_request
    if all(sample.quiet for sample in python.samples):
        assert python.held_on_request < 0.3
        assert holding.held_on_request > 0.7


@needs_gil
def test_raw_readings_and_calibration_are_kept(readings: dict[str, Reading]) -> None:
    for reading in readings.values():
        assert reading.processes == 3
        assert reading.low <= reading.held <= reading.high
        for sample in reading.samples:
            assert sample.twins.holding > 0.5 > sample.twins.releasing
            assert sample.twins.python_wait > 0
        assert Reading.model_validate_json(reading.model_dump_json()) == reading


def test_fewer_than_five_processes_judge_nothing(readings: dict[str, Reading]) -> None:
    assert all(reading.cause for reading in readings.values())


def sample(
    held: float = 0.5, on_request: float = 0.5, quiet: bool = True, **twins: float
) -> Sample:
    known = {
        "holding": 0.9,
        "releasing": 0.1,
        "holding_on_request": 0.9,
        "python_on_request": 0.1,
        "python_wait": 1e-4,
    }
    return Sample(
        held=held,
        held_on_request=on_request,
        wait_on_request=1e-3,
        seconds_per_call=1e-3,
        quiet=quiet,
        twins=Twins(**{**known, **twins}),
    )


@pytest.mark.parametrize(
    ("raw", "calibrated"), [(0.9, 1.0), (0.1, 0.0), (0.5, 0.5), (0.05, 0.0), (0.95, 1.0)]
)
def test_calibration_maps_the_twins_to_zero_and_one(raw: float, calibrated: float) -> None:
    assert sample(held=raw).calibrated == pytest.approx(calibrated)
    assert sample(on_request=raw).calibrated_on_request == pytest.approx(calibrated)


def reading(samples: list[Sample], has_gil: bool = True) -> Reading:
    return gil._reading(Subject("mine", "mine:f"), samples, has_gil)


def test_reading_is_the_median_over_processes_with_their_range() -> None:
    made = reading([sample(held) for held in (0.3, 0.5, 0.4, 0.9, 0.1)])
    assert (made.held, made.low, made.high) == pytest.approx((0.375, 0.0, 1.0))
    assert made.cause is None


@pytest.mark.parametrize(
    ("samples", "has_gil", "cause"),
    [
        ([sample()] * 4, True, "too few samples: 4 processes, 5 are needed"),
        ([sample()] * 3 + [sample(quiet=False)] * 2, True, "not free in 2 of 5 processes"),
        ([sample(holding=0.6)] * 5, True, "cores were not free: the twins"),
        ([sample(holding=0.0, releasing=0.0)] * 5, False, "runs without the GIL"),
    ],
)
def test_cause_says_why_nothing_can_be_judged(
    samples: list[Sample], has_gil: bool, cause: str
) -> None:
    made = reading(samples, has_gil)
    assert made.cause is not None
    assert cause in made.cause
    assert cause in made.meaning


@pytest.mark.parametrize(
    ("held", "on_request", "yields", "meaning"),
    [
        (0.1, 0.1, None, "It releases the GIL"),
        (0.9, 0.1, True, "holds the GIL but yields when asked"),
        (0.9, 0.9, False, "holds the GIL and does not yield"),
        (0.5, 0.5, False, "for a part of its time, and keeps it though asked"),
        (0.5, 0.1, True, "for a part of its time, and yields it when asked"),
    ],
)
def test_meaning_follows_the_reading(
    held: float, on_request: float, yields: bool | None, meaning: str
) -> None:
    made = reading([sample(held, on_request)] * 5)
    assert made.yields_on_request is yields
    assert meaning in made.meaning


def test_waits_are_counted_within_the_turn_and_late_timers_are_not_waits() -> None:
    heard = Heard(
        start=10.0,
        end=20.0,
        due=[9.0, 12.0, 15.0, 18.0, 25.0],
        asked=[9.0, 14.0, 15.0, 18.0, 25.0],
        got=[11.0, 14.0, 15.5, 22.0, 26.0],
        queued=0.0,
    )
    assert heard.waits == pytest.approx([1.0, 0.5, 2.0])
    assert heard.deaf == pytest.approx(2.0)
    assert heard.disturbed


def test_a_callable_that_stood_in_line_for_a_core_was_disturbed() -> None:
    assert Heard(start=0.0, end=1.0, due=[], asked=[], got=[], queued=0.2).disturbed
    assert not Heard(start=0.0, end=1.0, due=[], asked=[], got=[], queued=0.01).disturbed


def test_timeline_counts_the_time_in_which_two_work() -> None:
    spans = [(0, 0.0, 2.0), (1, 1.0, 3.0), (0, 2.0, 4.0)]
    made = Timeline(
        twin="releasing",
        threads=2,
        piece_seconds=2,
        spans=[Span(thread=thread, start=start, end=end) for thread, start, end in spans],
    )
    assert made.overlap == pytest.approx(0.5)


@needs_gil
def test_threads_that_hold_take_turns() -> None:
    made = gil.timeline("holding", threads=2)
    assert {span.thread for span in made.spans} == {0, 1}
    ordered = sorted(made.spans, key=lambda span: span.start)
    assert ordered[0].start == 0
    assert all(before.end <= after.start for before, after in pairwise(ordered))
    assert made.overlap == 0


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="one core: nothing runs side by side")
def test_threads_that_release_work_side_by_side() -> None:
    overlaps = (gil.timeline("releasing", threads=2).overlap for _ in range(10))
    assert any(overlap > 0.2 for overlap in overlaps)


def test_timeline_refuses_an_unknown_twin() -> None:
    with pytest.raises(ValueError, match="'hold' is not one of holding, releasing, python"):
        gil.timeline("hold")


@needs_gil
def test_trace_shows_the_heartbeat_waiting_beside_what_holds() -> None:
    made = gil.trace("unlocked.gil_worker:holding", {"seconds": 0.05}, calls=4)
    assert len(made.calls) == 4
    assert all(before[1] <= after[0] for before, after in pairwise(made.calls))
    assert all(beat.asked <= beat.got for beat in made.beats)
    assert max(beat.got - beat.asked for beat in made.beats) > 0.02


def test_probe_takes_inputs_as_keywords_and_as_positions(my_code: Path) -> None:
    for inputs in ("mine:keywords", "mine:positional"):
        made = gil.probe("mine:add", inputs=inputs, processes=1, seconds=0.02)
        assert made.seconds_per_call > 0


def test_probe_watches_a_callable_with_threads_of_its_own(my_code: Path) -> None:
    assert gil.probe("mine:in_threads", processes=1, seconds=0.05).held < 0.5


def test_what_the_callable_prints_stays_out_of_the_way(my_code: Path) -> None:
    assert gil.probe("mine:talk", processes=1, seconds=0.02).seconds_per_call >= 0.001


def test_subjects_of_a_group_share_a_process_and_keep_their_places(my_code: Path) -> None:
    places = gil._groups(
        [
            Subject("a", "m:a", group="x"),
            Subject("b", "m:b"),
            Subject("c", "m:c", group="x"),
            Subject("d", "m:d"),
        ]
    )
    assert places == [[0, 2], [1], [3]]


@pytest.mark.parametrize(("processes", "seconds"), [(0, 0.1), (1, 0.0), (1, float("nan"))])
def test_probe_refuses_no_processes_and_no_time(processes: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="at least one process and some time"):
        gil.probe("time:sleep", [0], processes=processes, seconds=seconds)


def test_a_callable_that_kills_its_process_is_named(my_code: Path) -> None:
    with pytest.raises(gil.ProbeError, match="the measuring process died"):
        gil.probe("os:_exit", [7], processes=1)


def test_every_call_of_the_catalogue_can_be_made() -> None:
    for subject in CALLS:
        gil_worker.prepare(**gil._call_of(subject))
    assert len({subject.label for subject in CALLS}) == len(CALLS)
    assert {subject.group for subject in CALLS if subject.numpy_claim} == {"NumPy"}


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "unlocked.gil", *arguments], capture_output=True, text=True
    )


def test_the_command_reads_code_of_the_current_folder(my_code: Path) -> None:
    done = command(
        "mine:nap", "--args", '{"seconds": 0.001}', "--processes", "1", "--seconds", "0.05"
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "mine:nap"
    names = [
        "GIL held",
        "range",
        "held though asked",
        "wait when asked",
        "one call",
        "twins, as read",
    ]
    assert [line.split("  ")[1].strip() for line in lines[1:7]] == names
    assert "too few samples" in lines[7] or "cores were not free" in lines[7]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mine.nap"], "'mine.nap' does not name a function: write module:function"),
        (["nowhere:nap"], "there is no module 'nowhere'"),
        (["mine.sub:nap"], "there is no module 'mine.sub'"),
        (["needy:f"], "importing needy raised ModuleNotFoundError: No module named"),
        (["broken:f"], "importing broken raised ZeroDivisionError: division by zero"),
        (["mine:nab"], "mine has no 'nab'; there is 'nap'"),
        (["mine:number"], "'mine:number' is not callable: it is of type int"),
        (["mine:later"], "'mine:later' is a coroutine function"),
        (["mine:fail"], "'mine:fail' raised KeyError: 'my mistake'"),
        (["mine:add"], "'mine:add' needs arguments: left, right; pass them with --args"),
        (["mine:add", "--args", "[1]"], "'mine:add' needs arguments: right;"),
        (["mine:add", "--args", '{"left": 1, "middle": 2}'], "needs arguments: right;"),
        (["mine:nap", "--args", '{"hours": 1}'], "got an unexpected keyword argument 'hours'"),
        (["mine:nap", "--args", "{seconds: 1}"], "is not JSON"),
        (["mine:nap", "--args", "3"], "is neither an object {…} nor an array […]"),
        (
            ["mine:add", "--inputs", "mine:nothing"],
            "'mine:nothing' returned NoneType: return a dict",
        ),
        (["mine:add", "--inputs", "mine:fail"], "'mine:fail' raised KeyError"),
    ],
)
def test_the_command_says_what_is_wrong(my_code: Path, arguments: list[str], says: str) -> None:
    app = typer.Typer()
    app.command()(gil.main)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_the_command_exits_with_two_and_one_line(my_code: Path) -> None:
    done = command("mine:nab")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: 'mine:nab': mine has no 'nab'; there is 'nap'\n"


def test_an_error_of_the_probed_target_is_a_target_error(my_code: Path) -> None:
    with pytest.raises(TargetError, match="my mistake"):
        gil.probe("mine:fail", processes=1)


def test_the_measuring_process_ends_with_its_parent(my_code: Path) -> None:
    program = "from unlocked import gil; gil.probe('mine:mark')"
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        deadline = time.monotonic() + 60
        while not (my_code / "started").exists():
            assert time.monotonic() < deadline, "the measuring process did not start"
            time.sleep(0.05)
        children = psutil.Process(parent.pid).children()
        parent.kill()
        assert len(children) == 1
        assert psutil.wait_procs(children, timeout=3)[1] == []
