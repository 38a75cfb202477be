"""What threads and processes that draw random numbers do to each other, recorded in fresh ones.

Threads that share a generator wait for *its* lock, not for the GIL: :func:`timeline` records who
drew when, and a heartbeat beside them. Processes that are forked inherit the state of every
generator: :func:`copies` counts how many of them draw different numbers.
"""

import hashlib
import json
import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from unlocked.gil import Beat
from unlocked.gil_worker import FOUND_FREE, clock, listen
from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.worker import private_stdout

SEED = 2018
USUAL_SWITCH_INTERVAL = 0.005

Start = Literal["fork", "spawn"]

of_this_module = np.random.default_rng(SEED)
"""A generator that every process makes for itself on importing this module, or inherits."""


class Draw(BaseModel):
    """One piece of one thread: when it asked for the generator, got it, and was done (seconds)."""

    thread: int
    asked: float
    got: float
    done: float


class Timeline(BaseModel):
    """Who drew when, and the heartbeats beside it; seconds since the first thread asked.

    Attributes
    ----------
    shared : bool
        Whether all threads drew from one generator.
    """

    shared: bool
    draws: list[Draw]
    beats: list[Beat]

    @property
    def seconds(self) -> float:
        return max(draw.done for draw in self.draws)

    @property
    def waited(self) -> float:
        """Share of the threads' time that went into waiting for the generator's lock."""
        waits = sum(draw.got - draw.asked for draw in self.draws)
        return waits / sum(draw.done - draw.asked for draw in self.draws)

    @property
    def overlap(self) -> float:
        """Share of the time in which more than one thread drew."""
        edges = sorted(edge for draw in self.draws for edge in ((draw.got, 1), (draw.done, -1)))
        drawing, shared, before = 0, 0.0, 0.0
        for now, change in edges:
            shared += (now - before) * (drawing > 1)
            drawing, before = drawing + change, now
        return shared / self.seconds

    @property
    def heart_waited(self) -> float:
        """Share of the time in which the heartbeat waited for the GIL."""
        waits = [(max(beat.asked, 0.0), min(beat.got, self.seconds)) for beat in self.beats]
        return sum(got - asked for asked, got in waits if got - asked > FOUND_FREE) / self.seconds

    def beats_within_waits(self) -> int:
        """Beats that came while some thread waited for the generator."""
        return sum(
            any(draw.asked < beat.got < draw.got for draw in self.draws) for beat in self.beats
        )


class Copies(BaseModel):
    """How many of several processes drew different numbers, by the generator that they used."""

    start: str
    workers: int
    distinct: dict[str, int]


def timeline(
    shared: bool, threads: int = 2, pieces: int = 6, size: int = 200_000, recordings: int = 5
) -> Timeline:
    """Record threads that draw normal numbers in pieces, from one generator or from one each.

    The shortest of several recordings is kept: who else wants the cores only lengthens them.

    Parameters
    ----------
    shared : bool
        One generator for all threads.
    threads, pieces, size, recordings : int
        Threads, pieces that each draws, numbers of a piece, and recordings; at least 1.

    Raises
    ------
    ValueError
        Where a count is not positive.
    RuntimeError
        Where the recording process dies.
    """
    if min(threads, pieces, size, recordings) < 1:
        raise ValueError(f"{threads=}, {pieces=}, {size=}, {recordings=}: each must be at least 1")
    made = _ask(
        "timeline",
        shared=shared,
        threads=threads,
        pieces=pieces,
        size=size,
        recordings=recordings,
    )
    return Timeline.model_validate(made)


def copies(start: Start, workers: int = 4) -> Copies:
    """Let processes draw a few numbers from generators that they inherit, make or are given.

    Parameters
    ----------
    start : {"fork", "spawn"}
        How the processes are started.
    workers : int
        At least 1.

    Raises
    ------
    ValueError
        Where `start` is not to be had here, or there is no worker.
    RuntimeError
        Where the recording process dies.
    """
    if start not in multiprocessing.get_all_start_methods():
        known = ", ".join(multiprocessing.get_all_start_methods())
        raise ValueError(f"this system starts processes by {known}, not by {start!r}")
    if workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}")
    drawn: dict[str, list[str]] = _ask("copies", start=start, workers=workers)
    distinct = {name: len(set(digests)) for name, digests in drawn.items()}
    return Copies(start=start, workers=workers, distinct=distinct)


