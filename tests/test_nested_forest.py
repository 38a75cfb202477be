import numpy as np
import pytest

from unlocked.nested_forest import (
    Latencies,
    answers,
    check_predicted,
    forest_inputs,
    latencies,
    predicted,
    predicted_reference,
    serve_once,
)


@pytest.mark.parametrize("outer", ["alone", "threads", "joblib"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_predictions_do_not_depend_on_threads(outer, n_jobs):
    given = forest_inputs(rows=30, trees=5, calls=2, seed=3)
    answer = predicted(**given, n_jobs=n_jobs, outer=outer)
    np.testing.assert_array_equal(answer, predicted_reference(**given))
    assert answer.shape == (2, 30)
    assert set(np.unique(answer)) == {0, 1}


def test_one_other_label_is_refused():
    given = forest_inputs(rows=30, trees=5, calls=2, seed=3)
    answer = predicted_reference(**given)
    check_predicted(answer, given)
    answer[1, 7] = 1 - answer[1, 7]
    with pytest.raises(AssertionError):
        check_predicted(answer, given)


def test_another_outer_pool_is_refused():
    given = forest_inputs(rows=3, trees=5, calls=2, seed=3)
    with pytest.raises(ValueError, match="write 'alone', 'threads' or 'joblib'"):
        predicted(**given, n_jobs=1, outer="processes")


def test_candidates_do_not_share_a_forest():
    one, other = (forest_inputs(rows=3, trees=5, calls=2, seed=3)["model"] for _ in range(2))
    assert one is not other


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_every_client_gets_every_answer(n_jobs):
    model, rows, _ = forest_inputs(rows=2, trees=5, calls=1, seed=3).values()
    labels, seconds = answers(model, rows, n_jobs, clients=3, requests=4)
    np.testing.assert_array_equal(labels, np.broadcast_to(model.predict(rows), (3, 4, 2)))
    assert len(seconds) == 12
    assert min(seconds) > 0


def test_settings_are_served_in_turn():
    first, second = serve_once([2, 1], trees=5, clients=2, requests=3, request_rows=1, seed=3)
    assert len(first) == len(second) == 6


def test_latencies_hold_every_request_of_every_process():
    found = latencies([1, 2], trees=5, clients=2, requests=3, request_rows=1, seed=3, processes=1)
    assert {n_jobs: [len(run) for run in runs] for n_jobs, runs in found.seconds.items()} == {
        1: [6],
        2: [6],
    }


def test_percentiles_and_ratios_of_known_latencies():
    known = Latencies(seconds={1: [[1.0, 2.0, 3.0], [2.0]], 2: [[4.0, 4.0, 4.0], [4.0]]})
    assert known.percentile(1, 0.5) == 2.0
    assert known.ratio(2, over=1).estimate == pytest.approx(2.0)
    assert known.ratio(1, over=1).estimate == 1.0
    assert Latencies.model_validate_json(known.model_dump_json()) == known
