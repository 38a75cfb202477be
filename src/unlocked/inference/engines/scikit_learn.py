"""scikit-learn itself, as it comes and without the validation of its input."""

from copy import copy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.predictor import Function, Predictor, Rows, from_probabilities


def unsupported(model: Any, validate: bool = True) -> str | None:
    """Everything is supported."""
    return None


def convert(
    model: Any, threads: int = 1, folder: Path | None = None, validate: bool = True
) -> Predictor:
    """Take the model as it is.

    Parameters
    ----------
    validate : bool
        False skips, for a random forest or extra trees, all that happens outside of the trees:
        checks of shape, feature names and finiteness, and joblib. Each tree's documented
        ``tree_.predict`` is called, which needs float32, and the sum is taken in the same order.
        For any other estimator it skips the search for infinity and NaN alone
        (``assume_finite``).
    """
    model = copy(model)
    if hasattr(model, "n_jobs"):
        model.n_jobs = threads
    if validate:
        return Predictor(model.predict, getattr(model, "predict_proba", None))
    if _is_forest(model):
        mean = partial(_mean_of_trees, [tree.tree_ for tree in model.estimators_])
        if hasattr(model, "classes_"):
            return from_probabilities(model.classes_, mean)
        return Predictor(lambda rows: mean(rows)[:, 0])
    has_probabilities = hasattr(model, "predict_proba")
    return Predictor(
        _assuming_finite(model.predict),
        _assuming_finite(model.predict_proba) if has_probabilities else None,
    )


def _is_forest(model: Any) -> bool:
    from sklearn import ensemble

    return isinstance(
        model,
        ensemble.RandomForestClassifier
        | ensemble.RandomForestRegressor
        | ensemble.ExtraTreesClassifier
        | ensemble.ExtraTreesRegressor,
    )


def _mean_of_trees(trees: list[Any], rows: Rows) -> NDArray[np.float64]:
    rows = rows.astype(np.float32, copy=False)
    total = np.zeros((len(rows), trees[0].max_n_classes))
    for tree in trees:
        total += tree.predict(rows)
    total /= len(trees)
    return total


def _assuming_finite(function: Function) -> Function:
    from sklearn import config_context

    def predict(rows: Rows) -> NDArray[Any]:
        with config_context(assume_finite=True):
            return function(rows)

    return predict
