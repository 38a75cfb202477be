"""The measuring process of ``unlocked.gil``: runs callables and lets a heartbeat wait beside them.

``python -m unlocked.gil_worker`` reads one JSON request from standard input and answers with one
JSON line. It imports what the request names and nothing else, and it ends with its parent.
"""

import difflib
import importlib
import inspect
import json
import operator
import random
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

from unlocked.extensions import load
from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.worker import private_stdout

beat = load("unlocked._heartbeat").beat
spin = load("unlocked.lab._control").spin
spin_holding = load("unlocked.lab._control").spin_holding

MEAN_SLEEP = 20e-6
FOUND_FREE = 2e-6
"""Seconds that taking a free GIL stays well below."""

OVERSLEPT = 300e-6
"""Seconds by which the heartbeat sleeps too long only where it does not get a core."""

DISTURBED_SHARE = 0.05
"""Share of a turn spent waiting for a core above which the turn counts as disturbed."""

NEVER_ASKED = 1.0
"""Switch interval, in seconds, at which nobody is asked to give the GIL up in one measurement."""

ASKED_SOON = 50e-6
"""Switch interval, in seconds, at which a waiting thread asks almost at once."""

PATIENCE = 2.0
"""A wait counts as refused above this multiple of the median wait beside pure Python."""

ROUNDS = 3
REPEATS = 3
TWIN_SECONDS = 0.03
PIECE_SECONDS = 0.002

TWINS = HOLDING, RELEASING, PYTHON = "holding", "releasing", "python"


class TargetError(ValueError):
    """What was named cannot be called; the message says what to change."""


def find(target: str) -> Callable[..., Any]:
    """Import ``module:function``.

    Raises
    ------
    TargetError
        Where it is malformed, does not exist, cannot be imported or is not callable.
    """
    if not re.fullmatch(r"\w+(\.\w+)*:\w+(\.\w+)*", target):
        raise TargetError(f"{target!r} does not name a function: write module:function")
    module, _, path = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}."):
            raise TargetError(
                f"there is no module {error.name!r}, neither installed nor in the current folder"
            ) from None
        raise TargetError(f"importing {module} raised {_say(error)}") from error
    for name in path.split("."):
        if not hasattr(found, name):
            near = difflib.get_close_matches(name, dir(found), 1)
            hint = f"; there is {near[0]!r}" if near else ""
            raise TargetError(f"{target!r}: {module} has no {path!r}{hint}")
        found = getattr(found, name)
    if not callable(found):
        raise TargetError(f"{target!r} is not callable: it is of type {type(found).__name__}")
    if inspect.iscoroutinefunction(found):
        raise TargetError(f"{target!r} is a coroutine function: name a function that runs it")
    return found


def prepare(
    target: str, arguments: Any, inputs: str | None, input_arguments: dict[str, Any]
) -> Callable[[], Any]:
    """Import a function, build what it is called with, and call it once.

    Raises
    ------
    TargetError
        Where one of the two functions cannot be found, does not take what it is given, or raises.
    """
    function = find(target)
    built = _first_call(inputs, partial(find(inputs), **input_arguments)) if inputs else {}
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for given in (built, arguments):
        if isinstance(given, dict):
            keywords.update(given)
        elif isinstance(given, list | tuple):
            positional.extend(given)
        else:
            raise TargetError(
                f"{inputs!r} returned {type(given).__name__}: return a dict of keyword arguments "
                "or a list of positional ones"
            )
    call = partial(function, *positional, **keywords)
    _refuse_wrong_arguments(target, call)
    _first_call(target, call)
    return call


def _refuse_wrong_arguments(target: str, call: "partial[Any]") -> None:
    try:
        signature = inspect.signature(call.func)
    except (TypeError, ValueError):  # many builtins have none
        return
    try:
        signature.bind(*call.args, **call.keywords)
    except TypeError as error:
        given = signature.bind_partial().arguments.keys() | call.keywords.keys()
        needed = [
            name
            for position, (name, parameter) in enumerate(signature.parameters.items())
            if parameter.default is parameter.empty
            and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            and name not in given
            and position >= len(call.args)
        ]
        if needed:
            raise TargetError(
                f"{target!r} needs arguments: {', '.join(needed)}; pass them with --args "
                "or build them with --inputs"
            ) from None
        raise TargetError(f"{target!r}{signature}: {error}") from None


