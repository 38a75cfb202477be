"""Training a forest by one worker, on threads, and on processes; and predicting on its threads."""

from functools import cache
from typing import Any

import joblib
import numpy as np

from unlocked.inference import models
from unlocked.inference.models import FloatArray, Labels


def inputs(rows: int, trees: int, seed: int = 1) -> dict[str, Any]:
    """Return ``rows`` (float64, shape (rows, 10)), their ``classes``, ``trees`` and ``seed``."""
    drawn, classes = models.draw(rows, seed=seed)
    return {"rows": drawn, "classes": classes, "trees": trees, "seed": seed}


def fit(
    rows: FloatArray, classes: Labels, trees: int, seed: int, n_jobs: int, backend: str
) -> FloatArray:
    """Fit a forest with `n_jobs` workers, and return the thresholds of all its trees.

    Parameters
    ----------
    backend : {"threading", "loky"}
        joblib's threads, which scikit-learn prefers for a forest, or its kept processes.
    """
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(trees, random_state=seed)
    with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
        model.fit(rows, classes)
    return np.concatenate([tree.tree_.threshold for tree in model.estimators_])


def predict_with(model: Any, rows: FloatArray, n_jobs: int) -> Labels:
    """Predict with a forest that may use `n_jobs` of joblib's threads."""
    return model.set_params(n_jobs=n_jobs).predict(rows)


def check_fit(answer: FloatArray, inputs: dict[str, Any]) -> None:
    """Refuse a forest that differs from the one that a single worker fits.

    Raises
    ------
    AssertionError
    """
    trees, seed = inputs["trees"], inputs["seed"]
    np.testing.assert_array_equal(answer, _by_one_worker(len(inputs["rows"]), trees, seed))


@cache
def _by_one_worker(rows: int, trees: int, seed: int) -> FloatArray:
    return fit(**inputs(rows, trees, seed), n_jobs=1, backend="threading")
