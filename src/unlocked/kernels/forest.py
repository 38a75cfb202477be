"""A forest that scikit-learn trained, packed for fast prediction without the GIL.

scikit-learn casts a row to float32 and compares it with thresholds in float64. A float32 number is
at most a float64 threshold exactly where it is at most the largest float32 number that is not
above that threshold, and so the packed forest takes every turn as scikit-learn does. Leaves are
added up tree by tree in float64 and divided once, as there with ``n_jobs=1``: the answers have the
same bits. (With more jobs scikit-learn adds trees in the order in which they are done.)
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import index
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unlocked.extensions import load
from unlocked.kernels.threads import for_each

compiled = load("unlocked.kernels._forest")

HEAP_DEPTH = 12
"""Trees up to this depth are filled up to full ones, of 32 KiB at most."""

WIDE_DEPTH = 64
"""Trees up to this depth may be walked sixteen at once: all wait for the longest walk."""

AVAILABLE: tuple[str, ...] = tuple(name for name in ("avx512", "plain") if compiled.has(name))
"""The sets of instructions that this processor has, the widest first."""

CHUNK: int = compiled.ROWS_OF_CHUNK
BLOCK: int = compiled.ROWS_OF_BLOCK
TREES: int = compiled.TREES_OF_GROUP
TOP: int = compiled.TOP_LEVELS
PLANE: int = compiled.FEATURES_OF_PLANE

Floats = NDArray[np.float64]
Words = NDArray[np.uint32]


@dataclass(frozen=True)
class PackedForest:
    """A random forest or extra trees, of scikit-learn's classifiers or regressors.

    Make it with :meth:`from_sklearn`.

    Attributes
    ----------
    layout : str
        ``wide``, ``heap`` or ``linked``, see ``forest.h``: the first that takes the forest.
        ``wide`` needs AVX-512 and trees of at most ``WIDE_DEPTH`` levels, ``heap`` of at most
        ``HEAP_DEPTH``.
    num_features, num_trees : int
    feature_names : tuple of str
        Columns of the DataFrame that the model was fitted to; empty where it was none.
    classes : tuple of ndarray
        The classes of each output; empty for a regressor.
    num_outputs : int
        Outputs of the model: values predicted for a row.
    instructions : str
        One of ``AVAILABLE``.
    """

    layout: Literal["wide", "heap", "linked"]
    num_features: int
    num_trees: int
    feature_names: tuple[str, ...]
    classes: tuple[NDArray[Any], ...]
    num_outputs: int
    instructions: str
    _walk: Any = field(repr=False)

    @classmethod
    def from_sklearn(cls, model: Any, instructions: str | None = None) -> "PackedForest":
        """Pack a fitted model.

        Parameters
        ----------
        model : RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier or \