def _first_call(name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        raise TargetError(f"{name!r} raised {_say(error)}") from error


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")


@dataclass(frozen=True)
class Heard:
    """What the heartbeat noted during one turn: seconds of the monotonic clock, one a beat."""

    start: float
    end: float
    due: list[float]
    asked: list[float]
    got: list[float]
    queued: float
    """Seconds that the callable's thread stood in a run queue."""

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def waits(self) -> list[float]:
        """Seconds within the turn of every wait for a GIL that was found taken."""
        return self._within(self.asked, self.got, FOUND_FREE)

    @property
    def deaf(self) -> float:
        """Seconds in which the heartbeat was due but had no core: they say nothing either way."""
        return sum(self._within(self.due, self.asked, OVERSLEPT))

    @property
    def disturbed(self) -> bool:
        """Whether one of the two threads lacked a core for too much of the time."""
        return max(self.deaf, self.queued) > DISTURBED_SHARE * self.seconds

    def _within(self, begins: list[float], ends: list[float], least: float) -> list[float]:
        return [
            min(end, self.end) - max(begin, self.start)
            for begin, end in zip(begins, ends, strict=True)
            if end - begin > least and begin < self.end and end > self.start
        ]


clock = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
"""The heartbeat's clock."""


def listen(work: Callable[[], object], switch_interval: float) -> Heard:
    """Run `work` in this thread with a heartbeat beside it."""
    beats: list[float] = []
    stop = threading.Event()
    heart = threading.Thread(target=beat, args=(beats, stop, MEAN_SLEEP))
    usual = sys.getswitchinterval()
    sys.setswitchinterval(switch_interval)
    try:
        heart.start()
        while not beats:
            time.sleep(MEAN_SLEEP)
        queued = _queued()
        start = clock()
        work()
        end = clock()
        queued = _queued() - queued
    finally:
        stop.set()
        heart.join()
        sys.setswitchinterval(usual)
    return Heard(start, end, beats[::3], beats[1::3], beats[2::3], queued)


def _queued() -> float:
    """Seconds that this thread has stood in a run queue so far; 0 where the system hides it."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def repeated(call: Callable[[], object], calls: int) -> Callable[[], None]:
    def work() -> None:
        for _ in repeat(None, calls):
            call()

    return work


def seconds_per_call(call: Callable[[], object], enough: float = 0.01) -> float:
    """Seconds of one call, from a batch that lasts at least `enough` seconds."""
    calls = 1
    while True:
        start = clock()
        repeated(call, calls)()
        elapsed = clock() - start
        if elapsed >= enough:
            return elapsed / calls
        calls *= max(2, min(100, int(enough / max(elapsed, 1e-9))))


class Watched:
    """A callable, how often it is called in a turn, and what was heard beside it."""

    def __init__(self, call: Callable[[], object], seconds: float) -> None:
        each = seconds_per_call(call)
        self.rounds = min(ROUNDS, max(1, round(seconds / each)))
        self.calls = max(1, round(seconds / self.rounds / each))
        self.work = repeated(call, self.calls)
        self.heard: dict[float, list[Heard]] = {NEVER_ASKED: [], ASKED_SOON: []}

    @property
    def quiet(self) -> bool:
        """Whether at least one turn of each kind was undisturbed."""
        return not any(all(turn.disturbed for turn in turns) for turns in self.heard.values())

    def held(self) -> float:
        """Share of the time in which the heartbeat waited, nobody being asked to yield."""
        return _waited(self._best(NEVER_ASKED), 0)

    def refused(self, grace: float) -> float:
        """Share of the time that the heartbeat spent in waits over `grace` seconds, asking."""
        return _waited(self._best(ASKED_SOON), grace)

    def wait(self) -> float:
        """Median seconds until the heartbeat got a GIL that it found taken, asking."""
        waits = [wait for heard in self._best(ASKED_SOON) for wait in heard.waits]
        return median(waits) if waits else 0.0

    def seconds(self) -> float:
        """Seconds of one call."""
        heard = self._best(NEVER_ASKED)
        return sum(one.seconds for one in heard) / (self.calls * len(heard))

    def _best(self, interval: float) -> list[Heard]:
        """The undisturbed turns or, where there is none, all."""
        turns = self.heard[interval]
        return [turn for turn in turns if not turn.disturbed] or turns


def _waited(heard: list[Heard], grace: float) -> float:
    """Share of the time in which it had a core that the heartbeat spent in waits over `grace`."""
    waited = sum(wait for one in heard for wait in one.waits if wait > grace)
    listened = sum(one.seconds - one.deaf for one in heard)
    return waited / max(listened, FOUND_FREE)


def take_turns(watched: list[Watched], order: random.Random) -> None:
    """Let everything run, in random order inside each round, with and without being asked.

    A disturbed turn is repeated, at most `REPEATS` times, and as long as the repeats are no more
    than a quarter of the turns.
    """
    rounds = [
        [(one, interval) for one in watched for interval in one.heard if number < one.rounds]
        for number in range(ROUNDS)
    ]
    spare = sum(map(len, rounds)) // 4
    for turns in rounds:
        order.shuffle(turns)
        for one, interval in turns:
            heard = listen(one.work, interval)
            repeats = min(REPEATS, spare)
            while repeats and heard.disturbed:
                heard = listen(one.work, interval)
                repeats -= 1
                spare -= 1
            one.heard[interval].append(heard)


@cache
def _steps(loop: Callable[[int], object], seconds: float) -> int:
    """Steps for which `loop` runs `seconds`."""
    trial = 100_000
    return max(1, round(trial * seconds / seconds_per_call(partial(loop, trial))))


def holding(seconds: float = PIECE_SECONDS) -> None:
    """Run for `seconds` and hold the GIL throughout."""
    spin_holding(_steps(spin, seconds))


def releasing(seconds: float = PIECE_SECONDS) -> None:
    """Run for `seconds` without the GIL."""
    spin(_steps(spin, seconds))


def partly_holding(seconds: float = PIECE_SECONDS, share: float = 0.5) -> None:
    """Run for `seconds`: hold the GIL for the first `share` of them, then release it."""
    holding(share * seconds)
    releasing((1 - share) * seconds)


def python(seconds: float = PIECE_SECONDS) -> None:
    """Run a loop of pure Python for `seconds`."""
    _count(_steps(_count, seconds))


def _count(steps: int) -> None:
    for _ in range(steps):
        pass


def piece(twin: str, seconds: float) -> Callable[[], object]:
    """A twin as one call that, the Python loop excepted, runs no bytecode."""
    loop = {HOLDING: spin_holding, RELEASING: spin, PYTHON: _count}[twin]
    return partial(loop, _steps(spin if loop is spin_holding else loop, seconds))


def probe(subjects: list[dict[str, Any]], seconds: float, seed: int) -> dict[str, Any]:
    """Watch every subject and the twins, in turns.

    Parameters
    ----------
    subjects : list of dict
        Each with the arguments of :func:`prepare`.
    seconds : float
        How long each runs, once with and once without being asked to yield.
    seed : int
        Of the order of the turns.
    """
    watched = [Watched(prepare(**subject), seconds) for subject in subjects]
    known = {name: Watched(piece(name, PIECE_SECONDS), ROUNDS * TWIN_SECONDS) for name in TWINS}
    take_turns([*watched, *known.values()], random.Random(seed))
    grace = PATIENCE * known[PYTHON].wait()
    twins = {
        "holding": known[HOLDING].held(),
        "releasing": known[RELEASING].held(),
        "holding_on_request": known[HOLDING].refused(grace),
        "python_on_request": known[PYTHON].refused(grace),
        "python_wait": known[PYTHON].wait(),
    }
    return {
        "gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
        "samples": [
            {
                "held": one.held(),
                "held_on_request": one.refused(grace),
                "wait_on_request": one.wait(),
                "seconds_per_call": one.seconds(),
                "quiet": one.quiet and all(twin.quiet for twin in known.values()),
                "twins": twins,
            }
            for one in watched
        ],
    }


def timeline(twin: str, threads: int, seconds: float, piece_seconds: float) -> list[list[float]]:
    """Run a twin again and again on several threads at once.

    Returns
    -------
    list of [thread, start, end]
        One span a piece; seconds since the first began.
    """
    work = piece(twin, piece_seconds)
    together = threading.Barrier(threads)
    spans: list[list[list[float]]] = [[] for _ in range(threads)]

    def run(mine: list[list[float]]) -> None:
        together.wait()
        deadline = clock() + seconds
        while not mine or mine[-1][1] < deadline:
            mine.append(_span(work))

    crew = [threading.Thread(target=run, args=(mine,)) for mine in spans]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    origin = min(mine[0][0] for mine in spans)
    return [
        [thread, start - origin, end - origin]
        for thread, mine in enumerate(spans)
        for start, end in mine
    ]


def _span(work: Callable[[], object]) -> list[float]:
    """Start and end of one call.

    Both clock readings and the call run inside one C loop: between bytecodes the interpreter
    could hand the GIL over, and a wait would look like work.
    """
    steps: tuple[Callable[[], Any], ...] = (clock, work, clock)
    start, _, end = map(operator.call, steps)
    return [start, end]


def trace(subject: dict[str, Any], calls: int) -> dict[str, list[list[float]]]:
    """Call a subject a few times and report every call and every beat.

    Returns
    -------
    dict
        ``calls``: [start, end] of each; ``beats``: [asked, got] of each; seconds since the start.
    """
    call = prepare(**subject)
    spans: list[list[float]] = []
    heard = listen(lambda: spans.extend(_span(call) for _ in range(calls)), NEVER_ASKED)
    beats = zip(heard.asked, heard.got, strict=True)
    return {
        "calls": [[start - heard.start, end - heard.start] for start, end in spans],
        "beats": [
            [asked - heard.start, got - heard.start]
            for asked, got in beats
            if got > heard.start and asked < heard.end
        ],
    }


def main() -> None:
    die_with_parent()
    channel = private_stdout()
    request = json.load(sys.stdin)
    tasks: dict[str, Callable[..., Any]] = {"probe": probe, "timeline": timeline, "trace": trace}
    task = tasks[request.pop("task")]
    try:
        reply = {"reply": task(**request)}
    except TargetError as error:
        reply = {"refused": str(error)}
    print(json.dumps(reply), file=channel, flush=True)


if __name__ == "__main__":
    main()
