"""The prediction of one row, taken apart: each of its parts run by itself.

The parts are what scikit-learn's own `predict` calls on its way, and the arithmetic in NumPy alone.
What a part hands on is checked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference import models
from unlocked.inference.models import FloatArray

Once = Callable[[], Any]

WHOLE = "predict"
IN_A_ROW = "all in a row"


@dataclass(frozen=True)
class Part:
    """A part of a prediction.

    Attributes
    ----------
    kind : str
        tags, validation, dispatch, machinery or arithmetic.
    prepare : callable
        Takes the model and the row, and returns what is to be run.
    hands_on : callable
        Takes the same, and returns what that must give.
    """

    kind: str
    prepare: Callable[[Any, FloatArray], Once]
    hands_on: Callable[[Any, FloatArray], Any]


def inputs(name: str, part: str, repeats: int, seed: int = 1) -> dict[str, Any]:
    """Return a part of the prediction by a model: what to run, how often, and what it must give.

    Parameters
    ----------
    name : str
        A key of ``PARTS``.
    part : str
        One of its parts; ``IN_A_ROW`` for all that add up to the whole, one after the other.
    repeats : int
        Runs in a row: of some parts one is too short for a clock.
    """
    model = models.get(name, seed=seed)
    rows = models.inputs(name, 1, seed=seed)["rows"]
    chosen = _in_a_row(name) if part == IN_A_ROW else PARTS[name][part]
    return {
        "once": chosen.prepare(model, rows),
        "repeats": repeats,
        "expected": chosen.hands_on(model, rows),
    }


def run(once: Once, repeats: int, expected: Any) -> Any:
    """Run a part so many times in a row and return its last answer."""
    for _ in range(repeats):
        answer = once()
    return answer


def check(answer: Any, inputs: dict[str, Any]) -> None:
    """Refuse a part that hands on anything else than the whole does at that point.

    Raises
    ------
    AssertionError
    """
    expected = inputs["expected"]
    np.testing.assert_array_equal(answer, expected, strict=isinstance(expected, np.ndarray))


# What every estimator does before it computes


def is_fitted(model: Any, rows: FloatArray) -> Once:
    """Look whether the model was fitted."""
    from sklearn.utils.validation import check_is_fitted

    def once() -> FloatArray:
        check_is_fitted(model)
        return rows

    return once


def names_and_count(model: Any, rows: FloatArray) -> Once:
    """Compare the columns' names and number with those of the training, and read the tags."""
    from sklearn.utils.validation import validate_data

    return lambda: validate_data(model, rows, reset=False, skip_check_array=True)


def values(model: Any, rows: FloatArray) -> Once:
    """Make an array of what was given: its type, its shape, and that every number is finite."""
    from sklearn.utils.validation import check_array

    return lambda: check_array(rows, accept_sparse="csr", estimator=model, input_name="X")


def row(model: Any, rows: FloatArray) -> FloatArray:
    """Return the row as it came."""
    return rows


# Linear models: logistic regression, and the linear support-vector classifier alike


def linear_arithmetic(model: Any, rows: FloatArray) -> Once:
    """Weigh the columns and add."""
    weights, intercept = model.coef_.T, model.intercept_
    return lambda: (rows @ weights + intercept).reshape(-1)


def scores(model: Any, rows: FloatArray) -> FloatArray:
    """Return the row's score, which is above 0 for the second class."""
    return model.decision_function(rows)


def linear_dispatch(model: Any, rows: FloatArray) -> Once:
    """Make labels of scores, by whichever array library the row and the classes belong to."""
    from sklearn.utils._array_api import (
        check_same_namespace,
        get_namespace,
        get_namespace_and_device,
        indexing_dtype,
        move_to,
    )

    found = scores(model, rows)

    def once() -> NDArray[Any]:
        check_same_namespace(rows, model, attribute="coef_", method="predict")
        xp, _, device = get_namespace_and_device(rows)
        get_namespace(rows)
        check_same_namespace(rows, model, attribute="coef_", method="decision_function")
        get_namespace(rows, model.coef_)
        places = xp.astype(xp.reshape(found, (-1,)) > 0, indexing_dtype(xp))
        xp_classes, _, device_classes = get_namespace_and_device(model.classes_)
        places = move_to(places, xp=xp_classes, device=device_classes)
        labels = xp_classes.take(model.classes_, places, axis=0)
        return move_to(labels, xp=xp, device=device)

    return once


# Gaussian naive Bayes


def bayes_dispatch(model: Any, rows: FloatArray) -> Once:
    """Ask which array library the row belongs to."""
    from sklearn.utils._array_api import get_namespace

    def once() -> FloatArray:
        get_namespace(rows)
        get_namespace(rows)
        return rows

    return once


