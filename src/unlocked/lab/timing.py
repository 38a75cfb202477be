"""Time candidates against each other: fresh processes, turns in random order, answers checked."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from math import log
from statistics import median
from typing import Any, Self

import joblib
from pydantic import BaseModel, ConfigDict, Field

from unlocked.lab import worker
from unlocked.lab.control import cores_were_free
from unlocked.lab.intervals import Interval, process_log_ratio, ratio_interval

TWIN = "the baseline again"
"""Name of the A/A twin: the baseline once more, with inputs and a place in the turns of its own."""

CONTROL = "control"
REPEAT_AFTER = (0.05, 0.2, 0.8)
"""Seconds to wait before each repeat of a round in which the control fell short."""

SHORT_SHARE = 0.1
"""Rounds in which the control fell short, as a share of all, above which nothing is judged."""

LEAST_PROCESSES = 5
LEAVE_SECONDS = 5


class Call(BaseModel):
    """An importable function with literal keyword arguments."""

    model_config = ConfigDict(frozen=True)

    target: str
    arguments: dict[str, Any] = {}


class Candidate(Call):
    """A call to time, and how its answer is checked.

    ``check`` is ``exact``, ``close TOLERANCE`` (relative and absolute) or ``module:function``, a
    check of its own that takes the answer and the inputs and raises AssertionError. ``inputs``
    are its own where those of the comparison do not fit, as in a sweep over sizes.
    """

    check: str = "exact"
    inputs: Call | None = Field(default=None, exclude_if=lambda inputs: inputs is None)


def call(target: str, /, **arguments: Any) -> Call:
    """Name an importable function and its literal arguments."""
    return Call(target=target, arguments=arguments)


def candidate(
    target: str, /, check: str = "exact", inputs: Call | None = None, **arguments: Any
) -> Candidate:
    """Name a candidate, how to check it, and the arguments it takes beside the inputs."""
    return Candidate(target=target, arguments=arguments, check=check, inputs=inputs)


class MeasurementError(RuntimeError):
    """A candidate failed, gave a wrong answer, or its process died."""


class Comparison(BaseModel):
    """Raw samples of one comparison; lists are indexed ``[process][round]``, in seconds a call.

    Attributes
    ----------
    seconds, cpu_seconds, own_cpu_seconds : dict of str to list of list of float
        Wall time, CPU time over the live process tree, and CPU time of the calling process
        alone, of one call.
    waited, steal : dict of str to list of list of float
        Seconds of one batch spent in the run queue, and taken by the hypervisor.
    first_call : dict of str to list of float
        Seconds of the first call in each process: compilation, first touch, pool start.
    calls : dict of str to list of int
        Calls a batch.
    control : list of list of float
        Speed-up of the control in each round; empty for one thread.
    short_rounds, repeated_rounds : int
        Rounds in which the control fell short even after repeating, and rounds that were
        thrown away and repeated because it fell short.
    """

    baseline: str
    names: list[str]
    threads: int
    cores: int
    seconds: dict[str, list[list[float]]]
    cpu_seconds: dict[str, list[list[float]]]
    own_cpu_seconds: dict[str, list[list[float]]]
    waited: dict[str, list[list[float]]]
    steal: dict[str, list[list[float]]]
    first_call: dict[str, list[float]]
    calls: dict[str, list[int]]
    control: list[list[float]]
    short_rounds: int
    repeated_rounds: int

    @property
    def processes(self) -> int:
        return len(self.seconds[self.baseline])

    @property
    def cause(self) -> str | None:
        """Why nothing can be judged from this comparison; None where it can."""
        if self.processes < LEAST_PROCESSES:
            return f"too few samples: processes {self.processes} of {LEAST_PROCESSES} needed"
        rounds = self.processes * len(self.seconds[self.baseline][0])
        if self.short_rounds > SHORT_SHARE * rounds:
            return f"cores were not free in {self.short_rounds} of {rounds} rounds"
        return None

    def log_ratios(self, name: str, over: str | None = None) -> list[float]:
        """log(time of `over` / time of `name`), one number a process."""
        return [
            process_log_ratio(slow, fast)
            for slow, fast in zip(
                self.seconds[over or self.baseline], self.seconds[name], strict=True
            )
        ]

    def speedup(self, name: str, over: str | None = None) -> Interval:
        """Time of `over` (the baseline by default) divided by the time of `name`."""
        return ratio_interval(self.log_ratios(name, over))

    def floor(self) -> Interval:
        """Ratio of the baseline to its twin, this session only: what no difference looks like."""
        return ratio_interval(self.log_ratios(TWIN), shift=0)

    def halves(self, name: str) -> Interval:
        """Time in the first half of the rounds over the second: above 1, warm-up was left in."""
        return ratio_interval(
            [
                log(median(rounds[: len(rounds) // 2 or 1]) / median(rounds[len(rounds) // 2 :]))
                for rounds in self.seconds[name]
            ],
            shift=0,
        )

    def median(self, name: str) -> float:
        """Median over processes of the median over rounds: seconds a call."""
        return median(median(rounds) for rounds in self.seconds[name])

    def minimum(self, name: str) -> float:
        """Fastest batch of all: seconds a call."""
        return min(min(rounds) for rounds in self.seconds[name])

    def cpu_per_second(self, name: str, own: bool = False) -> float:
        """CPU time divided by wall time over all rounds; `own` leaves out child processes."""
        cpu = self.own_cpu_seconds if own else self.cpu_seconds
        return sum(map(sum, cpu[name])) / sum(map(sum, self.seconds[name]))

    def control_speedup(self) -> Interval:
        """Speed-up of the control over one thread, this session only.

        Raises
        ------
        ValueError
            For a comparison on one thread, which has no control.
        """
        return ratio_interval([log(median(rounds)) for rounds in self.control], shift=0)


def compare(
    candidates: dict[str, Candidate],
    inputs: Call,
    reference: str | None,
    baseline: str,
    rounds: int = 10,
    processes: int = 5,
    threads: int = 1,
    isolate: bool = False,
) -> Comparison:
    """Time candidates in turns in several fresh processes, after checking their answers.

    Parameters
    ----------
    candidates : dict of str to Candidate
        What to time, by name. Each is called as ``function(**inputs, **arguments)``. Its answer
        is what it returns or, when that is None, the argument called ``out``.
    inputs : Call
        Builds the keyword arguments; called once for every candidate without inputs of its own,
        so that none is shared.
    reference : str or None
        ``module:function`` whose answer the candidates' answers are checked against, but for those
        with a check of their own. None only for what has no answer, such as waiting.
    baseline : str
        The candidate that ratios are taken over; it runs twice, as an A/A pair.
    rounds, processes : int
        Rounds that count in each process, and fresh processes; see ``unlocked.lab.intervals``.
    threads : int
        Threads (or processes) that the widest candidate uses. Above 1 every round also times the
        control, and is repeated at most three times where the cores were not free, until so many
        rounds fell short that nothing can be judged any more.
    isolate : bool
        Give every candidate a process of its own, for those with thread pools that would
        disturb the others.

    Raises
    ------
    ValueError
        Where `baseline` is not a candidate or a count is not positive.
    MeasurementError
        Where a candidate fails or gives a wrong answer; nothing is timed then.
    """
    if baseline not in candidates:
        raise ValueError(f"baseline {baseline!r} is not one of {', '.join(candidates)}")
    if min(rounds, processes, threads) < 1:
        raise ValueError(f"{rounds=}, {processes=}, {threads=}: each must be at least 1")
    may_fall_short = SHORT_SHARE * rounds * processes
    run = _Run(candidates, inputs, reference, baseline, threads, isolate, may_fall_short)
    for process in range(processes):
        run.process(rounds, random.Random(process))
    return run.result


class _Run:
    """One comparison being made: keeps the samples while processes come and go."""

    def __init__(
        self,
        candidates: dict[str, Candidate],
        inputs: Call,
        reference: str | None,
        baseline: str,
        threads: int,
        isolate: bool,
        may_fall_short: float,
    ) -> None:
        self.specs = {
            name: {
                **chosen.model_dump(),
                "inputs": (chosen.inputs or inputs).model_dump(),
                "reference": reference,
            }
            for name, chosen in {**candidates, TWIN: candidates[baseline]}.items()
        }
        self.isolate = isolate
        self.may_fall_short = may_fall_short
        per_name: list[dict[str, Any]] = [{name: [] for name in self.specs} for _ in range(7)]
        seconds, cpu, own_cpu, waited, steal, first_call, calls = per_name
        self.result = Comparison(
            baseline=baseline,
            names=list(candidates),
            threads=threads,
            cores=joblib.cpu_count(),
            seconds=seconds,
            cpu_seconds=cpu,
            own_cpu_seconds=own_cpu,
            waited=waited,
            steal=steal,
            first_call=first_call,
            calls=calls,
            control=[],
            short_rounds=0,
            repeated_rounds=0,
        )

    def process(self, rounds: int, order: random.Random) -> None:
        """Start fresh workers, warm up, check, and add one process's rounds."""
        with ExitStack() as stack:
            workers = self._start(stack)
            for name in self.specs:
                warm = workers[name].ask(do="warm_up", name=name)
                self.result.first_call[name].append(warm["first_call"])
                self.result.calls[name].append(warm["calls"])
            self._one_round(workers, order)
            timed = [self._free_round(workers, order) for _ in range(rounds)]
        for name in self.specs:
            turns = [one[name] for one in timed]
            self.result.seconds[name].append([turn["seconds"] for turn in turns])
            self.result.cpu_seconds[name].append([turn["cpu"] for turn in turns])
            self.result.own_cpu_seconds[name].append([turn["own_cpu"] for turn in turns])
            self.result.waited[name].append([turn["waited"] for turn in turns])
            self.result.steal[name].append([turn["steal"] for turn in turns])
        if self.result.threads > 1:
            self.result.control.append([one[CONTROL]["speedup"] for one in timed])

    def _start(self, stack: ExitStack) -> dict[str, "_Worker"]:
        threads = self.result.threads
        control = threads if threads > 1 else 0
        if not self.isolate:
            host = stack.enter_context(_Worker({"candidates": self.specs, "control": control}))
            return dict.fromkeys([*self.specs, CONTROL], host)
        workers = {
            name: stack.enter_context(_Worker({"candidates": {name: spec}, "control": 0}))
            for name, spec in self.specs.items()
        }
        if control:
            workers[CONTROL] = stack.enter_context(_Worker({"candidates": {}, "control": control}))
        return workers

    def _one_round(
        self, workers: dict[str, "_Worker"], order: random.Random
    ) -> dict[str, dict[str, float]]:
        turns = [*self.specs] + [CONTROL] * (self.result.threads > 1)
        order.shuffle(turns)
        return {
            name: workers[name].ask(do="control" if name == CONTROL else "turn", name=name)
            for name in turns
        }

    def _free_round(
        self, workers: dict[str, "_Worker"], order: random.Random
    ) -> dict[str, dict[str, float]]:
        """One round; repeated where the control shows that the cores were not free."""
        one = self._one_round(workers, order)
        for seconds in REPEAT_AFTER:
            if self._was_free(one) or self.result.short_rounds > self.may_fall_short:
                break
            time.sleep(seconds)
            one = self._one_round(workers, order)
            self.result.repeated_rounds += 1
        self.result.short_rounds += not self._was_free(one)
        return one

    def _was_free(self, one: dict[str, dict[str, float]]) -> bool:
        threads = self.result.threads
        return threads == 1 or cores_were_free(one[CONTROL]["speedup"], threads, self.result.cores)


class _Worker:
    """A measuring process and the pipe to it."""

    def __init__(self, request: dict[str, Any]) -> None:
        # joblib's maps of arrays: a process that is killed leaves them to nobody
        shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="unlocked-", dir=shared)
        self.process = subprocess.Popen(
            [sys.executable, "-m", worker.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "JOBLIB_TEMP_FOLDER": self.folder},
        )
        try:
            self._exchange(request)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let it leave by itself, so that its pools tidy up after themselves, or end it."""
        assert self.process.stdin
        assert self.process.stdout
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVE_SECONDS)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, **command: str) -> dict[str, Any]:
        """Send one command and wait for its reply."""
        try:
            return self._exchange(command)
        except MeasurementError as error:
            raise MeasurementError(f"{command.get('name', 'control')}: {error}") from None

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the empty answer below says it
        line = self.process.stdout.readline()
        if not line:
            raise MeasurementError(f"the measuring process died (exit {self.process.wait()})")
        reply = json.loads(line)
        if "error" in reply:
            raise MeasurementError(reply["error"])
        return reply


def time_here(function: Callable[[], object], repeats: int = 10) -> list[float]:
    """Wall seconds of `repeats` calls made here and now, for illustration: never for a verdict."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds
