import multiprocessing
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlocked.lab.control import spin
from unlocked.parallel import backends


@pytest.fixture(scope="module", autouse=True)
def pools_end_with_the_tests():
    yield
    backends.close_kept()


def answers(**arguments):
    return backends.run_tasks(**arguments), backends.run_tasks_reference(
        arguments["tasks"], arguments["steps"]
    )


class TestTasks:
    @given(index=st.integers(0, 2**20), steps=st.integers(0, 300))
    @settings(deadline=None)
    def test_python_gives_the_answer_of_the_compiled_loop(self, index, steps):
        assert backends.python_task(index, steps) == backends.compiled_task(index, steps)

    def test_an_answer_tells_its_task(self):
        assert backends.compiled_task(5, 100) == spin(100) ^ 5 != backends.compiled_task(6, 100)

    @pytest.mark.parametrize("pool", ["fresh", "kept"])
    @pytest.mark.parametrize("backend", ["serial", "joblib threads", "thread pool"])
    @pytest.mark.parametrize("task", ["compiled", "python"])
    def test_threads_answer_in_order(self, backend, pool, task):
        found, wanted = answers(tasks=21, steps=50, backend=backend, pool=pool, task=task)
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.uint64

    @pytest.mark.parametrize("backend", ["joblib loky", "process pool"])
    def test_processes_answer_in_order(self, backend):
        found, wanted = answers(tasks=21, steps=50, backend=backend, pool="kept")
        np.testing.assert_array_equal(found, wanted)

    def test_batches_change_no_answer(self):
        for size in (1, 7, "auto"):
            found, wanted = answers(
                tasks=20, steps=3, backend="joblib loky", pool="kept", batch_size=size
            )
            np.testing.assert_array_equal(found, wanted)


class TestPools:
    def test_a_kept_pool_lives_on_and_a_fresh_one_does_not(self):
        before = set(threading.enumerate())
        for _ in range(3):
            backends.run_tasks(8, 0, "thread pool", jobs=3)
        assert set(threading.enumerate()) == before
        for _ in range(3):
            backends.run_tasks(8, 0, "thread pool", jobs=3, pool="kept")
        assert 1 <= len(set(threading.enumerate()) - before) <= 3

    def test_loky_keeps_its_processes_until_a_fresh_pool_ends_them(self):
        def workers():
            with backends.opened("joblib loky", 2, "kept") as run_all:
                return set(run_all(_process_of, ((i,) for i in range(8))))

        first = workers()
        assert first & workers()
        with backends.opened("joblib loky", 2) as run_all:
            run_all(_process_of, [(0,)])
        assert not first & workers()

    def test_a_spawned_worker_is_another_process(self):
        with backends.opened("process pool", 2, "kept") as run_all:
            assert _process_of(0) not in run_all(_process_of, [(0,), (1,)])

    def test_an_error_in_a_task_reaches_the_caller(self):
        with pytest.raises(OverflowError), backends.opened("thread pool", 2) as run_all:
            run_all(backends.compiled_task, [(0, -1)])

    def test_the_start_method_is_the_platforms(self):
        assert backends.start_method() in multiprocessing.get_all_start_methods()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"backend": "ray"}, "no backend 'ray': choose one of serial, joblib threads"),
            ({"backend": "thread pool", "pool": "old"}, "pool='old': a pool is 'fresh' or 'kept'"),
            ({"backend": "thread pool", "jobs": 1}, "thread pool needs at least 2 workers"),
            ({"task": "fortran"}, "no task 'fortran': choose one of compiled, python"),
            ({"tasks": 0}, "run at least 1 task"),
            ({"steps": -1}, "at least 0 steps"),
        ],
    )
    def test_bad_input_is_refused(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            backends.run_tasks(**{"tasks": 1, "steps": 1, **arguments})


class TestData:
    @pytest.mark.parametrize("function", [backends.send_arrays, backends.fetch_arrays])
    @pytest.mark.parametrize("backend", ["serial", "thread pool", "joblib loky", "loky in a block"])
    @pytest.mark.parametrize("size", [8, 2**20, 2**20 + 8])
    def test_arrays_arrive_whole_and_in_order(self, function, backend, size):
        inputs = backends.arrays_inputs(3, size)
        backends.check_sums(function(**inputs, backend=backend, pool="kept"), inputs)

    def test_a_wrong_sum_is_found(self):
        inputs = backends.arrays_inputs(3, 80)
        with pytest.raises(AssertionError):
            backends.check_sums(np.array([0.0, 20.0, 10.0]), inputs)

    @pytest.mark.parametrize(("tasks", "size"), [(0, 8), (1, 0), (1, 12)])
    def test_a_size_that_is_no_array_is_refused(self, tasks, size):
        with pytest.raises(ValueError, match="a multiple of 8 bytes"):
            backends.arrays_inputs(tasks, size)


class TestNaps:
    def test_every_sleep_is_slept(self):
        inputs = backends.naps_inputs(4, 0.001)
        backends.check_naps(backends.run_naps(**inputs, backend="thread pool", jobs=4), inputs)

    def test_a_missing_sleep_is_found(self):
        with pytest.raises(AssertionError, match=r"slept \[0, 2\]"):
            backends.check_naps([0, 2], backends.naps_inputs(2, 0.001))


def _process_of(_):
    return multiprocessing.current_process().pid