ExtraTreesRegressor
        instructions : str, optional
            One of ``AVAILABLE``; the widest by default. The answers do not depend on it.

        Raises
        ------
        TypeError
            For another kind of model, and one that predicts in its own way.
        ValueError
            For a model that is not fitted or whose trees do not belong together, and instructions
            that this processor lacks.
        """
        _check_supported(model)
        instructions = instructions or AVAILABLE[0]
        if instructions not in AVAILABLE:
            raise ValueError(
                f"instructions must be one of {', '.join(AVAILABLE)} on this processor, "
                f"not {instructions!r}"
            )
        trees = _trees(model)
        layout, walk = _packed(trees, _node_values(model), instructions)
        return cls(
            layout=layout,
            num_features=int(model.n_features_in_),
            num_trees=len(trees),
            feature_names=tuple(getattr(model, "feature_names_in_", ())),
            classes=_classes(model),
            num_outputs=int(model.n_outputs_),
            instructions=instructions,
            _walk=walk,
        )

    def predict_proba(
        self, X: ArrayLike, out: Floats | None = None, n_threads: int = 1
    ) -> Floats | list[Floats]:
        """Return the probability of each class, as the model's own ``predict_proba`` does.

        Parameters
        ----------
        X : array of shape (rows, num_features)
            Made into contiguous float32 where it is not, as scikit-learn does. NaN is a missing
            value. No rows are allowed too. A DataFrame has the columns of the training, in their
            order.
        out : ndarray of float64, shape (rows, classes), contiguous, optional
            Filled and returned, for a model of one output. It shares no memory with X.
        n_threads : int
            Threads that share the rows, at least 1; the answer does not depend on it.

        Returns
        -------
        ndarray of float64, shape (rows, classes), or a list of one for each output

        Raises
        ------
        TypeError
            For a regressor, and where X is sparse or holds no numbers.
        ValueError
            Where X or ``out`` has another shape or other columns, or they share memory, where
            ``n_threads`` is no whole number of at least 1, and where X holds a number that is
            infinite in float32; in the last case ``out`` is overwritten by then.
        """
        if not self.classes:
            raise TypeError("this is a regressor, which has no probabilities: use predict")
        if out is not None and self.num_outputs > 1:
            raise ValueError(f"out is for models of one output, not of {self.num_outputs}")
        means = self._means(X, out, n_threads)
        if self.num_outputs == 1:
            return means
        ends = np.cumsum([len(classes) for classes in self.classes])[:-1]
        return [np.ascontiguousarray(part) for part in np.split(means, ends, axis=1)]

    def predict(self, X: ArrayLike, n_threads: int = 1) -> NDArray[Any]:
        """Return what the model's own ``predict`` does: labels, or means of a regressor.

        Parameters
        ----------
        X, n_threads
            As for :meth:`predict_proba`, and with its errors.

        Returns
        -------
        ndarray of shape (rows,) or (rows, num_outputs)
        """
        means = self._means(X, None, n_threads)
        if not self.classes:
            return means[:, 0] if self.num_outputs == 1 else means
        columns = []
        first = 0
        for classes in self.classes:
            of_output = means[:, first : first + len(classes)]
            columns.append(classes.take(np.argmax(of_output, axis=1), axis=0))
            first += len(classes)
        if self.num_outputs == 1:
            return columns[0]
        return np.stack(columns, axis=1).astype(self.classes[0].dtype, copy=False)

    def __reduce__(self) -> Any:
        raise TypeError(
            "a packed forest can be neither pickled nor copied: send the model, and pack it there"
        )

    def _means(self, X: ArrayLike, out: Floats | None, n_threads: int) -> Floats:
        rows = _as_rows(X, self.num_features, self.feature_names)
        columns = sum(map(len, self.classes)) or self.num_outputs
        if out is None:
            out = np.empty((len(rows), columns))
        else:
            _check_out(out, (len(rows), columns), rows)
        infinite = (
            self._walk.mean(rows, out) if n_threads == 1 else self._mean_on(rows, out, n_threads)
        )
        if infinite:
            raise ValueError(
                "X holds a number that is infinite, or too large for float32; only finite numbers "
                "and NaN (missing) are allowed"
            )
        return out

    def _mean_on(self, rows: NDArray[np.float32], out: Floats, n_threads: int) -> bool:
        infinite: list[bool] = []

        def part(here: slice) -> None:
            infinite.append(self._walk.mean(rows[here], out[here]))

        try:
            n_threads = index(n_threads)
        except TypeError:
            raise ValueError(f"n_threads must be a whole number, not {n_threads!r}") from None
        for_each(part, _parts(len(rows), n_threads), n_threads)
        return any(infinite)


def _parts(rows: int, threads: int) -> Iterator[slice]:
    """Large parts first and ever smaller ones, so that no thread is left with much at the end.

    Guided self-scheduling (Polychronopoulos and Kuck 1987); parts are whole blocks.
    """
    first = 0
    while first < rows:
        size = max(2, -(-(rows - first) // (2 * threads * BLOCK))) * BLOCK
        yield slice(first, min(first + size, rows))
        first += size


def _check_supported(model: Any) -> None:
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )

    kinds = (
        RandomForestClassifier,
        RandomForestRegressor,
        ExtraTreesClassifier,
        ExtraTreesRegressor,
    )
    if not isinstance(model, kinds):
        allowed = ", ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"a {type(model).__name__} cannot be packed; allowed are {allowed}")
    kind = next(kind for kind in kinds if isinstance(model, kind))
    for method in ("predict", "predict_proba"):
        if getattr(type(model), method, None) is not getattr(kind, method, None):
            raise TypeError(
                f"a {type(model).__name__} with a {method} of its own cannot be packed: a packed "
                f"forest predicts as {kind.__name__} does"
            )
    if not hasattr(model, "estimators_"):
        raise ValueError(f"this {type(model).__name__} is not fitted: call fit first")


def _trees(model: Any) -> list[Any]:
    trees = [estimator.tree_ for estimator in model.estimators_]
    if not trees:
        raise ValueError(f"this {type(model).__name__} has no trees: fit it again")
    features, shape = int(model.n_features_in_), trees[0].value.shape[1:]
    for number, tree in enumerate(trees):
        if tree.n_features != features or tree.value.shape[1:] != shape:
            raise ValueError(
                f"tree {number} takes {tree.n_features} features and answers in the shape "
                f"{tree.value.shape[1:]}; this forest takes {features}, and its first tree answers "
                f"in {shape}: put trees together that were fitted to the same columns and classes"
            )
    return trees


def _classes(model: Any) -> tuple[NDArray[Any], ...]:
    if not hasattr(model, "classes_"):
        return ()
    return tuple(model.classes_) if model.n_outputs_ > 1 else (model.classes_,)


def _node_values(model: Any) -> list[Floats]:
    """For each tree what its nodes answer, shape (nodes, columns); only true classes' columns."""
    values = [estimator.tree_.value for estimator in model.estimators_]
    if not hasattr(model, "classes_"):
        return [of_tree[:, :, 0] for of_tree in values]
    lengths = np.atleast_1d(model.n_classes_)
    kept = np.arange(values[0].shape[2]) < lengths[:, None]
    return [of_tree[:, kept] for of_tree in values]


