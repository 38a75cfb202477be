"""An artificial neighbour: a process that keeps cores busy while something else is measured.

``python -m unlocked.lab.neighbour [CORES]`` runs one until it is interrupted.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.timing import Call, Candidate, Comparison, compare

SPIN_ROUNDS = 10_000_000


@contextmanager
def busy_neighbour(cores: int = 1) -> Iterator[None]:
    """Keep `cores` cores busy for as long as the context lasts."""
    command = [sys.executable, "-m", "unlocked.lab.neighbour"]
    running = [subprocess.Popen(command) for _ in range(cores)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


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
    from unlocked.lab.control import spin

    cores = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    with busy_neighbour(cores - 1):
        while True:
            spin(SPIN_ROUNDS)


if __name__ == "__main__":
    die_with_parent()
    main()
