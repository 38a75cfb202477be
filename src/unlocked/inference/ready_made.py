"""A model whose answers were made beforehand, to see what a parallel prediction costs beside them.

Its `predict` gets a slice of the rows and gives back a slice of the answers. What a pool takes for
it is the cutting, handing out, waiting and putting together: everything but the prediction.
"""

from typing import Any

from unlocked.inference import models
from unlocked.inference.models import FloatArray
from unlocked.inference.predict import Answers, in_pieces, serial
from unlocked.parallel.floor import polling_every


class ReadyMade:
    """The answers of a model to some rows, by where in memory a slice of the rows begins.

    Attributes
    ----------
    rows : ndarray of float64, shape (n, features)
        Contiguous.
    answers : ndarray, shape (n,)
    """

    def __init__(self, model: Any, rows: FloatArray) -> None:
        self.rows = rows
        self.answers = serial(model, rows)

    def predict(self, rows: FloatArray) -> Answers:
        """Return the answers to a slice of the rows, which must be one of ours."""
        first = (_address(rows) - _address(self.rows)) // self.rows.strides[0]
        return self.answers[first : first + len(rows)]


def _address(rows: FloatArray) -> int:
    return int(rows.__array_interface__["data"][0])


def inputs(name: str, rows: int, features: int = models.FEATURES, seed: int = 1) -> dict[str, Any]:
    """Return ``model`` and ``rows``, as :func:`unlocked.inference.models.inputs` does."""
    given = models.inputs(name, rows, features, seed)
    return {"model": ReadyMade(given["model"], given["rows"]), "rows": given["rows"]}


def polled(model: Any, rows: FloatArray, n_jobs: int, poll: float) -> Answers:
    """Predict in pieces on joblib's threads, where the caller looks every `poll` seconds."""
    with polling_every(poll):
        return in_pieces(model, rows, n_jobs, "joblib threads")