def _packed(trees: list[Any], values: list[Floats], instructions: str) -> tuple[Any, Any]:
    total = sum(tree.node_count for tree in trees)
    if total >= 2**31:
        raise ValueError(f"the forest has {total} nodes; at most {2**31 - 1} are allowed")
    depth = max(tree.max_depth for tree in trees)
    if depth <= (WIDE_DEPTH if instructions == "avx512" else HEAP_DEPTH):
        searches = thresholds(trees)
        most = max(map(len, searches))
        bits = _child_bits(trees)
        fits = len(searches) <= PLANE and most.bit_length() <= _rank_bits(bits)
        if instructions == "avx512" and fits:
            return "wide", _wide(trees, values, searches, bits)
        if depth <= HEAP_DEPTH and 2 * len(searches) * BLOCK <= 2**16 and most < 2**16:
            return "heap", _heap(trees, values, searches)
    return "linked", _linked(trees, values)


def _child_bits(trees: list[Any]) -> int:
    """Bits of a place within a tree, at least so many that the ranks have sixteen at most."""
    return max(10, (max(tree.node_count for tree in trees) - 1).bit_length())


def _rank_bits(child_bits: int) -> int:
    """Bits that a word leaves beside the child's place and the feature with its plane.

    Below zero for a tree with more nodes than a word can number.
    """
    return 26 - child_bits


def rounded_down(thresholds: Floats) -> NDArray[np.float32]:
    """The largest float32 number that is not above each threshold; never minus zero."""
    with np.errstate(over="ignore"):
        nearest = thresholds.astype(np.float32)
    above = nearest > thresholds
    nearest[above] = np.nextafter(nearest[above], np.float32(-np.inf))
    return nearest + np.float32(0)


def _keys(numbers: NDArray[np.float32]) -> Words:
    """Unsigned integers in the order of the numbers, as ``key_of`` of ``forest.h`` makes them."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    return np.where(bits >> 31, ~bits, bits | np.uint32(2**31)).astype(np.uint32)


def thresholds(trees: list[Any]) -> list[Words]:
    """For each feature the sorted keys of its thresholds, each once.

    Parameters
    ----------
    trees : list of Tree
        The ``tree_`` of each estimator.
    """
    feature = np.concatenate([tree.feature for tree in trees])
    key = np.concatenate([_keys(rounded_down(tree.threshold)) for tree in trees])
    inner = np.flatnonzero(feature >= 0)
    inner = inner[np.argsort(feature[inner], kind="stable")]
    ends = np.searchsorted(feature[inner], np.arange(trees[0].n_features + 1))
    return [np.unique(key[inner[a:b]]) for a, b in pairwise(ends)]


def _ranks(tree: Any, searches: list[Words]) -> NDArray[np.int64]:
    """The place of each node's threshold among those of its feature; 0 for a leaf."""
    keys = _keys(rounded_down(tree.threshold))
    ranks = np.zeros(tree.node_count, np.int64)
    for j in np.unique(tree.feature[tree.feature >= 0]):
        of_feature = tree.feature == j
        ranks[of_feature] = np.searchsorted(searches[j], keys[of_feature])
    return ranks


