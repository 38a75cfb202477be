"""The same forest grows on one worker, on threads and on processes."""

import pytest

from unlocked.inference import training
from unlocked.parallel import backends

GIVEN = {"rows": 60, "trees": 4}


@pytest.fixture(scope="module", autouse=True)
def pools_end_with_the_tests():
    yield
    backends.close_kept()


@pytest.mark.parametrize(("n_jobs", "backend"), [(1, "threading"), (2, "threading"), (2, "loky")])
def test_the_forest_is_the_same(n_jobs, backend):
    given = training.inputs(**GIVEN)
    training.check_fit(training.fit(**given, n_jobs=n_jobs, backend=backend), given)


def test_another_forest_is_refused():
    given = training.inputs(**GIVEN)
    answer = training.fit(**{**given, "seed": 2}, n_jobs=1, backend="threading")
    with pytest.raises(AssertionError):
        training.check_fit(answer, given)
