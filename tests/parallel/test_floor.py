import multiprocessing.pool
import time

import joblib.parallel
import numpy as np
import pytest

from unlocked.parallel import backends, floor

FAST = 0.0001


def fastest(function, repeats=5):
    """Least wall time of a few calls."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def empty_call():
    return backends.run_tasks(4, 0, "joblib threads")


class TestPoll:
    def test_the_installed_joblib_polls(self):
        assert floor.installed_poll() == 0.01

    def test_every_look_sleeps_as_told_and_the_module_is_restored(self, monkeypatch):
        slept = []
        monkeypatch.setattr(time, "sleep", lambda seconds: slept.append(seconds))
        with floor.polling_every(FAST):
            joblib.parallel.time.sleep(0.01)
            assert joblib.parallel.time.time() == pytest.approx(time.time(), abs=60)
        assert slept == [FAST]
        assert joblib.parallel.time is time

    def test_it_is_restored_after_an_error(self):
        with pytest.raises(KeyError), floor.polling_every(FAST):
            raise KeyError
        assert joblib.parallel.time is time

    def test_nested_use_is_refused(self):
        with (
            floor.polling_every(FAST),
            pytest.raises(RuntimeError, match="sleep from elsewhere"),
            floor.polling_every(FAST),
        ):
            pass

    def test_answers_stay_the_same(self):
        np.testing.assert_array_equal(
            floor.run_polling(9, 20, FAST, "joblib threads"), backends.run_tasks_reference(9, 20)
        )


class TestTidying:
    def test_the_retry_is_as_told_and_restored(self):
        before = floor.installed_retry()
        with floor.tidying_every(FAST):
            assert floor.installed_retry() == FAST
        assert floor.installed_retry() == before

    def test_answers_stay_the_same(self):
        inputs = backends.arrays_inputs(2, 2**20 + 8)
        backends.check_sums(floor.send_tidying(**inputs, retry=FAST), inputs)
        backends.close_kept()


class TestOldPool:
    def test_the_constant_of_a_tenth_of_a_second_is_that_sleep(self):
        """Erratum 4: put back, it is the floor of a call that does nothing; else it is not."""
        assert fastest(lambda: floor.run_on_sleeping_pool(4, 0)) >= 0.9 * floor.OLD_SLEEP
        assert fastest(empty_call) < floor.OLD_SLEEP

    def test_the_pool_is_restored(self):
        waiting = vars(multiprocessing.pool.Pool)["_wait_for_updates"]
        with floor.sleeping_pool():
            assert vars(multiprocessing.pool.Pool)["_wait_for_updates"] is not waiting
        assert vars(multiprocessing.pool.Pool)["_wait_for_updates"] is waiting

    def test_another_pool_is_refused_with_advice(self, monkeypatch):
        monkeypatch.delattr(multiprocessing.pool.Pool, "_wait_for_updates")
        with pytest.raises(RuntimeError, match="adapt sleeping_pool"), floor.sleeping_pool():
            pass

    def test_answers_stay_the_same(self):
        np.testing.assert_array_equal(
            floor.run_on_sleeping_pool(5, 20), backends.run_tasks_reference(5, 20)
        )
