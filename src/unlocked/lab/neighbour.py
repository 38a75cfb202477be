"""An artificial neighbour: a process that keeps cores busy while something else is measured.

``python -m unlocked.lab.neighbour [CORES]`` runs one until it is interrupted.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from unlocked.lab import control
from unlocked.lab.timing import Call, Candidate, Comparison, compare


@contextmanager
def busy_neighbour(cores: int = 1) -> Iterator[None]:
    """Keep `cores` cores busy for as long as the context lasts."""
    command = [sys.executable, "-m", control.__name__]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(cores)]
    try:
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()  # it says when it spins
        yield
    finally:
        for process in running:
            process.kill()
            process.communicate()


def compare_beside(
    neighbours: int,
    candidates: dict[str, Candidate],
    inputs: Call,
    reference: str | None,
    baseline: str,
    **protocol: Any,
) -> Comparison:
    """Run :func:`unlocked.lab.timing.compare` beside busy neighbours."""
    with busy_neighbour(neighbours):
        return compare(candidates, inputs, reference, baseline, **protocol)


def main() -> None:
    with busy_neighbour(int(sys.argv[1]) if len(sys.argv) > 1 else 1), suppress(KeyboardInterrupt):
        threading.Event().wait()


if __name__ == "__main__":
    main()
