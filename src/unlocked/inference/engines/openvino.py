"""OpenVINO: the tensor operations that Hummingbird makes of a model, compiled for the processor."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines import hummingbird
from unlocked.inference.engines.predictor import Predictor, Rows


def unsupported(model: Any) -> str | None:
    """OpenVINO reads no trees from ONNX: what Hummingbird does not convert, it does not get."""
    return hummingbird.unsupported(model)


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Trace Hummingbird's operations and compile them, in float32, for `threads` threads."""
    import openvino
    import torch

    executor = hummingbird.executor(model, folder)
    graph = openvino.convert_model(executor, example_input=torch.zeros((2, model.n_features_in_)))
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(graph, "CPU", settings)

    def run(output: int, rows: Rows) -> NDArray[Any]:
        answer: NDArray[Any] = compiled(rows.astype(np.float32, copy=False))[output]
        return answer

    if not hasattr(model, "predict_proba"):
        return Predictor(lambda rows: run(0, rows).ravel())
    return Predictor(lambda rows: model.classes_.take(run(0, rows)), lambda rows: run(1, rows))