def share_a_generator(pieces: int = 4, size: int = 200_000) -> None:
    """Draw from one generator in this thread and in a second one: a subject for the GIL probe."""
    rng = np.random.default_rng(SEED)

    def run() -> None:
        mine = np.empty(size)
        for _ in range(pieces):
            rng.standard_normal(out=mine)

    other = threading.Thread(target=run)
    other.start()
    run()
    other.join()


def _ask(task: str, **request: Any) -> Any:
    """Have a fresh process do one task."""
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps({"task": task, **request}),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode or not done.stdout:
        raise RuntimeError(f"the recording process died (exit {done.returncode})")
    return json.loads(done.stdout)


def _record_timeline(
    shared: bool, threads: int, pieces: int, size: int, recordings: int
) -> dict[str, Any]:
    made = [_record_once(shared, threads, pieces, size) for _ in range(recordings)]
    return min(made, key=lambda one: one.seconds).model_dump()


def _record_once(shared: bool, threads: int, pieces: int, size: int) -> Timeline:
    one = np.random.default_rng(SEED)
    generators = [one] * threads if shared else one.spawn(threads)
    together = threading.Barrier(threads)
    draws: list[list[float]] = []

    def run(thread: int, rng: np.random.Generator) -> None:
        mine = np.empty(size)
        rng.standard_normal(out=mine)
        together.wait()
        for _ in range(pieces):
            draws.append([thread, *_draw(rng, mine)])

    def run_all() -> None:
        crew = [threading.Thread(target=run, args=pair) for pair in enumerate(generators)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()

    heard = listen(run_all, USUAL_SWITCH_INTERVAL)
    origin = min(asked for _, asked, _, _ in draws)
    last = max(done for *_, done in draws)
    beats = zip(heard.asked, heard.got, strict=True)
    return Timeline(
        shared=shared,
        draws=[
            Draw(thread=int(thread), asked=asked - origin, got=got - origin, done=done - origin)
            for thread, asked, got, done in draws
        ],
        beats=[
            Beat(asked=asked - origin, got=got - origin)
            for asked, got in beats
            if origin < got and asked < last
        ],
    )


def _draw(rng: np.random.Generator, out: Any) -> tuple[float, float, float]:
    """Draw as NumPy does, with a look at the clock once the lock is taken.

    The call takes it a second time, which costs nothing to the thread that has it.
    """
    asked = clock()
    with rng.bit_generator.lock:
        got = clock()
        rng.standard_normal(out=out)
        done = clock()
    return asked, got, done


def _record_copies(start: str, workers: int) -> dict[str, list[str]]:
    context: Any = multiprocessing.get_context(start)
    answers = context.SimpleQueue()
    crew = [
        context.Process(target=draw_from_each, args=(answers, child), daemon=True)
        for child in np.random.SeedSequence(SEED).spawn(workers)
    ]
    for process in crew:
        process.start()
    drawn = [answers.get() for _ in crew]
    for process in crew:
        process.join()
    return {name: [one[name] for one in drawn] for name in drawn[0]}


def draw_from_each(answers: Any, child: np.random.SeedSequence) -> None:
    """Draw from a generator that may be inherited, from one of this module, and from one given."""
    answers.put(
        {
            "np.random, never seeded": _digest(np.random.standard_normal(8)),
            "a module's default_rng(2018)": _digest(of_this_module.standard_normal(8)),
            "a spawned child for each": _digest(np.random.default_rng(child).standard_normal(8)),
        }
    )


def _digest(drawn: Any) -> str:
    return hashlib.sha256(np.asarray(drawn).tobytes()).hexdigest()


def main() -> None:
    die_with_parent()
    channel = private_stdout()
    request = json.load(sys.stdin)
    tasks: dict[str, Callable[..., Any]] = {
        "timeline": _record_timeline,
        "copies": _record_copies,
    }
    print(json.dumps(tasks[request.pop("task")](**request)), file=channel, flush=True)


if __name__ == "__main__":
    main()
