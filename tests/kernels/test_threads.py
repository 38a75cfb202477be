import threading
import time

import pytest

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
