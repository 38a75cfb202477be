"""No process of a run outlives it, however the run ends.

A guard process holds the reading end of a pipe to the runner. When the runner ends, by any
signal, the pipe closes, and the guard kills every process that carries the run's mark in its
environment: kernels, their workers and whatever these started. It needs no help from the
operating system beyond that, so it works alike on Linux and macOS.
"""

import contextlib
import os
import subprocess
import sys
import uuid
from types import TracebackType
from typing import Self

import psutil

MARK = "UNLOCKED_RUN"
PASSES = 50


class Guard:
    """Starts the guard process; use it as a context manager.

    Attributes
    ----------
    mark : dict
        What the environment of every process of the run must hold.
    """

    def __init__(self) -> None:
        self._token = uuid.uuid4().hex
        self.mark = {MARK: self._token}

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "unlocked.book.guard", self._token]
        # a session of its own: what is sent to the runner's process group passes it by
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def sweep(self) -> None:
        """Kill what is left of the run's processes now."""
        sweep(self._token)


def sweep(token: str) -> None:
    """Kill every process that carries this mark, until a look round finds none."""
    for _ in range(PASSES):
        found = [process for process in psutil.process_iter() if _carries(process, token)]
        if not found:
            return
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=0.2)


def _carries(process: psutil.Process, token: str) -> bool:
    if process.pid == os.getpid():
        return False
    try:
        return process.environ().get(MARK) == token
    except (psutil.Error, OSError):
        return False  # another user's, or gone


if __name__ == "__main__":
    sys.stdin.buffer.read()
    sweep(sys.argv[1])
