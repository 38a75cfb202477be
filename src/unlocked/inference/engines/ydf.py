"""ydf, Yggdrasil Decision Forests: its importer of scikit-learn's forests.

The imported classifier lets every tree *vote* for one class, where scikit-learn takes the mean of
the trees' probabilities. The answers differ, and the equality check says by how much.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.predictor import Predictor, Rows, from_probabilities


def unsupported(model: Any) -> str | None:
    """Name the estimator where it is no forest."""
    from sklearn import ensemble

    forests = (
        ensemble.RandomForestClassifier
        | ensemble.RandomForestRegressor
        | ensemble.ExtraTreesClassifier
        | ensemble.ExtraTreesRegressor
    )
    if not isinstance(model, forests):
        return f"ydf imports scikit-learn's forests, not {type(model).__name__}"
    return None


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Import the forest."""
    import ydf

    imported = ydf.from_sklearn(model)

    def run(rows: Rows) -> NDArray[Any]:
        examples = {"features": rows.astype(np.float32, copy=False)}
        answer: NDArray[Any] = imported.predict(examples, num_threads=threads)
        return answer

    if not hasattr(model, "classes_"):
        return Predictor(run)

    def probabilities(rows: Rows) -> NDArray[Any]:
        scores = run(rows)
        return scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])

    return from_probabilities(model.classes_, probabilities)
