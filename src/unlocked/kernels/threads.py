"""Equal tasks on several threads, of which the caller is one.

A caller that wakes a pool and then sleeps may leave two threads on one core and the other core idle
until the scheduler looks again, which can take milliseconds. A caller that works keeps its core.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")


def for_each(task: Callable[[Item], object], items: Iterable[Item], threads: int) -> None:
    """Call `task` on every item, whichever thread is free taking the next.

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
    pool = ThreadPoolExecutor(threads - 1)
    others = [pool.submit(share) for _ in range(threads - 1)]
    pool.shutdown(wait=False)  # so that its threads end as they finish, not when told
    try:
        share()
    finally:
        waiting.clear()
        wait(others)
    for other in others:
        other.result()
