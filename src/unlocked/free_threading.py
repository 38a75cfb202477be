"""What a free-threaded build of Python changes: one loop in pure Python, on more and more threads.

Standard library alone, because it runs in interpreters that have nothing else installed:
``python3.14t src/unlocked/free_threading.py`` prints its measurement as JSON.
"""

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

NAMES = ("python3.14t", "python3.13t", "python3.14-nogil", "python3.13-nogil")
"""How free-threaded interpreters are called on PATH, the newest first."""

SRC = Path(__file__).resolve().parents[1]
IN_A_FRESH_PROCESS = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from unlocked.lab.lifetime import die_with_parent; die_with_parent(); "
    "from unlocked.free_threading import main; main()"
)


@dataclass
class Scaling:
    """How long threads take when each runs the same loop.

    Attributes
    ----------
    implementation, version : str
        Of the interpreter.
    free_threaded : bool
        Whether its build can run without the GIL.
    gil_enabled : bool
        Whether the GIL was enabled when it measured.
    threads : list of int
        Numbers of threads.
    steps : list of int
        Steps of the loop a thread, one a process.
    seconds : list
        ``[process][position in threads][round]``: wall seconds from start to the last end.
    """

    implementation: str
    version: str
    free_threaded: bool
    gil_enabled: bool
    threads: list[int]
    steps: list[int]
    seconds: list[list[list[float]]]

    def speedups(self, threads: int) -> list[float]:
        """Work per second on `threads` threads over that on one, one number a process.

        The median over rounds of ``threads * seconds(1) / seconds(threads)``, paired in the round.
        """
        one, many = self.threads.index(1), self.threads.index(threads)
        return [
            median(
                threads * alone / together
                for alone, together in zip(of[one], of[many], strict=True)
            )
            for of in self.seconds
        ]


def find(name: str = "") -> str | None:
    """Find a free-threaded interpreter.

    Parameters
    ----------
    name : str
        A name on PATH or a path. Empty: whichever of `NAMES` there is, or the one that runs this.

    Returns
    -------
    str or None
        What to call; None where nothing was named and nothing found.

    Raises
    ------
    ValueError
        Where the one named is not there, does not run or is not free-threaded.
    """
    if not name:
        return next((found for found in (*NAMES, sys.executable) if not _unfit(found)), None)
    if reason := _unfit(name):
        raise ValueError(
            f"{name!r} {reason}: name a free-threaded interpreter, such as {NAMES[0]}, "
            "or none to have one looked for"
        )
    return name


def _unfit(interpreter: str) -> str:
    """Why an interpreter is not a free-threaded one; empty where it is."""
    if shutil.which(interpreter) is None:
        return "is not an executable on PATH"
    question = "import sysconfig; print(sysconfig.get_config_var('Py_GIL_DISABLED') or 0)"
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", question], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run ({error})"
    if done.returncode:
        return f"does not run as Python (exit {done.returncode})"
    return "" if done.stdout.strip() == "1" else "is not a free-threaded build"


def measure(
    interpreter: str = "",
    threads: list[int] | None = None,
    processes: int = 5,
    rounds: int = 5,
    seconds: float = 0.05,
) -> Scaling:
    """Measure the loop on several numbers of threads, in fresh processes of an interpreter.

    Parameters
    ----------
    interpreter : str
        Name or path, of Python 3.11 or newer; empty for the one that runs this.
    threads : list of int, optional
        Numbers of threads, 1 among them; by default :func:`thread_counts`.
    processes, rounds : int
        Fresh processes, and rounds in each; the numbers of threads take turns in random order.
    seconds : float
        How long the loop runs on one thread.

    Raises
    ------
    RuntimeError
        Where the interpreter is not there or fails; the message holds its last line.
    """
    counts = thread_counts() if threads is None else threads
    runs = [
        _in_a_fresh_process(
            interpreter or sys.executable,
            ["--threads", *map(str, counts), "--rounds", str(rounds), "--seconds", str(seconds)],
        )
        for _ in range(processes)
    ]
    build = runs[0]
    return Scaling(
        implementation=build["implementation"],
        version=build["version"],
        free_threaded=build["free_threaded"],
        gil_enabled=build["gil_enabled"],
        threads=counts,
        steps=[run["steps"] for run in runs],
        seconds=[run["seconds"] for run in runs],
    )


def _in_a_fresh_process(interpreter: str, arguments: list[str]) -> dict[str, Any]:
    command = [interpreter, "-I", "-B", "-c", IN_A_FRESH_PROCESS, str(SRC), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise RuntimeError(f"{interpreter!r} does not run: {error}") from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise RuntimeError(f"{interpreter!r} failed (exit {done.returncode}): {last}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def thread_counts() -> list[int]:
    """Numbers of threads from one to twice the cores: all up to 8, then doubling."""
    most = 2 * cores()
    counts = list(range(1, min(most, 8) + 1))
    while counts[-1] < most:
        counts.append(min(2 * counts[-1], most))
    return counts


def loop(steps: int) -> int:
    """A linear congruential generator: arithmetic in pure Python that shares nothing."""
    state = 1
    for _ in range(steps):
        state = (1_103_515_245 * state + 12_345) % 2_147_483_648
    return state


def together(threads: int, steps: int) -> float:
    """Wall seconds for `threads` threads that each run the loop, from start to the last end."""
    barrier = threading.Barrier(threads)
    spans: list[tuple[float, float]] = []

    def run() -> None:
        barrier.wait()
        start = time.perf_counter()
        loop(steps)
        spans.append((start, time.perf_counter()))

    crew = [threading.Thread(target=run) for _ in range(threads)]
    for thread in crew:
        thread.start()
    for thread in crew:
        thread.join()
    return max(end for _, end in spans) - min(start for start, _ in spans)


def measure_here(threads: list[int], rounds: int, seconds: float) -> dict[str, Any]:
    """Time the loop in this process; the answer has the fields of :class:`Scaling`."""
    trial = 100_000
    steps = round(trial * seconds / min(together(1, trial) for _ in range(5)))
    took: list[list[float]] = [[] for _ in threads]
    turns = list(range(len(threads)))
    for _ in range(rounds):
        random.shuffle(turns)
        for turn in turns:
            took[turn].append(together(threads[turn], steps))
    return {
        "implementation": platform.python_implementation(),
        "version": platform.python_version(),
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "gil_enabled": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "threads": threads,
        "steps": steps,
        "seconds": took,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=thread_counts())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.05, help="of the loop on one thread")
    options = parser.parse_args()
    print(json.dumps(measure_here(options.threads, options.rounds, options.seconds)))


if __name__ == "__main__":
    main()
