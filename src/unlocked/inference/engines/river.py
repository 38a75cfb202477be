"""river: models that learn and predict one record at a time.

river takes over no model of scikit-learn's: it learns its own. So it is compared with the model of
scikit-learn that is closest to it and has seen the same records in the same order. Each is given a
record in its own form: river a dictionary, scikit-learn an array of one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from unlocked.inference.engines import equality, onnx_runtime
from unlocked.inference.engines.predictor import Predictor

Record = dict[int, float]
Kind = Literal["logistic regression", "naive Bayes"]
KINDS: tuple[Kind, ...] = ("logistic regression", "naive Bayes")
LEARNING_RATE = 0.01
LEARNED = 2_000
"""Records of the stream."""

TOLERANCE = 1e-9
FLOOR = 10e-10
"""What river adds to every density of naive Bayes, so that its logarithm exists."""


def unsupported(model: Any) -> str:
    """Nothing is supported: river learns models of its own."""
    return "river takes over no fitted model: it learns models of its own"


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Refuse, and say why.

    Raises
    ------
    ValueError
    """
    raise ValueError(unsupported(model))


@dataclass(frozen=True)
class Pair:
    """Two models that learned the same stream: river's, and the closest of scikit-learn's."""

    river: Any
    sklearn: Any


@cache
def pair(kind: Kind, features: int, seed: int) -> Pair:
    """Let both learn the stream.

    Logistic regression by stochastic gradient descent with a constant rate and no penalty is the
    same algorithm in both. Naive Bayes estimates variances a little differently.
    """
    from river import linear_model, naive_bayes, optim
    from sklearn.linear_model import SGDClassifier
    from sklearn.naive_bayes import GaussianNB

    rows, labels = stream(features, seed)
    ours: Any
    if kind == "logistic regression":
        ours = linear_model.LogisticRegression(
            optimizer=optim.SGD(LEARNING_RATE), intercept_lr=LEARNING_RATE
        )
        theirs = SGDClassifier(
            loss="log_loss",
            penalty=None,
            learning_rate="constant",
            eta0=LEARNING_RATE,
            shuffle=False,
        )
    else:
        ours, theirs = naive_bayes.GaussianNB(), GaussianNB()
    for record, label in zip(records(rows), labels.tolist(), strict=True):
        ours.learn_one(record, label)
    return Pair(ours, theirs.partial_fit(rows, labels, classes=[0, 1]))


def stream(features: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows in the order in which they are learned, float64, and their labels."""
    from sklearn.datasets import make_classification

    rows, labels = make_classification(LEARNED, n_features=features, random_state=seed)
    return rows, labels.astype(np.int64)


def records(rows: NDArray[Any]) -> list[Record]:
    """Rows as river takes them."""
    return [dict(enumerate(row)) for row in rows.tolist()]


def inputs(
    kind: Kind, library: Literal["river", "sklearn", "onnxruntime"], features: int, seed: int
) -> Any:
    """Return ``predict``, ``record`` and ``expected``, for :func:`answer`: the stream's first.

    ONNX Runtime is given scikit-learn's model, and its row in the type that its graph takes.
    """
    record: Any
    models = pair(kind, features, seed)
    row = stream(features, seed)[0][:1]
    if library == "river":
        expected = by_formula(kind, models.river, row)[0]
        predict, record = models.river.predict_proba_one, records(row)[0]
        return {"predict": predict, "record": record, "expected": expected}
    expected = by_formula(kind, models.sklearn, row)[0]
    if library == "sklearn":
        return {"predict": models.sklearn.predict_proba, "record": row, "expected": expected}
    converted = onnx_runtime.convert(models.sklearn)
    record = row.astype(np.float64 if kind == "naive Bayes" else np.float32)
    return {"predict": converted.answer, "record": record, "expected": expected}


def answer(predict: Callable[[Any], Any], record: Any, expected: float) -> Any:
    """Probabilities of one record; what is expected is for the check alone."""
    return predict(record)


def check(answer: Any, inputs: dict[str, Any]) -> None:
    """Refuse a probability of class 1 that is not what the model's own parameters give.

    They give it to 1e-9; in float32, in which ONNX Runtime may compute, to 1e-6 as every engine.
    """
    found = answer[1] if isinstance(answer, dict) else answer[0, 1]
    tolerance = (
        TOLERANCE if isinstance(answer, dict) or answer.dtype == np.float64 else equality.TOLERANCE
    )
    assert abs(found - inputs["expected"]) <= tolerance, f"{found}, not {inputs['expected']}"


def by_formula(kind: Kind, model: Any, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Probability of class 1 in NumPy, from the parameters that a model of either has learned."""
    is_sklearn = hasattr(model, "partial_fit")
    if kind == "logistic regression":
        weights = model.coef_[0] if is_sklearn else [model.weights[j] for j in range(rows.shape[1])]
        intercept = model.intercept_[0] if is_sklearn else model.intercept
        return 1 / (1 + np.exp(-(rows @ np.asarray(weights) + intercept)))
    logs = [_log_likelihood(model, label, rows, is_sklearn) for label in (0, 1)]
    return 1 / (1 + np.exp(logs[0] - logs[1]))


def _log_likelihood(
    model: Any, label: int, rows: NDArray[Any], is_sklearn: bool
) -> NDArray[np.float64]:
    if is_sklearn:
        prior, means, variances = model.class_prior_[label], model.theta_[label], model.var_[label]
        floor = 0.0
    else:
        gaussians = [model.gaussians[label][j] for j in range(rows.shape[1])]
        prior, floor = model.p_class(label), FLOOR
        means = np.array([gaussian.mu for gaussian in gaussians])
        variances = np.array([gaussian.sigma for gaussian in gaussians]) ** 2
    densities = np.exp(-((rows - means) ** 2) / (2 * variances)) / np.sqrt(2 * np.pi * variances)
    return np.asarray(np.log(prior) + np.log(floor + densities).sum(axis=1))


class Difference(BaseModel):
    """How the answers of a pair differ.

    Attributes
    ----------
    rows : int
    largest : float
        Largest difference of a probability.
    labels : int
        Rows with another label.
    """

    rows: int
    largest: float
    labels: int


def differences(features: int, seed: int) -> dict[Kind, Difference]:
    """Compare the answers of each pair to the records that it has learned."""
    rows, _ = stream(features, seed)
    found: dict[Kind, Difference] = {}
    for kind in KINDS:
        models = pair(kind, features, seed)
        ours = np.array([models.river.predict_proba_one(record)[1] for record in records(rows)])
        theirs = models.sklearn.predict_proba(rows)[:, 1]
        found[kind] = Difference(
            rows=len(rows),
            largest=float(np.abs(ours - theirs).max()),
            labels=int(((ours > 0.5) != (theirs > 0.5)).sum()),
        )
    return found
