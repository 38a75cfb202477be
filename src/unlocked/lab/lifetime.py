"""No orphan: a process started for a measurement ends with the one that started it.

On Linux the kernel sees to it, however the parent ends; elsewhere a look twice a second does.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
LOOK_SECONDS = 0.5
TIDY_SECONDS = 0.3
"""What a pool's resource tracker gets to unlink semaphores and files before it is killed too."""


def die_with_parent() -> None:
    """Have this process killed when its parent ends. The first act of a new process."""
    parent = os.getppid()
    if sys.platform == "linux":
        _signal_at_parents_end(signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        threading.Thread(target=_leave_after, args=(parent,), daemon=True).start()


def take_descendants_along() -> int:
    """Have all that this process starts killed when it ends, worker pools included.

    The process becomes the leader of a group, and a forked guard waits for its end and then
    kills the group. Call it before any thread is started.

    Returns
    -------
    int
        Process id of the guard.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    leader = os.getpid()
    guard = os.fork()
    if guard == 0:
        _guard(leader)
    return guard


def _guard(leader: int) -> None:
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    _wait_for_end_of(leader)
    time.sleep(TIDY_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
    os._exit(0)


def _wait_for_end_of(parent: int) -> None:
    if sys.platform == "linux":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        _signal_at_parents_end(signal.SIGUSR1)
        if os.getppid() == parent:
            signal.sigwait({signal.SIGUSR1})
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)


def _signal_at_parents_end(number: signal.Signals) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number)


def _leave_after(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)
