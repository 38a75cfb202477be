"""The measuring process: builds its candidates' inputs, checks their answers, times on request.

``python -m unlocked.lab.worker`` reads one JSON request and then one JSON command a line from
standard input and answers each with one JSON line. It imports what its candidates need and
nothing else, and it ends with its parent.
"""

import contextlib
import importlib
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from unlocked.lab.lifetime import die_with_parent, take_descendants_along

BATCH_SECONDS = 0.01
SETTLE_SECONDS = 0.02
"""Pause before the control, which asks what others left of the cores: not what the candidate
before it left running, such as threads that wait busily."""


def resolve(target: str) -> Callable[..., Any]:
    """Import ``module:function``.

    Raises
    ------
    ValueError
        Where the text has another form.
    ImportError, AttributeError
        Where there is no such module or function.
    """
    if not re.fullmatch(r"[\w.]+:[\w.]+", target):
        raise ValueError(f"{target!r} does not name a function: write module:function")
    module, _, path = target.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def check(answer: Any, expected: Any, how: str) -> None:
    """Compare an answer with the reference's.

    Parameters
    ----------
    how : str
        ``exact`` (same type, shape and bits) or ``close TOLERANCE`` (relative and absolute).

    Raises
    ------
    AssertionError
        Where the answer is wrong.
    """
    import numpy as np

    answer, expected = np.asarray(answer), np.asarray(expected)
    if (answer.shape, answer.dtype) != (expected.shape, expected.dtype):
        raise AssertionError(
            f"answer is {answer.dtype}{list(answer.shape)}, "
            f"reference is {expected.dtype}{list(expected.shape)}"
        )
    if how != "exact":
        tolerance = float(how.removeprefix("close "))
        np.testing.assert_allclose(answer, expected, rtol=tolerance, atol=tolerance)
    elif answer.tobytes() != expected.tobytes() and not _equal_objects(answer, expected):
        differing = np.count_nonzero(answer != expected)
        raise AssertionError(f"{differing} of {answer.size} values differ")


def _equal_objects(answer: Any, expected: Any) -> bool:
    """Equality of Python objects, such as whole numbers beyond 64 bits."""
    return answer.dtype == object and bool((answer == expected).all())


class Subject:
    """One candidate with its own copy of the inputs."""

    guard = 0

    def __init__(self, request: dict[str, Any]) -> None:
        self.inputs = resolve(request["inputs"]["target"])(**request["inputs"]["arguments"])
        self.function = resolve(request["target"])
        self.arguments = {**self.inputs, **request["arguments"]}
        self.reference = request["reference"]
        self.how = request["check"]
        self.calls = 1
        self.has_children = False

    def answer(self, function: Callable[..., Any]) -> Any:
        """What `function` answers: what it returns or, when that is None, its argument `out`."""
        arguments = self.arguments if function is self.function else self.inputs
        returned = function(**arguments)
        if returned is None and "out" in arguments:
            return arguments["out"].copy()
        return returned

    def warm_up(self) -> dict[str, Any]:
        """First call (timed), check against the reference, and size of a batch."""
        start = time.perf_counter()
        answer = self.answer(self.function)
        first = time.perf_counter() - start
        if ":" in self.how:
            resolve(self.how)(answer, self.inputs)
        elif self.reference is not None:
            check(answer, self.answer(resolve(self.reference)), self.how)
        self.has_children = bool(self._live_children())
        seconds = [self._batch() for _ in range(3 if first < 1 else 1)]
        self.calls = max(1, round(BATCH_SECONDS / min(seconds)))
        return {"first_call": first, "calls": self.calls}

    def _batch(self) -> float:
        function, arguments = self.function, self.arguments
        start = time.perf_counter()
        for _ in range(self.calls):
            function(**arguments)
        return (time.perf_counter() - start) / self.calls

    def turn(self) -> dict[str, float]:
        """Time one batch; all values are seconds a call, but `steal` and `waited`, of the batch."""
        if self.calls > 1:
            self.function(**self.arguments)
        waited, steal, children = run_queue_wait(), steal_seconds(), self._children_cpu()
        own = time.process_time()
        seconds = self._batch()
        own = time.process_time() - own
        children = self._children_cpu() - children
        return {
            "seconds": seconds,
            "own_cpu": own / self.calls,
            "cpu": (own + children) / self.calls,
            "waited": run_queue_wait() - waited,
            "steal": steal_seconds() - steal,
        }

    def _children_cpu(self) -> float:
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        live = sum(map(_cpu_of, self._live_children())) if self.has_children else 0.0
        return ended.ru_utime + ended.ru_stime + live

    def _live_children(self) -> list[Any]:
        import psutil

        children = psutil.Process().children(recursive=True)
        return [child for child in children if child.pid != self.guard]


def _cpu_of(process: Any) -> float:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system
    return 0.0


def run_queue_wait() -> float:
    """Seconds that this process's threads stood in a run queue; 0 where the system hides it."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text().split()[1])
    return total / 1e9


def steal_seconds() -> float:
    """Seconds that the hypervisor gave to others, all cores together; 0 where it hides it."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError):
        return 0.0


class Worker:
    """The commands: ``warm_up NAME``, ``turn NAME``, ``control``."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.subjects = {name: Subject(spec) for name, spec in request["candidates"].items()}
        self.control = None
        if request["control"]:
            from unlocked.lab.control import Control

            self.control = Control(request["control"])

    def obey(self, command: dict[str, str]) -> dict[str, Any]:
        if command["do"] == "warm_up":
            return self.subjects[command["name"]].warm_up()
        if command["do"] == "turn":
            return self.subjects[command["name"]].turn()
        assert self.control is not None
        time.sleep(SETTLE_SECONDS)
        return {"speedup": self.control.speedup()}


def private_stdout() -> TextIO:
    """Keep standard output for the protocol; what candidates print goes to standard error."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


def main() -> None:
    Subject.guard = take_descendants_along()
    die_with_parent()
    channel = private_stdout()
    worker = None
    for line in sys.stdin:
        try:
            command = json.loads(line)
            if worker is None:
                worker = Worker(command)
                reply: dict[str, Any] = {}
            else:
                reply = worker.obey(command)
        except Exception as error:  # reported to the parent, which raises it
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=channel, flush=True)


if __name__ == "__main__":
    main()
