"""Every way to make the paths gives the same bits, and what cannot be made is refused in words."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.kernels import ou_parallel
from unlocked.kernels.ou import update_reference
from unlocked.kernels.ou_parallel import Work

NUMBA = "unlocked.kernels.ou_numba:update_numba"
STEPS = 2 * ou_parallel.BLOCK + 17
WORK = Work(num_paths=5, num_steps=STEPS, seed=7, x0=1.5)


@pytest.fixture(scope="module", autouse=True)
def _no_workers_left():
    yield
    ou_parallel.close_workers()


@pytest.fixture(scope="module")
def expected():
    """The paths by the reference kernel, each from its child of the spawned seed."""
    paths = np.empty((WORK.num_paths, STEPS + 1))
    for child, path in zip(np.random.SeedSequence(7).spawn(5), paths, strict=True):
        noise = np.random.default_rng(child).standard_normal(STEPS)
        update_reference(noise, path, *WORK.process)
    return paths


@pytest.mark.parametrize("kernel", [ou_parallel.CYTHON, NUMBA])
@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_return_the_reference_paths(expected, kernel, threads):
    paths = ou_parallel.simulate_threads(WORK, threads, kernel)
    np.testing.assert_array_equal(paths, expected)


@pytest.mark.parametrize("prefer", ["threads", "processes"])
def test_joblib_returns_the_reference_paths(expected, prefer):
    paths = ou_parallel.simulate_joblib(WORK, jobs=2, prefer=prefer)
    np.testing.assert_array_equal(paths, expected)


def test_a_pool_made_for_the_call_returns_the_reference_paths(expected):
    np.testing.assert_array_equal(ou_parallel.simulate_new_pool(WORK, 2), expected)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_kept_processes_return_the_reference_paths(expected, processes):
    paths = ou_parallel.simulate_processes(WORK, processes, workers=3)
    np.testing.assert_array_equal(paths, expected)


@pytest.mark.parametrize("caller", [False, True])
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_in_place_write_the_reference_paths(expected, threads, caller):
    out = np.full_like(expected, np.nan)
    ou_parallel.simulate_threads_into(out, WORK, threads, caller)
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_processes_in_place_write_what_threads_return(processes):
    given = ou_parallel.shared_inputs(5, STEPS, seed=7, workers=3)
    assert np.isnan(given["out"]).all()
    ou_parallel.simulate_processes_into(**given, processes=processes, workers=3)
    ou_parallel.check_results(given["out"], given)


@given(st.integers(0, 3 * ou_parallel.BLOCK), st.integers(0, 2**64), st.integers(0, 9))
def test_noise_in_blocks_has_the_bits_of_noise_at_once(num_steps, seed, path):
    work = Work(1, num_steps, seed)
    out = np.full(num_steps + 1, np.nan)
    ou_parallel.simulate_one_into(out, work, path)
    np.testing.assert_array_equal(out, ou_parallel.simulate_one(work, path))


@pytest.mark.parametrize("heavy", [True, False])
@pytest.mark.parametrize("much", [True, False])
def test_kinds_of_work_differ_in_steps_and_in_what_they_return(heavy, much):
    work = Work(2, 1000, seed=3, heavy=heavy, much=much)
    here = ou_parallel.simulate_threads(work)
    there = ou_parallel.simulate_processes(work, 2, workers=3)
    np.testing.assert_array_equal(here, there)
    assert np.shape(here) == ((2, 1001) if much else (2,))
    steps = 1000 if heavy else 1000 // ou_parallel.LIGHT
    last = [ou_parallel.simulate_one(Work(2, steps, seed=3), path)[-1] for path in range(2)]
    np.testing.assert_array_equal([np.ravel(result)[-1] for result in here], last)


def test_the_check_finds_a_wrong_bit():
    given = ou_parallel.work_inputs(3, 50, seed=1)
    paths = ou_parallel.simulate_threads(**given)
    ou_parallel.check_results(paths, given)
    paths[2][7] = np.nextafter(paths[2][7], np.inf)
    with pytest.raises(AssertionError, match="path 2 differs"):
        ou_parallel.check_results(paths, given)
    with pytest.raises(AssertionError, match="2 results, not 3"):
        ou_parallel.check_results(paths[:2], given)


def test_processes_refuse_memory_that_they_do_not_see():
    with pytest.raises(ValueError, match="take the one of shared_inputs"):
        ou_parallel.simulate_processes_into(np.empty((5, STEPS + 1)), WORK, 1, workers=3)


@pytest.mark.parametrize("processes", [0, 4])
def test_more_processes_than_workers_are_refused(processes):
    with pytest.raises(ValueError, match=r"must lie between 1 and workers=3"):
        ou_parallel.simulate_processes(WORK, processes, workers=3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"num_paths": 0}, "num_paths must be 1 or more"),
        ({"num_steps": -1}, "must be 0 or more"),
        ({"num_steps": 1e3}, "must be an int"),
        ({"tau": 0.0}, "tau must be finite and above 0"),
    ],
)
def test_work_that_cannot_be_done_is_refused(wrong, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Work(**{"num_paths": 1, "num_steps": 1, "seed": 1} | wrong)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_kernel_alone_gives_the_reference_paths(threads):
    given = ou_parallel.same_noise_inputs(3, 400, seed=5)
    noise = {name: value for name, value in given.items() if name != "out"}
    wanted = np.empty(401)
    update_reference(given["noise"][0].copy(), wanted, 0.1, 0.0, 1.0, 2.0)
    for paths in (
        ou_parallel.update_reference_paths(**given),
        ou_parallel.update_new(**noise, threads=threads),
        ou_parallel.update_new(**noise, threads=threads, kernel=NUMBA),
        ou_parallel.update_new_joblib(**noise, jobs=threads),
    ):
        np.testing.assert_array_equal(paths, [wanted] * 3)


def test_all_paths_share_the_memory_of_one_noise():
    noise = ou_parallel.same_noise_inputs(4, 10, seed=5, with_out=False)["noise"]
    assert np.shares_memory(noise[0], noise[3])


@given(st.integers(1, 5), st.integers(0, 3000), st.integers(1, 3))
def test_touching_counts_every_page_once(num_paths, num_steps, threads):
    given = ou_parallel.touch_inputs(num_paths, num_steps)
    ou_parallel.check_touched(ou_parallel.touch_threads(**given, threads=threads), given)
    with pytest.raises(AssertionError, match="pages were written"):
        ou_parallel.check_touched(0, given)


def test_processes_touch_as_many_pages():
    given = ou_parallel.touch_inputs(5, 2000)
    pages = ou_parallel.touch_processes(**given, processes=2, workers=2)
    ou_parallel.check_touched(pages, given)


@pytest.mark.skipif(not ou_parallel.fresh_memory_for_large_arrays(), reason="no such setting here")
def test_new_arrays_cost_page_faults_and_arrays_in_place_do_not():
    faults = ou_parallel.page_faults(num_paths=2, num_steps=300_000, seed=1)
    assert faults["kernel, new arrays"] > faults["kernel, in place"] + 2
    assert faults["simulation, new arrays"] > faults["simulation, in place"] + 4


def test_counting_by_default_gives_the_setting_back(monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "12345")
    found = ou_parallel.new_pages_by_default(num_paths=2, num_steps=100_000)
    assert list(found) == ["one thread", "two threads"]
    assert min(found.values()) >= 0
    assert os.environ["MALLOC_MMAP_THRESHOLD_"] == "12345"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads cannot be restricted")
def test_cores_are_restricted_and_given_back():
    before = os.sched_getaffinity(0)
    with ou_parallel.on_cores(1):
        assert len(os.sched_getaffinity(0)) == 1
        inside = ou_parallel._on_threads(lambda _: os.sched_getaffinity(0), range(3), 3)
        assert inside == [os.sched_getaffinity(0)] * 3
    assert os.sched_getaffinity(0) == before
    with ou_parallel.on_cores(0):
        assert os.sched_getaffinity(0) == before


def test_results_do_not_depend_on_who_makes_them():
    prints = ou_parallel.fingerprints(num_paths=4, num_steps=500, seed=2, jobs=2)
    own, racing = prints[:-2], prints[-2:]
    assert len({text for _, text in own}) == 1
    assert racing[0][0] == "one generator for all threads"
