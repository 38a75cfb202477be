import numba
import pytest
import threadpoolctl

from unlocked import census
from unlocked.fresh_process import can_pin
from unlocked.lab.timing import Comparison, call, candidate


def test_libraries_are_named():
    found = census.libraries()
    assert found.numba in ("omp", "tbb", "workqueue")
    assert found.numba_nests == (found.numba != "workqueue")
    assert found.openmp


def test_a_limit_around_the_pool_does_not_reach_openmp_in_its_threads():
    around, within = "threadpool_limits(1) around the pool", "threadpool_limits(1) in each thread"
    with threadpoolctl.threadpool_limits(2):
        heard = census.hear(["no limit", around, within], jobs=2)
    assert heard[within]["OpenMP"] == 1
    assert heard[around]["OpenMP"] == heard["no limit"]["OpenMP"]


def test_numba_in_a_new_thread_hears_only_what_is_set_there():
    around = "numba.set_num_threads(1) around the pool"
    heard = census.hear([around, "numba.set_num_threads(1) in each thread"], jobs=2)
    assert heard[around]["Numba"] == numba.config.NUMBA_NUM_THREADS
    assert heard["numba.set_num_threads(1) in each thread"]["Numba"] == 1


def test_limits_are_put_back():
    before = census.threads_here()
    census.hear(["threadpool_limits(1) in each thread"], jobs=2)
    assert census.threads_here() == before


def test_an_unknown_limit_is_refused():
    with pytest.raises(ValueError, match="'please' is not one of no limit, threadpool_limits"):
        census.hear(["please"], jobs=1)


def test_every_limit_is_asked_and_the_environment_is_heard():
    heard = {one.limit: one.threads for one in census.who_hears(jobs=2)}
    assert tuple(heard) == census.LIMITS
    assert heard["OMP_NUM_THREADS=1 before the start"]["OpenMP"] == 1


@pytest.mark.skipif(not can_pin(), reason="this system pins no process to cores")
def test_joblib_and_openmp_count_the_cores_that_a_process_may_use():
    counted = census.core_counts(pin_to=1)
    assert counted["pinned"]["joblib.cpu_count()"] == 1
    assert counted["pinned"]["threads of OpenMP"] == 1
    assert counted["free"].keys() == counted["pinned"].keys()


def test_the_threads_of_a_pool_are_counted():
    subject = candidate("unlocked.nested:products", jobs=3, inner=1)
    inputs = call("unlocked.nested:products_inputs", size=100, tasks=12, seed=1)
    found = census.footprints({"three": subject}, inputs)["three"]
    assert found.before < found.most <= found.before + 3
    assert found.voluntary >= 0


def test_threads_told_to_sleep_spend_nothing_after_a_call():
    found = census.after_the_call(repeats=1)
    assert list(found) == ["BLAS", "OpenMP", "Numba", "BLAS, told to sleep at once"]
    assert all(len(spent) == 1 and spent[0] >= 0 for spent in found.values())
    (told,) = found["BLAS, told to sleep at once"]
    assert told < census.PAUSE_SECONDS / 4


def test_the_ratio_of_cpu_times_is_taken_round_by_round():
    times = {"one": [[1.0, 2.0]] * 5, "two": [[3.0, 6.0]] * 5}
    fields = dict.fromkeys(("seconds", "cpu_seconds", "own_cpu_seconds", "waited", "steal"), times)
    made = Comparison(
        baseline="one",
        names=["one", "two"],
        threads=1,
        cores=1,
        first_call={},
        calls={},
        control=[],
        short_rounds=0,
        repeated_rounds=0,
        **fields,
    )
    ratio = census.cpu_ratio(made, "two", over="one")
    assert ratio.estimate == pytest.approx(3.0)
    assert ratio.low < 3.0 < ratio.high
