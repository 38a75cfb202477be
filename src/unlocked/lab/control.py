"""The control: what several threads could gain at best on the cores as they are just now.

A loop that lives in registers and releases the GIL has nothing to wait for but a core, and one that
fills the core's execution units needs a whole core. Where it falls short of the threads it was
given, the cores were not free, and no other speed-up of that moment says anything about the
candidates.

``python -m unlocked.lab.control`` runs the loop for ever: a neighbour that keeps one core busy.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

from unlocked.extensions import load
from unlocked.lab.lifetime import die_with_parent

spin = load("unlocked.lab._control").spin
spin_wide = load("unlocked.lab._control").spin_wide

SPIN_SECONDS = 0.01
FREE_SHARE = 0.9
"""The share of the possible speed-up that the control must reach for cores to count as free."""


class Control:
    """The control loop on a number of threads, calibrated to about 10 ms.

    Parameters
    ----------
    threads : int
        Number of threads, at least 1.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(max(1, threads - 1))
        self._rounds = 1_000_000
        self._rounds = round(self._rounds * SPIN_SECONDS / min(self._serial() for _ in range(5)))
        self._together()

    def _serial(self) -> float:
        start = time.perf_counter()
        spin_wide(self._rounds)
        return time.perf_counter() - start

    def _together(self) -> float:
        cpus = _cpus_for(self.threads)
        before = _allowed()
        start = time.perf_counter()
        try:
            others = [self._pool.submit(_spin_on, cpu, self._rounds) for cpu in cpus[1:]]
            _spin_on(cpus[0], self._rounds)
            for other in others:
                other.result()
            return time.perf_counter() - start
        finally:
            if before:
                os.sched_setaffinity(0, before)

    def speedup(self) -> float:
        """Speed-up of the loop on all threads over one thread, measured now."""
        return self.threads * self._serial() / self._together()

    def close(self) -> None:
        self._pool.shutdown()


def _allowed() -> set[int]:
    """Processors that this thread may run on; empty where the system does not say."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def _cpus_for(threads: int) -> list[int | None]:
    """A processor for each thread where all of them are needed, and otherwise the system's choice.

    A thread that wakes another may find it on its own processor, with another one idle, until the
    scheduler's next tick. That takes milliseconds, which are not a neighbour's.
    """
    allowed = sorted(_allowed())
    if not allowed or threads < len(allowed):
        return [None] * threads
    return [allowed[i % len(allowed)] for i in range(threads)]


def _spin_on(cpu: int | None, rounds: int) -> None:
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    spin_wide(rounds)


def cores_were_free(speedup: float, threads: int, cores: int) -> bool:
    """Whether a control speed-up is what `threads` threads reach on `cores` free cores."""
    return speedup >= FREE_SHARE * min(threads, cores)


def spin_for_ever() -> None:
    """Keep one core busy until killed, or until the parent ends; print a line at the start."""
    die_with_parent()
    print("spinning", flush=True)
    while True:
        spin_wide(200_000)


if __name__ == "__main__":
    spin_for_ever()
