"""What a measuring process times: one engine's answer to some rows, checked against scikit-learn's.

Models and rows are named by importable functions with literal arguments
(:func:`unlocked.lab.timing.call`), so that every process builds its own.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines import artefacts
from unlocked.inference.engines.equality import Expected
from unlocked.inference.engines.predictor import Function, Rows
from unlocked.lab.worker import resolve

Named = dict[str, Any]
"""A call as literals: ``target`` and ``arguments``."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Variables that hold the libraries below scikit-learn to one thread."""


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
    predictor = resolve(converter)(made(model), threads, folder_of(model), **(options or {}))
    return {
        "predict": predictor.answer,
        "rows": made(rows),
        "expected": expected_of(model, rows),
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


def made(named: Named) -> Any:
    """What a call gives."""
    return resolve(named["target"])(**named["arguments"])


def folder_of(model: Named) -> Path:
    """Where the conversions of a model are kept: a folder named after the model's content.

    Of a file that is given with its SHA-256, that is the content.
    """
    name = model["arguments"].get("sha256") or _digest(_text(model))
    return artefacts.FOLDER / "engines" / name


def expected_of(model: Named, rows: Named) -> Expected:
    """scikit-learn's answer to the rows, found once a process."""
    return _expected(_text(model), _text(rows))


def normal_rows(count: int, features: int, seed: int) -> NDArray[np.float32]:
    """Standard normal rows, for a model of which nothing else is known."""
    return np.random.default_rng(seed).standard_normal((count, features), dtype=np.float32)


def training_rows(features: int, seed: int) -> NDArray[np.float32]:
    """The rows that a model of ``unlocked.inference.models`` was fitted to, as float32."""
    from unlocked.inference.models import TRAINING_ROWS, draw

    return draw(TRAINING_ROWS, features, seed)[0].astype(np.float32)


def rows_from(path: str, count: int) -> NDArray[Any]:
    """The first rows of a ``.npy`` file.

    Raises
    ------
    ValueError
        Where it holds fewer, or no table of numbers.
    """
    found = np.load(path, allow_pickle=False)
    if found.ndim != 2 or found.dtype.kind != "f" or len(found) < count:
        raise ValueError(
            f"{path} holds {found.dtype} of shape {found.shape}: float32 or float64 of at least "
            f"{count} rows is needed"
        )
    return np.ascontiguousarray(found[:count])


def _text(named: Named) -> str:
    return json.dumps(named, sort_keys=True)


@cache
def _digest(model: str) -> str:
    return artefacts.digest(made(json.loads(model)))


@cache
def _expected(model: str, rows: str) -> Expected:
    return Expected(made(json.loads(model)), made(json.loads(rows)))