def bayes_arithmetic(model: Any, rows: FloatArray) -> Once:
    """Sum the logarithms of the densities for each class and take the likelier class."""
    means, variances, priors = model.theta_, model.var_, model.class_prior_

    def once() -> NDArray[Any]:
        joint = []
        for mean, variance, prior in zip(means, variances, priors, strict=True):
            constant = -0.5 * np.sum(np.log(2.0 * np.pi * variance))
            constant = constant - 0.5 * np.sum((rows - mean) ** 2 / variance, axis=1)
            joint.append(np.log(prior) + constant)
        return model.classes_[np.argmax(np.stack(joint).T, axis=1)]

    return once


# The random forest


def forest_checks(model: Any, rows: FloatArray) -> Once:
    """Do all the checks above, and round the row to float32, which the trees read."""
    return lambda: model._validate_X_predict(rows)


def as_float32(model: Any, rows: FloatArray) -> NDArray[np.float32]:
    """Return the row as the trees read it."""
    return rows.astype(np.float32)


def empty_tasks(model: Any, rows: FloatArray) -> Once:
    """Send joblib one task a tree, with nothing to do in it."""
    from sklearn.utils.parallel import Parallel, delayed

    count = len(model.estimators_)
    return lambda: Parallel(n_jobs=model.n_jobs, require="sharedmem")(
        delayed(_itself)(index) for index in range(count)
    )


def _itself(index: int) -> int:
    return index


def every_index(model: Any, rows: FloatArray) -> list[int]:
    """Return the tasks' answers."""
    return list(range(len(model.estimators_)))


def calls_of_trees(model: Any, rows: FloatArray) -> Once:
    """Call every tree's `predict_proba` without its input check, as the forest does."""
    read = as_float32(model, rows)
    return lambda: [tree.predict_proba(read, check_input=False) for tree in model.estimators_]


def descents(model: Any, rows: FloatArray) -> Once:
    """Go down every tree in compiled code: what the calls above are for."""
    read = as_float32(model, rows)
    trees = [tree.tree_ for tree in model.estimators_]
    return lambda: [tree.predict(read) for tree in trees]


def leaves(model: Any, rows: FloatArray) -> list[FloatArray]:
    """Return each tree's probabilities."""
    return [tree.predict_proba(rows) for tree in model.estimators_]


def vote(model: Any, rows: FloatArray) -> Once:
    """Add the trees' probabilities under a lock, divide, and take the likeliest class."""
    answers = leaves(model, rows)
    lock, classes = Lock(), model.classes_

    def once() -> NDArray[Any]:
        total = np.zeros((len(rows), len(classes)))
        for answer in answers:
            with lock:
                total += answer
        total /= len(answers)
        return classes.take(np.argmax(total, axis=1), axis=0)

    return once


# The whole


def whole(model: Any, rows: FloatArray) -> Once:
    """Predict the row."""
    return lambda: model.predict(rows)


def label(model: Any, rows: FloatArray) -> NDArray[Any]:
    """Return the row's label."""
    return model.predict(rows)


_BEFORE = {
    "is it fitted?": Part("tags", is_fitted, row),
    "names and tags": Part("tags", names_and_count, row),
    "checks of values": Part("validation", values, row),
}
_WHOLE = {WHOLE: Part("whole", whole, label)}

PARTS: dict[str, dict[str, Part]] = {
    "logistic": {
        **_WHOLE,
        **_BEFORE,
        "arithmetic": Part("arithmetic", linear_arithmetic, scores),
        "labels, by array libraries": Part("dispatch", linear_dispatch, label),
    },
    "bayes": {
        **_WHOLE,
        **_BEFORE,
        "array libraries": Part("dispatch", bayes_dispatch, row),
        "arithmetic": Part("arithmetic", bayes_arithmetic, label),
    },
    "forest": {
        **_WHOLE,
        "is it fitted?": Part("tags", is_fitted, row),
        "checks of the row": Part("validation", forest_checks, as_float32),
        "joblib's tasks": Part("machinery", empty_tasks, every_index),
        "calls of trees": Part("machinery", calls_of_trees, leaves),
        "descents": Part("arithmetic", descents, leaves),
        "vote": Part("arithmetic", vote, label),
    },
}
"""Parts by model, in the order in which `predict` comes to them.

The `descents` of the forest happen within its `calls of trees`.
"""

WITHIN = {"descents": "calls of trees"}


def adding_up(name: str) -> list[str]:
    """Parts whose times add up to the whole: all that lie within no other."""
    return [part for part in PARTS[name] if part != WHOLE and part not in WITHIN]


def _in_a_row(name: str) -> Part:
    """All parts together: no part finds the caches as it left them itself."""

    def prepare(model: Any, rows: FloatArray) -> Once:
        parts = [PARTS[name][part].prepare(model, rows) for part in adding_up(name)]

        def once() -> Any:
            for part in parts:
                answer = part()
            return answer

        return once

    return Part("whole", prepare, label)
