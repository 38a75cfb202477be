"""Does a callable let other threads run, and for what share of its time?

``python -m unlocked.gil module:function`` answers for anyone's code. The callable runs again and
again in a fresh process. Beside it beats a heart: a thread that sleeps some 20 µs, asks for the
GIL and notes how long it waited. The interpreter's own request to hand the GIL over, every 5 ms,
is put off, so that Python code reads as what it is: it holds the GIL until it is asked. How it
answers when asked at once is a reading of its own. Loops that hold and release the GIL take turns
with the callable and calibrate both readings.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from unlocked import gil_worker
from unlocked.gil_calls import Subject
from unlocked.gil_worker import HOLDING, TWINS, TargetError

LEAST_PROCESSES = 5
LEAST_SEPARATION = 0.8
"""What the holding twin must read above the releasing one for a process to count as calibrated."""

QUIET_SHARE = 0.75
"""Share of the processes that must have been undisturbed for a reading to be judged."""

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class ProbeError(RuntimeError):
    """The measuring process died."""


class Twins(BaseModel):
    """What the callables with a known answer read in one process, before calibration.

    Attributes
    ----------
    holding, releasing : float
        Shares of the time in which the heartbeat waited beside the loops that hold and release.
    holding_on_request, python_on_request : float
        The same where the heartbeat asks at once, beside the holding loop and pure Python.
    python_wait : float
        Seconds (median) that pure Python lets the heartbeat wait when asked.
    """

    holding: float
    releasing: float
    holding_on_request: float
    python_on_request: float
    python_wait: float


class Sample(BaseModel):
    """One process's raw reading; shares of the callable's time, and seconds.

    Attributes
    ----------
    quiet : bool
        Whether both threads had a core to run on in some turns of each kind; these are read.
    """

    held: float
    held_on_request: float
    wait_on_request: float
    seconds_per_call: float
    quiet: bool
    twins: Twins

    @property
    def calibrated(self) -> float:
        """`held` on the scale on which the releasing twin reads 0 and the holding one 1."""
        return _between(self.held, self.twins.releasing, self.twins.holding)

    @property
    def calibrated_on_request(self) -> float:
        """`held_on_request` where pure Python reads 0 and the holding twin 1."""
        return _between(
            self.held_on_request, self.twins.python_on_request, self.twins.holding_on_request
        )

    @property
    def separation(self) -> float:
        return self.twins.holding - self.twins.releasing


def _between(value: float, zero: float, one: float) -> float:
    if one - zero < 0.5:  # no scale: as read, and the reading's cause says why
        zero, one = 0.0, 1.0
    return min(1.0, max(0.0, (value - zero) / (one - zero)))


class Reading(BaseModel):
    """What the probe found about one callable.

    Attributes
    ----------
    held : float
        Share of the callable's time in which a waiting thread could not run, 0 to 1: median over
        processes, calibrated on the twins.
    low, high : float
        Range over the processes: of five, it misses the median once in sixteen times.
    held_on_request : float
        The same share where the waiting thread asks for the GIL at once and is refused. Near 0
        for pure Python, which yields between bytecodes; near `held` for C code that holds.
    wait_on_request : float
        Seconds (median) until a thread that found the GIL taken, and asked, had it.
    seconds_per_call : float
        Median over processes.
    samples : list of Sample
        Raw readings, one a process.
    cause : str or None
        Why nothing can be judged from this reading; None where it can.
    """

    label: str
    target: str
    group: str
    numpy_claim: bool
    held: float
    low: float
    high: float
    held_on_request: float
    wait_on_request: float
    seconds_per_call: float
    samples: list[Sample]
    cause: str | None

    @property
    def processes(self) -> int:
        return len(self.samples)

    @property
    def yields_on_request(self) -> bool | None:
        """Whether a thread that asks gets the GIL soon; None where it is hardly ever held."""
        if self.held < 0.1:
            return None
        return self.held_on_request < 0.25 * self.held

    @property
    def meaning(self) -> str:
        """One sentence."""
        if self.cause:
            return f"No judgement: {self.cause}."
        if self.held < 0.1:
            return "It releases the GIL: other threads run nearly all the time."
        if self.held < 0.9:
            kind = "yields it when asked" if self.yields_on_request else "keeps it though asked"
            return f"It holds the GIL for a part of its time, and {kind}."
        if self.yields_on_request:
            return (
                "It holds the GIL but yields when asked: threads take turns, none runs beside it."
            )
        return "It holds the GIL and does not yield: no other thread runs until it is done."


class Span(BaseModel):
    """One piece of work of one thread; seconds since the first began."""

    thread: int
    start: float
    end: float


class Timeline(BaseModel):
    """Who worked when: threads that all run the same twin in pieces; usual switch interval."""

    twin: str
    threads: int
    piece_seconds: float
    spans: list[Span]

    @property
    def overlap(self) -> float:
        """Share of the time in which more than one thread worked."""
        edges = sorted(edge for span in self.spans for edge in ((span.start, 1), (span.end, -1)))
        working, shared = 0, 0.0
        for (now, change), (then, _) in pairwise(edges):
            working += change
            shared += (then - now) * (working > 1)
        return shared / (edges[-1][0] - edges[0][0])


class Beat(BaseModel):
    """One heartbeat: when it asked for the GIL and when it got it, in seconds since the start."""

    asked: float
    got: float


class Trace(BaseModel):
    """A few calls and every heartbeat beside them; call spans are (start, end) in seconds."""

    target: str
    calls: list[tuple[float, float]]
    beats: list[Beat]


def probe(
    target: str,
    arguments: dict[str, Any] | list[Any] | None = None,
    inputs: str | None = None,
    input_arguments: dict[str, Any] | None = None,
    processes: int = 5,
    seconds: float = 0.3,
) -> Reading:
    """Read for what share of its time a callable keeps other threads from running.

    A release shorter than the machine takes to wake a thread (some ten µs) helps no thread that
    waits; where holding and releasing alternate faster than that, the reading lies above the
    bare share of time for which the lock is taken. Libraries' thread pools are kept at one
    thread, so that the heartbeat has a core.

    Parameters
    ----------
    target : str
        ``module:function``, importable in a fresh process (the current folder counts).
    arguments : dict or list, optional
        Literal keyword or positional arguments.
    inputs : str, optional
        ``module:function`` that builds further arguments in the measuring process: a dict of
        keyword arguments or a list of positional ones, which come first.
    input_arguments : dict, optional
        Literal keyword arguments of `inputs`.
    processes : int
        Fresh processes, one after another; at least 1, and 5 for a judgement.
    seconds : float
        How long the callable runs in each process: once so long without being asked to yield,
        once so long with.

    Raises
    ------
    TargetError
        Where the target is malformed, is not found, is not callable, does not take the arguments
        or raises.
    ProbeError
        Where the measuring process dies.
    """
    subject = _subject(target, arguments, inputs, input_arguments)
    return probe_all([subject], processes, seconds)[0]


def probe_all(
    subjects: Sequence[Subject], processes: int = 5, seconds: float = 0.06
) -> list[Reading]:
    """Probe several callables; those of one group share fresh processes and take turns there.

    See :func:`probe` for parameters and errors; ``unlocked.gil_calls.CALLS`` is a catalogue.
    """
    if processes < 1 or not seconds > 0:
        raise ValueError(f"{processes=}, {seconds=}: at least one process and some time are needed")
    samples: list[list[Sample]] = [[] for _ in subjects]
    has_gil = True
    for seed in range(processes):
        for places in _groups(subjects):
            reply = _ask(
                "probe",
                subjects=[_call_of(subjects[place]) for place in places],
                seconds=seconds,
                seed=seed,
            )
            has_gil = has_gil and reply["gil"]
            for place, sample in zip(places, reply["samples"], strict=True):
                samples[place].append(Sample(**sample))
    return [_reading(*pair, has_gil) for pair in zip(subjects, samples, strict=True)]


def _groups(subjects: Sequence[Subject]) -> list[list[int]]:
    """Places of the subjects that share a process."""
    groups: dict[object, list[int]] = {}
    for place, subject in enumerate(subjects):
        groups.setdefault(subject.group or place, []).append(place)
    return list(groups.values())


def _reading(subject: Subject, samples: list[Sample], has_gil: bool) -> Reading:
    held = [sample.calibrated for sample in samples]
    return Reading(
        label=subject.label,
        target=subject.target,
        group=subject.group,
        numpy_claim=subject.numpy_claim,
        held=median(held),
        low=min(held),
        high=max(held),
        held_on_request=median(sample.calibrated_on_request for sample in samples),
        wait_on_request=median(sample.wait_on_request for sample in samples),
        seconds_per_call=median(sample.seconds_per_call for sample in samples),
        samples=samples,
        cause=_cause(samples) if has_gil else "this interpreter runs without the GIL",
    )


def _cause(samples: list[Sample]) -> str | None:
    quiet = sum(sample.quiet for sample in samples)
    if quiet < QUIET_SHARE * len(samples):
        return f"cores were not free in {len(samples) - quiet} of {len(samples)} processes"
    separation = median(sample.separation for sample in samples)
    if separation < LEAST_SEPARATION:
        return f"cores were not free: the twins' readings differ by only {separation:.0%}"
    if len(samples) < LEAST_PROCESSES:
        return f"too few samples: {len(samples)} processes, {LEAST_PROCESSES} are needed"
    return None


def timeline(
    twin: str = HOLDING, threads: int = 2, seconds: float = 0.06, piece_seconds: float = 0.002
) -> Timeline:
    """Record when each of several threads works, all running the same twin in pieces.

    Parameters
    ----------
    twin : {"holding", "releasing", "python"}
        The loop that holds the GIL, the one that releases it, or one in pure Python (whose
        spans hold waiting too, because it yields inside).
    threads : int
        At least 1.
    seconds, piece_seconds : float
        How long the threads go on, and what one piece takes on a free core.
    """
    if twin not in TWINS:
        raise ValueError(f"{twin!r} is not one of {', '.join(TWINS)}")
    spans = _ask(
        "timeline", twin=twin, threads=threads, seconds=seconds, piece_seconds=piece_seconds
    )
    return Timeline(
        twin=twin,
        threads=threads,
        piece_seconds=piece_seconds,
        spans=[Span(thread=thread, start=start, end=end) for thread, start, end in spans],
    )


def trace(
    target: str,
    arguments: dict[str, Any] | list[Any] | None = None,
    inputs: str | None = None,
    input_arguments: dict[str, Any] | None = None,
    calls: int = 3,
) -> Trace:
    """Record every heartbeat beside a few calls, to draw what :func:`probe` counts.

    See :func:`probe` for parameters and errors.
    """
    subject = _subject(target, arguments, inputs, input_arguments)
    made = _ask("trace", subject=_call_of(subject), calls=calls)
    return Trace(
        target=target,
        calls=made["calls"],
        beats=[Beat(asked=asked, got=got) for asked, got in made["beats"]],
    )


def _subject(
    target: str,
    arguments: dict[str, Any] | list[Any] | None,
    inputs: str | None,
    input_arguments: dict[str, Any] | None,
) -> Subject:
    return Subject(target, target, arguments or {}, inputs, input_arguments or {})


def _call_of(subject: Subject) -> dict[str, Any]:
    return {
        "target": subject.target,
        "arguments": subject.arguments,
        "inputs": subject.inputs,
        "input_arguments": subject.input_arguments,
    }


def _ask(task: str, **request: Any) -> Any:
    """Have a fresh process do one task."""
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [sys.executable, "-m", gil_worker.__name__],
            input=json.dumps({"task": task, **request}),
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**os.environ, **ONE_THREAD},
        )
        if not done.stdout:
            said.seek(0)
            last = said.read().decode(errors="replace").strip().rpartition("\n")[2]
            raise ProbeError(f"the measuring process died (exit {done.returncode}): {last}")
    reply = json.loads(done.stdout)
    if "refused" in reply:
        raise TargetError(reply["refused"])
    return reply["reply"]


def main(
    target: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="What to probe.")],
    args: Annotated[
        str, typer.Option(metavar="JSON", help="Keyword arguments {…} or positional ones […].")
    ] = "{}",
    inputs: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Builds further arguments: returns a dict, or a list of positional ones.",
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Fresh processes.")] = LEAST_PROCESSES,
    seconds: Annotated[float, typer.Option(min=0.01, help="Seconds in each process.")] = 0.3,
) -> None:
    """Say for what share of its time a callable keeps other threads from running.

    Modules are found in the current folder and in the environment.
    """
    try:
        reading = probe(target, _arguments(args), inputs, processes=processes, seconds=seconds)
    except (TargetError, ProbeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(report(reading))


def _arguments(text: str) -> dict[str, Any] | list[Any]:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise TargetError(f"--args {text!r} is not JSON: {error}") from None
    if not isinstance(arguments, dict | list):
        raise TargetError(f"--args {text!r} is neither an object {{…}} nor an array […]")
    return arguments


def report(reading: Reading) -> str:
    """A reading as a small table and a sentence."""
    samples = reading.samples
    rows = {
        "GIL held": f"{reading.held:.1%} of its time",
        "range": f"{reading.low:.1%} to {reading.high:.1%} over {reading.processes} processes",
        "held though asked": f"{reading.held_on_request:.1%} of its time",
        "wait when asked": _duration(reading.wait_on_request),
        "one call": _duration(reading.seconds_per_call),
        "twins, as read": (
            f"holding {median(one.twins.holding for one in samples):.1%}, "
            f"releasing {median(one.twins.releasing for one in samples):.1%}"
        ),
    }
    table = [f"  {name:<18} {value}" for name, value in rows.items()]
    return "\n".join([reading.label, *table, reading.meaning])


def _duration(seconds: float) -> str:
    for unit, name in ((1, "s"), (1e-3, "ms")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{1e6 * seconds:.3g} µs"


if __name__ == "__main__":
    typer.run(main)
