"""Equal tasks on several threads, of which the caller is one.

A caller that wakes a pool and then sleeps may leave two threads on one core and the other core idle
until the scheduler looks again, which can take milliseconds. A caller that works keeps its core.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")

MOST = 1_024
"""Threads that are kept at most."""


def for_each(task: Callable[[Item], object], items: Iterable[Item], threads: int) -> None:
    """Call `task` on every item, whichever thread is free taking the next.

    The threads are kept for later calls. Calls may be nested and made from several threads: what
    no thread has begun by the time that the caller is done, the caller has done itself; so it does
    where the system gives no more threads.

    Parameters
    ----------
    task : callable
        To gain anything, one that releases the GIL.
    items : iterable
    threads : int
        Threads that share the items, the caller's among them, at least 1, and no more than there
        are items. With 1, none is started.

    Raises
    ------
    ValueError
        For less than one thread.
    Exception
        The first that a task raised; items not begun by then may be left out.
    """
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    waiting = deque(items)

    def share() -> None:
        while True:
            try:
                item = waiting.popleft()
            except IndexError:
                return
            task(item)

    others: list[Future[None]] = []
    try:
        with suppress(RuntimeError):  # no thread can be started, or the interpreter is ending
            for _ in range(min(threads, len(waiting)) - 1):
                others.append(_kept().submit(share))
        share()
    finally:
        waiting.clear()
        begun = [other for other in others if not other.cancel()]
        wait(begun)
    for other in begun:
        other.result()


@cache
def _kept() -> ThreadPoolExecutor:
    """Threads that wait for the next call: to start one takes as long as a good part of a task.

    One is started only where none waits.
    """
    return ThreadPoolExecutor(MOST)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_kept.cache_clear)  # a fork has none of the threads
