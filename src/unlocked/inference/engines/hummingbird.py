"""Hummingbird: the model as tensor operations of PyTorch, on a CPU or a GPU.

Nakandala et al., "A tensor compiler for unified machine learning prediction serving", OSDI 2020.
"""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.artefacts import made
from unlocked.inference.engines.predictor import Function, Predictor, Rows

LARGEST = 2**27
"""Rows × trees of one call. A call holds several int64 arrays of that size; more rows than fit
are predicted in parts."""


def unsupported(
    model: Any, backend: str = "torch", device: str = "cpu", precision: str = "float32"
) -> str | None:
    """Name what is missing: a converter, labels that are integers, or the GPU."""
    import torch
    from hummingbird.ml.supported import sklearn_operator_list

    if device != "cpu" and not torch.cuda.is_available():
        return f"PyTorch {torch.__version__} finds no CUDA GPU here"
    if type(model) not in sklearn_operator_list:
        return f"Hummingbird has no converter for {type(model).__name__}"
    if np.asarray(getattr(model, "classes_", [0])).dtype.kind not in "iu":
        return f"labels of the kind {model.classes_.dtype}: only integers are supported"
    return None


def convert(
    model: Any,
    threads: int = 1,
    folder: Path | None = None,
    backend: str = "torch",
    device: str = "cpu",
    precision: str = "float32",
) -> Predictor:
    """Compile the model into tensor operations.

    PyTorch has one number of threads for a process: the last conversion's holds.

    Parameters
    ----------
    backend : {"torch", "torch.jit"}
        Operations called one by one from Python, or traced into TorchScript.
    device : {"cpu", "cuda"}
        Rows are copied to the device and answers back in every call.
    precision : {"float32", "float64"}
        Of the thresholds and leaves of trees. scikit-learn's thresholds are float64; rounded to
        float32, which is Hummingbird's default, a few of them end on the other side of a row.
    """
    import torch

    container = _compiled(model, folder, precision)
    torch.set_num_threads(threads)
    container.to(device)
    if backend == "torch.jit":
        container = _traced(container, model.n_features_in_)
    at_once = max(1, LARGEST // _trees(model))
    return Predictor(
        _in_parts(container.predict, at_once),
        _in_parts(container.predict_proba, at_once) if hasattr(model, "predict_proba") else None,
    )


def executor(model: Any, folder: Path | None = None) -> Any:
    """The operations alone, as a module of PyTorch: of rows, to labels and probabilities."""
    return _compiled(model, folder, "float32").model


def _compiled(model: Any, folder: Path | None, precision: str) -> Any:
    import hummingbird
    import torch
    from hummingbird import ml

    def make(path: Path) -> None:
        settings = {ml.constants.N_THREADS: 1, ml.constants.TREE_OP_PRECISION_DTYPE: precision}
        with warnings.catch_warnings(action="ignore"):  # of PyTorch, about Hummingbird's ways
            converted = ml.convert(model, "torch", extra_config=settings)
        path.write_bytes(pickle.dumps(converted))

    name = f"hummingbird-{hummingbird.__version__}-{precision}-torch-{torch.__version__}.pickle"
    return pickle.loads(made(folder, name, make).read_bytes())


def _traced(container: Any, features: int) -> Any:
    """The same operations as TorchScript, in the container that Hummingbird has for them."""
    import torch
    from hummingbird.ml.containers import (
        TorchScriptSklearnContainerClassification,
        TorchScriptSklearnContainerRegression,
    )

    with warnings.catch_warnings(action="ignore"):  # tracing is deprecated, but Hummingbird's way
        module = torch.jit.trace(container.model, torch.zeros((2, features))).eval()
    kind = (
        TorchScriptSklearnContainerClassification
        if hasattr(container, "predict_proba")
        else TorchScriptSklearnContainerRegression
    )
    return kind(module, n_threads=None, batch_size=None)


def _in_parts(run: Function, at_once: int) -> Function:
    def predict(rows: Rows) -> NDArray[Any]:
        if len(rows) <= at_once:
            return run(rows)
        parts = range(0, len(rows), at_once)
        return np.concatenate([run(rows[start : start + at_once]) for start in parts])

    return predict


def _trees(model: Any) -> int:
    boosted = getattr(model, "_predictors", None)
    return int(np.size(getattr(model, "estimators_", 0) if boosted is None else boosted)) or 1
