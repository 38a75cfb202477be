"""When two answers are the same: the entry ticket to every timing of an engine."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

TOLERANCE = 1e-6
"""Largest absolute difference of a probability; of a regression, relative to values above 1."""


class Agreement(BaseModel):
    """How an engine's answers to some rows compare with scikit-learn's.

    Attributes
    ----------
    rows : int
    difference : float or None
        Largest difference of a probability, or of a regression's value; None for a model that
        gives labels alone.
    beyond : int
        Rows whose probabilities (or values) differ by more than 1e-6.
    ties : int
        Rows whose two best classes are within 1e-6 of each other: they have no sure label.
    flipped : int
        Rows at ties that are labelled otherwise.
    wrong : int
        Rows away from ties that are labelled otherwise.
    """

    rows: int
    difference: float | None
    beyond: int
    ties: int
    flipped: int
    wrong: int

    @property
    def equal(self) -> bool:
        """Whether probabilities agree to 1e-6 and labels away from ties."""
        return self.beyond == 0 and self.wrong == 0


class Expected:
    """What scikit-learn answers to some rows, and which of its labels are sure.

    Parameters
    ----------
    model : scikit-learn estimator
        Fitted, with one output.
    rows : ndarray, shape (rows, features)

    Attributes
    ----------
    answer : ndarray
        Probabilities where the model has them, and otherwise what it predicts.
    has_labels : bool
        Whether the model is a classifier.
    graded : bool
        Whether `answer` holds numbers that may be compared up to a tolerance, not labels.
    sure : ndarray of bool, shape (rows,)
        False at ties.
    """

    def __init__(self, model: Any, rows: NDArray[Any]) -> None:
        from sklearn.base import is_classifier

        self._model, self._rows = model, rows
        has_probabilities = hasattr(model, "predict_proba")
        self.answer = np.asarray(
            (model.predict_proba if has_probabilities else model.predict)(rows)
        )
        self.has_labels = is_classifier(model)
        self.graded = has_probabilities or not self.has_labels
        self.sure = np.ones(len(rows), dtype=bool)
        if self.has_labels:
            scores = self.answer if has_probabilities else np.asarray(model.decision_function(rows))
            self.sure = _margin(scores) > TOLERANCE

    @cached_property
    def predicted(self) -> NDArray[Any]:
        """Labels or values, shape (rows,)."""
        return np.asarray(self._model.predict(self._rows))

    def agreement(self, answer: NDArray[Any], predicted: NDArray[Any]) -> Agreement:
        """Compare both answers of an engine, as ``Predictor`` gives them."""
        beyond, largest = 0, None
        if self.graded:
            differences = self._differences(answer)
            beyond = int((~(differences <= TOLERANCE)).reshape(len(differences), -1).any(1).sum())
            largest = float(differences.max(initial=0.0))
        other = np.zeros(len(self.sure), dtype=bool)
        if self.has_labels:
            other = np.asarray(predicted) != self.predicted
        return Agreement(
            rows=len(self.sure),
            difference=largest,
            beyond=beyond,
            ties=int((~self.sure).sum()),
            flipped=int((other & ~self.sure).sum()),
            wrong=int((other & self.sure).sum()),
        )

    def refuse_other(self, answer: NDArray[Any]) -> None:
        """Raise AssertionError for an answer that is not scikit-learn's, up to the tolerance."""
        if self.graded:
            differences = self._differences(answer)
            if not (differences <= TOLERANCE).all():
                raise AssertionError(
                    f"{(~(differences <= TOLERANCE)).sum()} of {differences.size} values differ "
                    f"by more than {TOLERANCE:g}, the largest by {differences.max():.3g}"
                )
        else:
            wrong = (np.asarray(answer) != self.answer) & self.sure
            if wrong.any():
                raise AssertionError(f"{wrong.sum()} of {len(wrong)} labels away from ties differ")

    def refuse_another_bit(self, answer: NDArray[Any]) -> None:
        """Raise AssertionError for an answer that differs from scikit-learn's in a single bit."""
        from unlocked.lab.worker import check

        check(answer, self.answer, "exact")

    def _differences(self, answer: NDArray[Any]) -> NDArray[np.float64]:
        answer = np.asarray(answer)
        if answer.shape != self.answer.shape:
            raise AssertionError(
                f"the answer has the shape {answer.shape}, scikit-learn's {self.answer.shape}"
            )
        differences = np.abs(answer.astype(np.float64) - self.answer)
        return differences / np.maximum(1.0, np.abs(self.answer))


def _margin(scores: NDArray[Any]) -> NDArray[np.float64]:
    """How far the best class is ahead of the next; of one score a row, how far from 0 it is.

    The one class of a model that knows no other is sure.
    """
    if scores.ndim == 1:
        return np.abs(scores)
    if scores.shape[1] == 1:
        return np.full(len(scores), np.inf)
    best = np.partition(scores, -2, axis=1)
    return best[:, -1] - best[:, -2]
