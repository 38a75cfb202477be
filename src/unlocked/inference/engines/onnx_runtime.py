"""ONNX Runtime: the model as a graph of ONNX operators, written by skl2onnx."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.artefacts import made
from unlocked.inference.engines.predictor import Predictor, Rows


def unsupported(model: Any) -> str | None:
    """Name the estimator where skl2onnx has no converter for it."""
    from skl2onnx._supported_operators import sklearn_operator_name_map

    if type(model) not in sklearn_operator_name_map:
        return f"skl2onnx has no converter for {type(model).__name__}"
    return None


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Write the graph, without the dictionaries of ZipMap, and load it.

    Rows are float32, but float64 for naive Bayes, whose sums over the features lose the sixth digit
    of a probability in float32.

    The session has `threads` threads within an operator and one between operators. They sleep
    while they wait: busy waiting would be charged to whatever else runs.
    """
    import onnxruntime

    dtype = np.float64 if _needs_float64(model) else np.float32

    def make(path: Path) -> None:
        path.write_bytes(_graph(model))

    name = f"skl2onnx-{version('skl2onnx')}-onnxruntime-{onnxruntime.__version__}.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        made(folder, name, make), options, providers=["CPUExecutionProvider"]
    )
    first, *others = (output.name for output in session.get_outputs())

    def run(output: str, rows: Rows) -> NDArray[Any]:
        answer: NDArray[Any] = session.run([output], {"rows": rows.astype(dtype, copy=False)})[0]
        return answer

    def predict(rows: Rows) -> NDArray[Any]:
        return run(first, rows).ravel()

    if not hasattr(model, "predict_proba"):
        return Predictor(predict)
    return Predictor(predict, lambda rows: run(others[0], rows))


def _graph(model: Any) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    kind = DoubleTensorType if _needs_float64(model) else FloatTensorType
    types = [("rows", kind([None, model.n_features_in_]))]
    graph: bytes = to_onnx(model, initial_types=types, options=options).SerializeToString()
    return graph


def _needs_float64(model: Any) -> bool:
    from sklearn.naive_bayes import GaussianNB

    return isinstance(model, GaussianNB)
