"""The steps towards the packed forest, each as an engine: subjects of 12-forest-kernel."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from unlocked.inference.engines.engine import Recipe
from unlocked.inference.engines.exam import exams
from unlocked.inference.engines.predictor import Predictor, Rows, from_probabilities
from unlocked.inference.engines.timed import made
from unlocked.kernels import forest, forest_steps
from unlocked.kernels.forest import PackedForest
from unlocked.lab.timing import Call, Candidate, Comparison, call, candidate, compare

HERE = "unlocked.inference.walks"
TIMED = "unlocked.inference.engines.timed"
PACKED = "unlocked.inference.engines.packed:convert"

STEPS: dict[str, tuple[Callable[..., None], Callable[[Any], Any]]] = {
    "row by row": (forest_steps.row_by_row, forest_steps.trees_of),
    "tree by tree": (forest_steps.tree_by_tree, forest_steps.trees_of),
    "without branches": (forest_steps.without_branches, forest_steps.full_trees_of),
    "eight at once": (forest_steps.eight_at_once, forest_steps.full_trees_of),
}
"""For each step its walk, and how it lays the forest out."""


def recipes(instructions: list[str]) -> dict[str, Recipe]:
    """All steps by name, and then the packed forest for each set of instructions."""
    return {
        step: Recipe(f"{HERE}:convert", exact=True, options={"step": step}) for step in STEPS
    } | {
        f"packed, {name}": Recipe(PACKED, exact=True, options={"instructions": name})
        for name in instructions
    }


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


def on_threads(
    model: Call, rows: Call, counts: list[int], processes: int, rounds: int
) -> Comparison:
    """Time the packed forest on numbers of threads, beside the control for the most of them."""
    return compare(
        {
            str(count): candidate(
                f"{TIMED}:answer",
                f"{TIMED}:check_exact",
                inputs=call(
                    f"{TIMED}:inputs",
                    converter=PACKED,
                    model=model.model_dump(),
                    rows=rows.model_dump(),
                    threads=count,
                ),
            )
            for count in counts
        },
        call(f"{TIMED}:inputs"),  # each candidate has inputs of its own
        reference=None,
        baseline=str(counts[0]),
        processes=processes,
        rounds=rounds,
        threads=max(counts),
    )


def on_one_row_again(step: str, model: Call, rows: Call, count: int) -> Candidate:
    """A step as a candidate whose rows are all the first one, so that every guess comes true."""
    first = call(rows.target, **rows.arguments | {"count": 1})
    return candidate(
        f"{TIMED}:answer",
        f"{TIMED}:check_exact",
        inputs=call(
            f"{TIMED}:inputs",
            converter=f"{HERE}:convert",
            model=model.model_dump(),
            rows=call(f"{HERE}:repeated", rows=first.model_dump(), count=count).model_dump(),
            options={"step": step},
        ),
    )


def repeated(rows: dict[str, Any], count: int) -> NDArray[Any]:
    """Copies of the one row that a call gives, shape (count, features)."""
    return np.repeat(made(rows), count, axis=0)


def instruction_sets() -> list[str]:
    """Sets of instructions that the packed forest can use here, the plain one first."""
    return list(reversed(forest.AVAILABLE))


def packing_seconds(model: Call, repeats: int = 5) -> float:
    """Seconds that packing a model takes: the least of some repeats."""
    fitted = made(model.model_dump())
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        PackedForest.from_sklearn(fitted)
        spent.append(time.perf_counter() - start)
    return min(spent)


class Shape(BaseModel):
    """What a forest looks like.

    Attributes
    ----------
    depth : int
        Levels of the deepest tree.
    nodes : int
        Of all trees.
    thresholds : int
        The most that a feature has.
    layout : str
        In which it is packed.
    """

    depth: int
    nodes: int
    thresholds: int
    layout: str


def shape(model: Call) -> Shape:
    """Describe a model that is a forest."""
    fitted = made(model.model_dump())
    trees = [estimator.tree_ for estimator in fitted.estimators_]
    return Shape(
        depth=max(tree.max_depth for tree in trees),
        nodes=sum(tree.node_count for tree in trees),
        thresholds=max(map(len, forest.thresholds(trees))),
        layout=PackedForest.from_sklearn(fitted).layout,
    )


def equal_rivals(names: dict[str, Recipe], model: Call, rows: Call) -> dict[str, str]:
    """Why engines may not be timed on a model, by name; those that may are left out."""
    refused = {}
    for name, recipe in names.items():
        found = exams({name: recipe}, {"forest": model}, {"forest": rows})[name]["forest"]
        if not found.passed:
            refused[name] = found.words
    return refused
