"""Equal tasks on several threads, of which the caller is one.

A caller that wakes a pool and then sleeps may leave two threads on one core and the other core idle
until the scheduler looks again, which can take milliseconds. A caller that works keeps its core.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")


def for_each(task: Callable[[Item], object], items: Iterable[Item], threads: int) -> None:
    """Call `task` on every item, whichever thread is free taking the next.

    The threads are kept for later calls. Calls may be nested and made from several threads: what
    no thread has begun by the time that the caller is done, the caller has done itself.

    Parameters
    ----------
    task : callable
        To gain anything, one that releases the GIL.
    items : iterable
    threads : int
        Threads that share the items, the caller's among them, at least 1. With 1, none is started.

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

    if threads == 1:
        share()
        return
    others = [_kept(threads - 1).submit(share) for _ in range(threads - 1)]
    try:
        share()
    finally:
        waiting.clear()
        begun = [other for other in others if not other.cancel()]
        wait(begun)
    for other in begun:
        other.result()


@cache
def _kept(threads: int) -> ThreadPoolExecutor:
    """Threads that wait for the next call: to start one takes as long as a good part of a task."""
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_kept.cache_clear)  # a fork has none of the threads
