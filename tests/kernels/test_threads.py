import os
import threading
import time

import pytest

from unlocked.kernels import threads as threads_module
from unlocked.kernels.threads import for_each


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 2, 100])
def test_every_item_is_done_once(threads: int, items: int) -> None:
    done: list[int] = []
    for_each(done.append, range(items), threads)
    assert sorted(done) == list(range(items))


def test_the_caller_is_one_of_the_threads() -> None:
    meet = threading.Barrier(3, timeout=60)
    seen: list[threading.Thread] = []

    def task(_: int) -> None:
        seen.append(threading.current_thread())
        meet.wait()

    for_each(task, range(3), threads=3)
    assert threading.current_thread() in seen
    assert len(set(seen)) == 3


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_of_any_thread_arrives_and_no_task_outlives_the_call(failing: int) -> None:
    running: list[int] = []
    meet = threading.Barrier(2, timeout=60)

    def task(item: int) -> None:
        running.append(item)
        if item < 2:
            meet.wait()
        if item == failing:
            raise ArithmeticError(item)
        time.sleep(0.01)
        running.remove(item)

    with pytest.raises(ArithmeticError):
        for_each(task, range(2), threads=2)
    assert running == [failing]


def test_no_thread_is_refused() -> None:
    with pytest.raises(ValueError, match="threads must be at least 1, not 0"):
        for_each(print, range(3), threads=0)


def test_calls_may_be_nested_and_made_from_several_threads() -> None:
    done: list[int] = []

    def outer(first: int) -> None:
        for_each(done.append, range(first, first + 10), threads=2)

    callers = [
        threading.Thread(target=for_each, args=(outer, range(k, k + 40, 10), 2)) for k in (0, 100)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(timeout=60)
    assert sorted(done) == [*range(40), *range(100, 140)]


def test_threads_are_kept_for_later_calls() -> None:
    def call() -> None:
        meet = threading.Barrier(2, timeout=60)
        for_each(lambda _: meet.wait(), range(2), threads=2)

    call()
    before = threading.active_count()
    for _ in range(50):
        call()
    assert threading.active_count() <= before + 1  # one for a call that came too soon


def test_no_more_threads_start_than_there_are_items() -> None:
    before = threading.active_count()
    for_each(lambda _: None, range(3), threads=500)
    assert threading.active_count() <= before + 2


def test_the_caller_does_everything_where_no_thread_can_be_started(monkeypatch) -> None:
    def submit(self: object, share: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads_module.ThreadPoolExecutor, "submit", submit)
    done: list[int] = []
    for_each(done.append, range(10), threads=4)
    assert done == list(range(10))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork beside threads, which is the point
def test_a_fork_starts_threads_of_its_own() -> None:
    for_each(print, [], threads=3)
    child = os.fork()
    if child == 0:
        done: list[int] = []
        for_each(done.append, range(20), threads=3)
        os._exit(0 if sorted(done) == list(range(20)) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
