"""What a measuring process times: one engine's answer to some rows, checked against scikit-learn's.

Models and rows are named by importable functions with literal arguments
(:func:`unlocked.lab.timing.call`), so that every process builds its own.
"""

import json
from functools import cache
from typing import Any

import joblib
from numpy.typing import NDArray

from unlocked.inference.engines import artefacts
from unlocked.inference.engines.equality import Expected
from unlocked.inference.engines.predictor import Function, Rows
from unlocked.lab.worker import resolve

Named = dict[str, Any]
"""A call as literals: ``target`` and ``arguments``."""


def inputs(
    converter: str,
    model: Named,
    rows: Named,
    options: dict[str, Any] | None = None,
    threads: int = 1,
) -> dict[str, Any]:
    """Convert a model and make its rows.

    Parameters
    ----------
    converter : str
        ``module:function`` of an engine.
    model, rows : dict
        Calls that give the fitted estimator, and an ndarray of shape (rows, features).
    options : dict or None
        Further arguments of the converter.

    Returns
    -------
    dict
        ``predict``, ``rows`` and ``expected``: the arguments of :func:`answer`.
    """
    loaded = _made(model)
    folder = artefacts.FOLDER / "engines" / _digest(_text(model))
    predictor = resolve(converter)(loaded, threads=threads, folder=folder, **(options or {}))
    return {
        "predict": predictor.answer,
        "rows": _made(rows),
        "expected": _expected(_text(model), _text(rows)),
    }


def answer(predict: Function, rows: Rows, expected: Expected) -> NDArray[Any]:
    """Predict the rows; what is expected is for the check alone."""
    return predict(rows)


def check_close(answer: NDArray[Any], inputs: dict[str, Any]) -> None:
    """Refuse probabilities beyond the tolerance, or a label away from ties that differs."""
    inputs["expected"].refuse_other(answer)


def check_exact(answer: NDArray[Any], inputs: dict[str, Any]) -> None:
    """Refuse an answer that differs in a single bit."""
    inputs["expected"].refuse_another_bit(answer)


def _made(named: Named) -> Any:
    return resolve(named["target"])(**named["arguments"])


def _text(named: Named) -> str:
    return json.dumps(named, sort_keys=True)


@cache
def _digest(model: str) -> str:
    return str(joblib.hash(_made(json.loads(model))))


@cache
def _expected(model: str, rows: str) -> Expected:
    return Expected(_made(json.loads(model)), _made(json.loads(rows)))
