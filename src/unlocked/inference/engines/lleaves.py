"""lleaves: LightGBM's trees through LLVM into machine code."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.artefacts import made
from unlocked.inference.engines.predictor import Predictor, Rows, from_probabilities


def unsupported(model: Any) -> str | None:
    """Everything but LightGBM's own classifier and regressor."""
    if type(model).__name__ in ("LGBMClassifier", "LGBMRegressor"):
        return None
    return f"lleaves compiles LightGBM's models alone, not {type(model).__name__}"


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Compile the booster, from the text that LightGBM saves."""
    import lleaves

    text = made(folder, "lightgbm.txt", model.booster_.save_model)
    compiled = lleaves.Model(model_file=str(text))
    compiled.compile()

    def run(rows: Rows) -> NDArray[Any]:
        answer: NDArray[Any] = compiled.predict(rows.astype(np.float64, copy=False), threads)
        return answer

    if not hasattr(model, "classes_"):
        return Predictor(run)

    def probabilities(rows: Rows) -> NDArray[Any]:
        scores = run(rows)
        return scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])

    return from_probabilities(model.classes_, probabilities)
