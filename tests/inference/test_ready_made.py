"""Ready-made answers are the model's own, whichever slice of the rows is asked for."""

import numpy as np
import pytest

from unlocked.inference import models, predict, ready_made


@pytest.fixture
def given(monkeypatch, tmp_path_factory):
    monkeypatch.setattr(models, "MODELS", tmp_path_factory.getbasetemp() / "models")
    return ready_made.inputs("bayes", rows=101)


@pytest.mark.parametrize("backend", ["serial", "thread pool", "joblib threads"])
@pytest.mark.parametrize("n_jobs", [1, 2, 7])
def test_pieces_of_the_answers_come_together(given, backend, n_jobs):
    wanted = models.get("bayes").predict(given["rows"])
    answer = predict.in_pieces(**given, n_jobs=n_jobs, backend=backend)
    np.testing.assert_array_equal(answer, wanted, strict=True)


def test_a_shorter_poll_changes_no_answer(given):
    wanted = models.get("bayes").predict(given["rows"])
    answer = ready_made.polled(**given, n_jobs=3, poll=0.0001)
    np.testing.assert_array_equal(answer, wanted, strict=True)
