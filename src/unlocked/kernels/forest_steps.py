"""The way to the packed forest in small steps, each a function of its own.

All walk the same forest down to the same leaves and add these up in the same order, and so have
the same bits. They take float32 rows without missing values; :mod:`unlocked.kernels.forest` is the
last step, and takes what scikit-learn takes.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from unlocked.extensions import numba_cache
from unlocked.kernels import forest

numba.config.CACHE_DIR = numba_cache()  # type: ignore[attr-defined]

ROWS = 512
"""Rows that one tree sees before the next tree comes."""

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]


class Trees(NamedTuple):
    """A forest as scikit-learn keeps it, all trees in one array after another.

    Attributes
    ----------
    left, right : ndarray of int64, shape (nodes,)
        Places of the children; -1 for a leaf.
    feature : ndarray of int64, shape (nodes,)
    threshold : ndarray of float64, shape (nodes,)
    value : ndarray of float64, shape (nodes, outputs)
    roots : ndarray of int64, shape (trees,)
    """

    left: Integers
    right: Integers
    feature: Integers
    threshold: Floats
    value: Floats
    roots: Integers


class FullTrees(NamedTuple):
    """The same forest with every tree filled up to one depth, children of i at 2i and 2i + 1.

    Attributes
    ----------
    feature : ndarray of int32, shape (trees, 2**depth)
    threshold : ndarray of float32, shape (trees, 2**depth)
        Rounded down to float32.
    leaf : ndarray of float64, shape (trees, 2**depth, outputs)
    """

    feature: NDArray[np.int32]
    threshold: Singles
    leaf: Floats


@numba.njit(cache=True, nogil=True)
def row_by_row(trees: Trees, X: Singles, out: Floats) -> None:
    """Walk each row down every tree in turn, as one would write it first."""
    out[:] = 0
    for i in range(len(X)):
        for root in trees.roots:
            node = root
            while trees.left[node] >= 0:
                if X[i, trees.feature[node]] <= trees.threshold[node]:
                    node = trees.left[node]
                else:
                    node = trees.right[node]
            for k in range(out.shape[1]):
                out[i, k] += trees.value[node, k]
    out /= len(trees.roots)


@numba.njit(cache=True, nogil=True)
def tree_by_tree(trees: Trees, X: Singles, out: Floats) -> None:
    """Let a tree see some hundred rows while it is in the cache."""
    out[:] = 0
    for first in range(0, len(X), ROWS):
        for root in trees.roots:
            for i in range(first, min(first + ROWS, len(X))):
                node = root
                while trees.left[node] >= 0:
                    if X[i, trees.feature[node]] <= trees.threshold[node]:
                        node = trees.left[node]
                    else:
                        node = trees.right[node]
                for k in range(out.shape[1]):
                    out[i, k] += trees.value[node, k]
    out /= len(trees.roots)


@numba.njit(cache=True, nogil=True)
def without_branches(trees: FullTrees, X: Singles, out: Floats) -> None:
    """Compute the child's place, so that no comparison has to be guessed."""
    size = trees.feature.shape[1]
    out[:] = 0
    for first in range(0, len(X), ROWS):
        for t in range(len(trees.feature)):
            feature, threshold, leaf = trees.feature[t], trees.threshold[t], trees.leaf[t]
            for i in range(first, min(first + ROWS, len(X))):
                node = 1
                while node < size:
                    node = 2 * node + (X[i, feature[node]] > threshold[node])
                for k in range(out.shape[1]):
                    out[i, k] += leaf[node - size, k]
    out /= len(trees.feature)


@numba.njit(cache=True, nogil=True)
def eight_at_once(trees: FullTrees, X: Singles, out: Floats) -> None:
    """Take a step with each of eight rows before the next: none waits for another's memory."""
    size = trees.feature.shape[1]
    depth = int(np.log2(size))
    nodes = np.empty(8, np.int64)
    out[:] = 0
    for first in range(0, len(X), ROWS):
        for t in range(len(trees.feature)):
            feature, threshold, leaf = trees.feature[t], trees.threshold[t], trees.leaf[t]
            for start in range(first, min(first + ROWS, len(X)), 8):
                here = min(8, len(X) - start)
                nodes[:] = 1
                for _ in range(depth):
                    for r in range(here):
                        node = nodes[r]
                        nodes[r] = 2 * node + (X[start + r, feature[node]] > threshold[node])
                for r in range(here):
                    for k in range(out.shape[1]):
                        out[start + r, k] += leaf[nodes[r] - size, k]
    out /= len(trees.feature)


def trees_of(model: Any) -> Trees:
    """Lay a model's trees one after another.

    Parameters
    ----------
    model : fitted forest of one output
    """
    trees = [estimator.tree_ for estimator in model.estimators_]
    roots = np.cumsum([0] + [tree.node_count for tree in trees[:-1]])
    shifted = zip(trees, roots, strict=True)
    left, right = zip(
        *(
            [
                np.where(child >= 0, child + root, -1)
                for child in (t.children_left, t.children_right)
            ]
            for t, root in shifted
        ),
        strict=True,
    )
    return Trees(
        np.concatenate(left),
        np.concatenate(right),
        np.concatenate([tree.feature for tree in trees]).astype(np.int64),
        np.concatenate([tree.threshold for tree in trees]),
        np.concatenate([tree.value[:, 0] for tree in trees]),
        roots.astype(np.int64),
    )


def full_trees_of(model: Any) -> FullTrees:
    """Fill a model's trees up to the depth of the deepest.

    Parameters
    ----------
    model : fitted forest of one output
    """
    trees = [estimator.tree_ for estimator in model.estimators_]
    depth = max(tree.max_depth for tree in trees)
    nodes = [forest.filled(tree, depth) for tree in trees]
    inner, leaves = slice(0, 1 << depth), slice(1 << depth, None)
    pairs = list(zip(trees, nodes, strict=True))
    return FullTrees(
        np.stack([np.maximum(tree.feature, 0)[at[inner]] for tree, at in pairs]).astype(np.int32),
        np.stack([forest.rounded_down(tree.threshold)[at[inner]] for tree, at in pairs]),
        np.stack([tree.value[at[leaves], 0] for tree, at in pairs]),
    )
