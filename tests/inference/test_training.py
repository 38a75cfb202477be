"""The same forest grows on one worker, on threads and on processes."""

import numpy as np
import pytest

from unlocked.inference import models, training
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


def test_the_forests_own_threads_change_no_label():
    rows, classes = models.draw(60)
    model = models.untrained("forest").fit(rows, classes)
    alone, shared = (training.predict_with(model, rows, n_jobs) for n_jobs in (1, 2))
    np.testing.assert_array_equal(alone, shared, strict=True)
