"""treelite: trees in a format of its own, run by its reference implementation GTIL."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.predictor import Predictor, Rows, from_probabilities


def unsupported(model: Any) -> str | None:
    """Name the estimator where it is no forest and no boosting, and what else is not covered."""
    from sklearn import ensemble

    trees = (
        ensemble.RandomForestClassifier
        | ensemble.RandomForestRegressor
        | ensemble.ExtraTreesClassifier
        | ensemble.ExtraTreesRegressor
        | ensemble.HistGradientBoostingClassifier
        | ensemble.HistGradientBoostingRegressor
    )
    name = type(model).__name__
    if not isinstance(model, trees):
        return f"treelite has no importer for {name}: it takes ensembles of trees"
    if getattr(model, "is_categorical_", None) is not None:
        return f"{name} with categorical features: treelite's importer takes numbers alone"
    return None


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Import the trees; rows are brought to the type of their thresholds, float64."""
    import treelite

    imported = treelite.sklearn.import_model(model)

    def run(rows: Rows) -> NDArray[Any]:
        answer: NDArray[Any] = treelite.gtil.predict(
            imported, np.asarray(rows, dtype=imported.input_type), nthread=threads
        )
        return answer

    return from_scores(model, run)


def from_scores(model: Any, run: Any) -> Predictor:
    """A predictor from answers of treelite's shape, (rows, 1, classes); one may stand for two."""
    if not hasattr(model, "classes_"):
        return Predictor(lambda rows: run(rows).ravel())
    classes = len(model.classes_)

    def probabilities(rows: Rows) -> NDArray[Any]:
        scores: NDArray[Any] = run(rows).reshape(len(rows), -1)
        if scores.shape[1] == 1 and classes == 2:
            return np.hstack([1 - scores, scores])
        return scores

    return from_probabilities(model.classes_, probabilities)
