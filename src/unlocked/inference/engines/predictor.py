"""What an engine makes of a model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Rows = NDArray[Any]
"""Shape (rows, features), float32 or float64, C-contiguous."""

Function = Callable[[Rows], NDArray[Any]]


@dataclass(frozen=True)
class Predictor:
    """A model as an engine runs it.

    Attributes
    ----------
    predict : callable
        Labels, or values of a regression: shape (rows,).
    predict_proba : callable or None
        Probabilities: shape (rows, classes), the classes in the order of the model's
        ``classes_``; None where the model has none.
    """

    predict: Function
    predict_proba: Function | None = None

    @property
    def answer(self) -> Function:
        """Probabilities where the model has them, and otherwise what it predicts."""
        return self.predict_proba or self.predict


def from_probabilities(classes: NDArray[Any], predict_proba: Function) -> Predictor:
    """A predictor whose labels are the classes of largest probability, the first one at ties."""

    def predict(rows: Rows) -> NDArray[Any]:
        return classes.take(predict_proba(rows).argmax(axis=1))

    return Predictor(predict, predict_proba)