def _search_trees(
    searches: list[Words],
) -> tuple[Words, NDArray[np.uint64], NDArray[np.uint8]]:
    """The sorted keys of each feature as a full search tree in heap order, with starts and depths.

    A tree of depth d has room for 2**d - 1 keys from place 1 on, and what is left over is filled
    with a key that no finite number exceeds.
    """
    steps = [len(search).bit_length() for search in searches]
    starts = np.cumsum([0] + [1 << depth for depth in steps[:-1]])
    flat = [_heap_order(search, depth) for search, depth in zip(searches, steps, strict=True)]
    return np.concatenate(flat), starts.astype(np.uint64), np.array(steps, np.uint8)


def _heap_order(search: Words, depth: int) -> Words:
    full = np.full((1 << depth) - 1, 2**32 - 1, np.uint32)
    full[: len(search)] = search
    placed = np.zeros(1 << depth, np.uint32)
    for level in range(depth):
        step = 1 << (depth - level)
        placed[1 << level : 2 << level] = full[step // 2 - 1 :: step]
    return placed


def _plane(tree: Any) -> NDArray[np.int64]:
    """For each node 0 where it sends missing values to the left, and 1 where to the right."""
    return 1 - tree.missing_go_to_left.astype(np.int64)


def filled(tree: Any, depth: int) -> NDArray[np.intp]:
    """Which node stands at each place of a full tree; below a leaf, the leaf.

    Place 0 is unused, 1 is the root, and the children of place i are 2i and 2i + 1.
    """
    nodes = np.zeros(2 << depth, np.intp)
    for d in range(depth):
        level = nodes[1 << d : 2 << d]
        inner = tree.children_left[level] >= 0
        nodes[2 << d : 4 << d : 2] = np.where(inner, tree.children_left[level], level)
        nodes[(2 << d) + 1 : 4 << d : 2] = np.where(inner, tree.children_right[level], level)
    return nodes


def _heap(trees: list[Any], values: list[Floats], searches: list[Words]) -> Any:
    depth = max(tree.max_depth for tree in trees)
    nodes = np.zeros((len(trees), 2 << depth), np.uint32)
    leaves = []
    number = 0
    for tree, value, words in zip(trees, values, nodes, strict=True):
        leaf = tree.children_left < 0
        place = (tree.feature + len(searches) * _plane(tree)) * BLOCK
        word = np.where(leaf, 0, _ranks(tree, searches) | place << 16)  # below a leaf, all is one
        at = filled(tree, depth)
        words[: 1 << depth] = word[at[: 1 << depth]]
        words[1 << depth :] = (number - 1 + np.cumsum(leaf))[at[1 << depth :]]
        leaves.append(value[leaf])
        number += len(leaves[-1])
    return compiled.Heap(nodes, *_search_trees(searches), _contiguous(leaves))


def _wide(trees: list[Any], values: list[Floats], searches: list[Words], child_bits: int) -> Any:
    orders = [_breadth_first(tree) for tree in trees]
    words = []
    for tree, order in zip(trees, orders, strict=True):
        leaf, at = tree.children_left < 0, _inverse(order, tree.node_count)
        child = np.where(leaf, at, at[tree.children_left])
        rank = np.where(leaf, (1 << _rank_bits(child_bits)) - 1, _ranks(tree, searches))
        feature = np.where(leaf, 0, tree.feature + PLANE * _plane(tree))
        word = rank << (child_bits + 6) | feature << child_bits | child
        words.append(word.astype(np.uint32))
    starts = np.cumsum([0, *map(len, orders[:-1])])
    group = np.minimum(np.arange(-len(trees) % TREES + len(trees)), len(trees) - 1)
    top = np.stack(
        [word[filled(tree, TOP - 1)[1:]] for tree, word in zip(trees, words, strict=True)]
    )
    return compiled.Wide(
        np.ascontiguousarray(top[group].reshape(-1, TREES, top.shape[1]).swapaxes(1, 2)),
        np.concatenate([word[order] for word, order in zip(words, orders, strict=True)]),
        starts[group].astype(np.uint32).reshape(-1, TREES),
        *_search_trees(searches),
        _contiguous([value[order] for value, order in zip(values, orders, strict=True)]),
        len(trees),
        max(tree.max_depth for tree in trees),
        child_bits,
    )


def _linked(trees: list[Any], values: list[Floats]) -> Any:
    features = trees[0].n_features
    places = [np.maximum(tree.feature, 0) + features * _plane(tree) for tree in trees]
    inner = [tree.children_left >= 0 for tree in trees]
    compared = [place[at] for place, at in zip(places, inner, strict=True)]
    used = np.unique(np.concatenate([[0], *compared]))  # one at least, where all trees are leaves
    nodes, leaves, roots = [], [], []
    number = total = 0
    for tree, value, place in zip(trees, values, places, strict=True):
        order = _breadth_first(tree)
        leaf = tree.children_left < 0
        leaf_number = number - 1 + np.cumsum(leaf)
        left = np.where(
            leaf, ~leaf_number, total + _inverse(order, tree.node_count)[tree.children_left]
        )
        words = np.zeros((len(order), 4), np.uint32)
        words[:, 0] = _keys(rounded_down(tree.threshold))[order]
        words[:, 1] = np.where(leaf, 0, np.searchsorted(used, place))[order]
        words[:, 2] = left[order].astype(np.int32).view(np.uint32)
        nodes.append(words)
        leaves.append(value[leaf])
        roots.append(total)
        number += len(leaves[-1])
        total += len(order)
    return compiled.Linked(
        np.concatenate(nodes),
        np.array(roots, np.uint64),
        used.astype(np.uint32),
        _contiguous(leaves),
        features,
    )


def _contiguous(values: list[Floats]) -> Floats:
    return np.ascontiguousarray(np.concatenate(values), np.float64)


def _inverse(order: NDArray[np.intp], count: int) -> NDArray[np.int64]:
    """The place of each node in the order; 0 for one that was cut off and is not in it."""
    places = np.zeros(count, np.int64)
    places[order] = np.arange(len(order))
    return places


def _breadth_first(tree: Any) -> NDArray[np.intp]:
    """Nodes level by level, a right child right after its left sibling."""
    levels = [np.zeros(1, np.intp)]
    while len(levels[-1]):
        inner = levels[-1][tree.children_left[levels[-1]] >= 0]
        children = [tree.children_left[inner], tree.children_right[inner]]
        levels.append(np.stack(children, axis=1).ravel().astype(np.intp))
    return np.concatenate(levels)


def _as_rows(X: ArrayLike, features: int, names: tuple[str, ...]) -> NDArray[np.float32]:
    if (
        type(X) is np.ndarray
        and X.dtype == np.float32
        and X.ndim == 2
        and X.shape[1] == features
        and (flags := X.flags).c_contiguous
        and flags.aligned
    ):
        return X
    if hasattr(X, "toarray"):
        raise TypeError("a sparse X is not supported: give X.toarray()")
    columns = tuple(getattr(X, "columns", ()))
    if names and columns and columns != names:
        other = next((pair for pair in zip(columns, names, strict=False) if pair[0] != pair[1]), ())
        raise ValueError(
            "X must have the columns of the training, in their order"
            + (f"; the first that differs is {other[0]!r}, not {other[1]!r}" if other else "")
            + f" ({len(columns)} given, {len(names)} expected)"
        )
    given = np.asarray(X)
    if given.ndim != 2 or given.shape[1] != features:
        raise ValueError(
            f"X has the shape {given.shape}; (rows, {features}) is expected, one row a record"
        )
    refusal = f"X holds {given.dtype}, which are not numbers that float32 can hold"
    if given.dtype.kind not in "fiubO":
        raise TypeError(refusal)
    try:
        with np.errstate(over="ignore"):
            return np.require(given, np.float32, ["C", "A"])
    except (TypeError, ValueError, OverflowError):
        raise TypeError(refusal) from None


def _check_out(out: Floats, shape: tuple[int, int], rows: NDArray[np.float32]) -> None:
    is_array = isinstance(out, np.ndarray)
    fits = is_array and out.dtype == np.float64 and out.shape == shape and out.flags.carray
    if not fits:
        given = type(out).__name__
        if is_array:
            lacking = {"contiguous": out.flags.c_contiguous, "writeable": out.flags.writeable}
            lacking["aligned"] = out.flags.aligned
            words = [f"not {name}" for name, has in lacking.items() if not has]
            given = ", ".join([f"{out.dtype} {out.shape}", *words])
        raise ValueError(
            f"out must be writeable, contiguous, aligned float64 of the shape {shape}, not {given}"
        )
    if np.may_share_memory(out, rows):
        raise ValueError("out shares memory with X, which is read while out is written: copy one")
