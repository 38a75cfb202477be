"""The forest of the source on Hummingbird, and its rows: one recipe, made once in data/models."""

from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from unlocked.inference.engines import artefacts

SIZE = {"trees": 1_000, "depth": 10, "rows": 100_000, "features": 28}
"""Of the source's forest."""


class Forest(BaseModel):
    """The forest of the source, and the rows it was fitted to.

    Attributes
    ----------
    trees, depth, rows, features : int
    seed : int
    """

    trees: int
    depth: int
    rows: int
    features: int
    seed: int


def other_size(trees: int, depth: int, rows: int, features: int, seed: int = 0) -> str | None:
    """Say how a forest's size differs from the source's; None where it does not."""
    given = {"trees": trees, "levels": depth, "rows": rows, "columns": features}
    other = [
        f"{here:,} {name} in place of {there:,}"
        for (name, here), there in zip(given.items(), SIZE.values(), strict=True)
        if here != there
    ]
    return f"not the source's size: {', '.join(other)}" if other else None


def data(
    trees: int, depth: int, rows: int, features: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The source's random rows and labels: ``make_classification`` with its defaults."""
    from sklearn.datasets import make_classification

    found, labels = make_classification(n_samples=rows, n_features=features, random_state=seed)
    return np.ascontiguousarray(found, dtype=np.float32), labels.astype(np.int64)


def model(trees: int, depth: int, rows: int, features: int, seed: int) -> Any:
    """The forest, fitted to its rows once and then loaded."""
    import sklearn
    from sklearn.ensemble import RandomForestClassifier

    def fit(path: Path) -> None:
        forest = RandomForestClassifier(trees, max_depth=depth, random_state=seed, n_jobs=-1)
        joblib.dump(forest.fit(*data(trees, depth, rows, features, seed)), path)

    name = f"forest-{trees}-{depth}-{rows}-{features}-{seed}-sklearn-{sklearn.__version__}.joblib"
    loaded = joblib.load(artefacts.made(artefacts.FOLDER / "source", name, fit))
    loaded.n_jobs = 1
    return loaded


def first_rows(count: int, **forest: int) -> NDArray[np.float32]:
    """The first `count` of the rows that the forest was fitted to, as in the source."""
    return _rows(**forest)[:count].copy()


def unseen_rows(count: int, features: int, seed: int) -> NDArray[np.float32]:
    """Rows that a forest of this seed was not fitted to."""
    return data(trees=0, depth=0, rows=count, features=features, seed=seed + 1)[0]


@cache
def _rows(**forest: int) -> NDArray[np.float32]:
    return data(**forest)[0]
