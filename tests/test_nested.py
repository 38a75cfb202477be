import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlocked import nested
from unlocked.kernels import ou_regions
from unlocked.nested import (
    boosting_inputs,
    check_probabilities,
    check_products,
    check_stepped,
    controller,
    on_threads,
    probabilities,
    probabilities_reference,
    process_inputs,
    products,
    products_inputs,
    products_reference,
    stepped,
    stepped_in_processes,
    stepped_in_processes_reference,
    stepped_reference,
    steps_inputs,
)

PAIRS = [(1, 1), (1, 2), (3, 1), (2, 2)]


def within_reach(inner):
    """Numba refuses more threads than it was started with."""
    import numba

    return min(inner, numba.config.NUMBA_NUM_THREADS)


@settings(max_examples=20)
@given(tasks=st.integers(0, 12), jobs=st.integers(1, 5))
def test_answers_come_in_the_order_of_the_tasks(tasks, jobs):
    assert on_threads(lambda k: k * k, tasks, jobs) == [k * k for k in range(tasks)]


def test_every_thread_of_the_pool_begins_with_the_given_call():
    begun = set()
    seen = on_threads(
        lambda _: threading.get_ident() in begun,
        tasks=6,
        jobs=3,
        begin=lambda: begun.add(threading.get_ident()),
    )
    assert all(seen)
    assert threading.get_ident() not in begun


def test_an_error_in_a_task_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        on_threads(lambda k: 1 // k, tasks=2, jobs=2)


@pytest.mark.parametrize(("jobs", "inner"), PAIRS)
def test_products_do_not_depend_on_threads(jobs, inner):
    given_ = products_inputs(size=70, tasks=5, seed=2)
    expected = np.einsum("kij,kjl->kil", *[given_["matrices"]] * 2)
    answer = products(**given_, jobs=jobs, inner=inner)
    np.testing.assert_allclose(answer, expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(answer, products_reference(**given_), rtol=1e-12, atol=1e-12)


def test_the_limit_on_blas_is_put_back():
    before = [lib.num_threads for lib in controller("blas").lib_controllers]
    products(**products_inputs(size=4, tasks=1, seed=2), jobs=1, inner=1)
    assert [lib.num_threads for lib in controller("blas").lib_controllers] == before


@pytest.mark.parametrize("limit", ["in the thread", "around the pool"])
@pytest.mark.parametrize(("jobs", "inner"), PAIRS)
def test_probabilities_do_not_depend_on_threads_to_the_bit(jobs, inner, limit):
    given_ = boosting_inputs(rows=40, tasks=3, seed=2, trees=5)
    answer = probabilities(**given_, jobs=jobs, inner=inner, limit=limit)
    np.testing.assert_array_equal(answer, probabilities_reference(**given_))
    assert answer.shape == (3, 40)
    assert ((answer > 0) & (answer < 1)).all()


def test_another_place_for_the_limit_is_refused():
    given_ = boosting_inputs(rows=4, tasks=1, seed=2, trees=5)
    with pytest.raises(ValueError, match="write 'in the thread' or 'around the pool'"):
        probabilities(**given_, jobs=1, inner=1, limit="somewhere")


def test_candidates_do_not_share_a_model():
    one, other = (boosting_inputs(rows=4, tasks=1, seed=2, trees=5) for _ in range(2))
    assert one["model"] is not other["model"]
    np.testing.assert_array_equal(one["rows"], other["rows"])


@pytest.mark.parametrize(("jobs", "inner"), PAIRS)
def test_stepped_paths_do_not_depend_on_threads_to_the_bit(jobs, inner):
    if jobs > 1 and ou_regions.threading_layer() == "workqueue":
        pytest.skip("workqueue serves one thread at a time")
    given_ = steps_inputs(paths=50, steps=7, tasks=4, seed=2)
    answer = stepped(**given_, jobs=jobs, inner=within_reach(inner))
    np.testing.assert_array_equal(answer, stepped_reference(**given_))


def test_a_stepped_path_follows_the_recurrence():
    given_ = steps_inputs(paths=3, steps=4, tasks=1, seed=2)
    x = 0.0
    for noise in given_["noise"][:, 1]:
        x = x * nested.RELAX + nested.DIFFUSE * noise
    assert stepped(**given_, jobs=1, inner=1)[0, 1] == x


def test_a_layer_that_serves_one_thread_at_a_time_is_not_entered_by_two(monkeypatch):
    monkeypatch.setattr(nested, "_layer", lambda: "workqueue")
    given_ = steps_inputs(paths=3, steps=4, tasks=2, seed=2)
    with pytest.raises(RuntimeError, match="install an OpenMP runtime or the package tbb"):
        stepped(**given_, jobs=2, inner=1)
    assert stepped(**given_, jobs=1, inner=1).shape == (2, 3)


def test_processes_give_the_answer_of_one_thread_to_the_bit():
    given_ = process_inputs(paths=20, steps=3, tasks=3, seed=2)
    answer = stepped_in_processes(
        **given_, jobs=2, inner=1, environment={"OMP_WAIT_POLICY": "PASSIVE"}
    )
    np.testing.assert_array_equal(answer, stepped_in_processes_reference(**given_))
    nested._processes.cache_clear()


def test_a_library_that_is_not_there_is_named():
    with pytest.raises(RuntimeError, match="no abacus library is loaded"):
        controller("abacus")


@pytest.mark.parametrize(
    ("check", "reference", "given_"),
    [
        (check_products, products_reference, products_inputs(size=3, tasks=2, seed=2)),
        (check_stepped, stepped_reference, steps_inputs(paths=3, steps=2, tasks=2, seed=2)),
        (
            check_probabilities,
            probabilities_reference,
            boosting_inputs(rows=3, tasks=2, seed=2, trees=5),
        ),
    ],
)
def test_a_check_passes_the_reference_and_refuses_what_differs(check, reference, given_):
    answer = reference(**given_)
    check(answer, given_)
    answer[1, 0] += 1e-9
    with pytest.raises(AssertionError):
        check(answer, given_)
