"""What a measuring process times of the table: an engine's answers to batches that differ.

A row that comes again and again is one whose branches the processor has learned, so that a walk
through trees is faster than for rows that it has not met. So calls go through ``ROWS`` rows before
one of them comes again.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from numpy.typing import NDArray

from unlocked.inference.engines.equality import Expected
from unlocked.inference.engines.predictor import Function, Rows
from unlocked.inference.engines.timed import Named, expected_of, folder_of, made
from unlocked.lab.worker import resolve

ROWS = 1_000
"""Different rows that are predicted in turn: a forest takes a hundred thousand branches on them."""


def inputs(
    converter: str,
    model: Named,
    rows: Named,
    batch: int,
    options: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Convert a model and cut its rows into batches.

    Parameters
    ----------
    converter : str
        ``module:function`` of an engine.
    model, rows : dict
        Calls that give the fitted estimator, and an ndarray of shape (rows, features).
    batch : int
        Rows of a call; those at the end that fill none are left out.
    options : dict or None
        Further arguments of the converter.

    Returns
    -------
    dict
        ``predict``, ``coming`` and ``expected``: the arguments of :func:`answer`.
    """
    predictor = resolve(converter)(made(model), 1, folder_of(model), **(options or {}))
    all_rows = made(rows)
    batches = [all_rows[i : i + batch] for i in range(0, len(all_rows) - batch + 1, batch)]
    of_first = {"rows": rows, "batch": batch}
    return {
        "predict": predictor.answer,
        "coming": cycle(batches),
        "expected": expected_of(model, {"target": f"{__name__}:first", "arguments": of_first}),
    }


def first(rows: Named, batch: int) -> Rows:
    """The first batch of the rows that a call gives."""
    return made(rows)[:batch]


def answer(predict: Function, coming: Iterator[Rows], expected: Expected) -> NDArray[Any]:
    """Predict the next batch; what is expected of the first is for ``timed``'s checks alone."""
    return predict(next(coming))
