"""The steps towards the packed forest, each as an engine: subjects of 12-forest-kernel."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines.predictor import Predictor, Rows, from_probabilities
from unlocked.kernels import forest, forest_steps
from unlocked.kernels.forest import PackedForest

STEPS: dict[str, tuple[Callable[..., None], Callable[[Any], Any]]] = {
    "row by row": (forest_steps.row_by_row, forest_steps.trees_of),
    "tree by tree": (forest_steps.tree_by_tree, forest_steps.trees_of),
    "without branches": (forest_steps.without_branches, forest_steps.full_trees_of),
    "eight at once": (forest_steps.eight_at_once, forest_steps.full_trees_of),
}
"""For each step its walk, and how it lays the forest out."""


def convert(
    model: Any, threads: int = 1, folder: Path | None = None, step: str = "row by row"
) -> Predictor:
    """Lay out a classifier for one of the steps, on one thread.

    Parameters
    ----------
    step : str
        One of ``STEPS``.
    """
    walk, lay_out = STEPS[step]
    laid_out, classes = lay_out(model), len(model.classes_)

    def predict_proba(rows: Rows) -> NDArray[Any]:
        out = np.empty((len(rows), classes))
        walk(laid_out, rows, out)
        return out

    return from_probabilities(model.classes_, predict_proba)


def convert_packed(
    model: Any, threads: int = 1, folder: Path | None = None, instructions: str | None = None
) -> Predictor:
    """Pack a forest for a set of instructions, and predict on a number of threads."""
    packed = PackedForest.from_sklearn(model, instructions)
    return from_probabilities(model.classes_, partial(packed.predict_proba, n_threads=threads))


def the_first_row_again(target: str, count: int, **arguments: Any) -> NDArray[Any]:
    """As many copies of the first of some rows: data on which every guess comes true."""
    from unlocked.lab.worker import resolve

    return np.repeat(resolve(target)(count=1, **arguments), count, axis=0)


def instruction_sets() -> list[str]:
    """Sets of instructions that the packed forest can use here, the widest first."""
    return list(forest.AVAILABLE)


def packing_seconds(target: str, repeats: int = 5, **arguments: Any) -> float:
    """Seconds that packing a model takes: the least of some repeats."""
    from unlocked.lab.worker import resolve

    model = resolve(target)(**arguments)
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        PackedForest.from_sklearn(model)
        spent.append(time.perf_counter() - start)
    return min(spent)


def shape(target: str, **arguments: Any) -> dict[str, int]:
    """Levels of a model's deepest tree, nodes of all trees, and most thresholds of a feature."""
    from unlocked.lab.worker import resolve

    trees = [estimator.tree_ for estimator in resolve(target)(**arguments).estimators_]
    return {
        "depth": max(tree.max_depth for tree in trees),
        "nodes": sum(tree.node_count for tree in trees),
        "thresholds": max(map(len, forest.thresholds(trees))),
    }
