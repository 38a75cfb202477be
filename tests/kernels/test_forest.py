"""A packed forest answers as scikit-learn does, bit for bit, whatever the forest and the rows."""

import copy
import pickle
from functools import cache

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression

from unlocked.kernels import forest
from unlocked.kernels.forest import PackedForest

pytestmark = pytest.mark.filterwarnings(
    "ignore:(overflow|invalid value) encountered:RuntimeWarning"  # scikit-learn looks for infinity
)

CLASSIFIERS = (RandomForestClassifier, ExtraTreesClassifier)
REGRESSORS = (RandomForestRegressor, ExtraTreesRegressor)
FEATURES = 5

# name -> depth, classes of each output (none for regressors), how the rows are made
SHAPES = {
    "binary": (4, [2], "plain"),
    "seven classes": (6, [7], "plain"),
    "one class": (4, [1], "plain"),
    "two outputs": (5, [3, 2], "plain"),
    "missing": (5, [2], "missing"),
    "deep": (None, [2], "plain"),
    "deep with missing": (None, [3], "missing"),
    "many equal numbers": (None, [2], "rounded"),
    "tiny numbers": (None, [2], "tiny"),
    "one leaf": (0, [2], "plain"),
    "lopsided": (None, [], "lopsided"),
    "deep and lopsided": (None, [], "lopsided and long"),
    "regression": (5, [], "plain"),
    "deep regression with missing": (None, [], "missing"),
}


def training_rows(kind, rng):
    rows = rng.standard_normal((120, FEATURES))
    if kind == "missing":
        rows[rng.random(rows.shape) < 0.2] = np.nan
        rows[:, 0] = rng.standard_normal(len(rows))  # this one without
    elif kind == "rounded":
        rows = np.round(rows)
    elif kind == "tiny":
        rows = rows * 1e-42
    elif kind.startswith("lopsided"):
        length = 40 if kind == "lopsided" else 400
        rows = np.repeat(np.arange(length)[:, None], FEATURES, axis=1) / 7
    return rows


def targets(rows, classes, kind, rng):
    if kind.startswith("lopsided"):
        return 1.5 ** np.arange(len(rows))
    score = np.nan_to_num(rows) @ rng.standard_normal((FEATURES, max(len(classes), 1)))
    if not classes:
        return score[:, 0] + rng.standard_normal(len(rows)) / 10
    ranks = np.argsort(np.argsort(score, axis=0), axis=0) / len(rows)
    labels = (ranks * classes).astype(int)
    return labels[:, 0] if len(classes) == 1 else labels


@cache
def fitted(kind, name, seed=0, instructions=None):
    depth, classes, made = SHAPES[name]
    rng = np.random.default_rng(seed)
    rows = training_rows(made, rng)
    target = targets(rows, classes, made, rng)
    options = {"min_samples_split": 500} if depth == 0 else {"max_depth": depth}
    model = kind(5, random_state=seed, **options).fit(rows, target)
    return model, PackedForest.from_sklearn(model, instructions)


FORESTS = [
    (kind, name)
    for name, (_, classes, _) in SHAPES.items()
    for kind in (CLASSIFIERS if classes else REGRESSORS)
]


def subject(name):
    """A fitted forest, the same packed, and rows."""
    rows = np.random.default_rng(2).standard_normal((90, FEATURES), np.float32)
    return *fitted(RandomForestClassifier, name), rows


def assert_same(found, expected):
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)
        return
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


def assert_answers_alike(model, packed, rows, **options):
    assert_same(packed.predict(rows, **options), model.predict(rows))
    if hasattr(model, "classes_"):
        assert_same(packed.predict_proba(rows, **options), model.predict_proba(rows))


def numbers_of(model):
    """Numbers at which a comparison could go wrong: the thresholds and their neighbours."""
    thresholds = np.concatenate([tree.tree_.threshold for tree in model.estimators_])
    single = thresholds.astype(np.float32)
    steps = [np.nextafter(single, np.float32(side)) for side in (-np.inf, np.inf)]
    double = [np.nextafter(thresholds, side) for side in (-np.inf, np.inf)]
    special = [0.0, -0.0, 1e-45, -1e-45, 1e-38, 3e38, -3e38, np.nan]
    numbers = np.concatenate([thresholds, single, *steps, *double, special])
    with np.errstate(over="ignore"):
        return numbers[~np.isinf(numbers.astype(np.float32))]


@st.composite
def cases(draw):
    """A forest and rows in float64 or float32, of numbers near its thresholds and of any."""
    model, packed = fitted(
        *draw(st.sampled_from(FORESTS)),
        draw(st.integers(0, 2)),
        draw(st.sampled_from(forest.AVAILABLE)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (draw(st.integers(1, 70)), FEATURES)
    rows = np.where(
        rng.random(shape) < 0.7,
        rng.choice(numbers_of(model), shape),
        rng.standard_normal(shape) * 10.0 ** rng.integers(-44, 38, shape),
    )
    return model, packed, rows.astype(draw(st.sampled_from([np.float64, np.float32])))


@settings(max_examples=2000, deadline=None)
@given(cases())
def test_any_forest_answers_any_rows_as_scikit_learn_does(case):
    model, packed, rows = case
    assert_answers_alike(model, packed, rows)


LAYOUTS = {"avx512": ("wide", forest.WIDE_DEPTH), "plain": ("heap", forest.HEAP_DEPTH)}


@pytest.mark.parametrize("instructions", forest.AVAILABLE)
@pytest.mark.parametrize("name", SHAPES)
def test_the_layout_follows_the_depth(name, instructions):
    kind = (CLASSIFIERS if SHAPES[name][1] else REGRESSORS)[0]
    model, packed = fitted(kind, name, instructions=instructions)
    depth = max(tree.get_depth() for tree in model.estimators_)
    shallow, limit = LAYOUTS[instructions]
    assert packed.layout == (shallow if depth <= limit else "linked")


@pytest.mark.parametrize("name", ["binary", "seven classes", "lopsided", "deep and lopsided"])
@pytest.mark.parametrize("rows", [1, 7, 8, 9, 63, 64, 65, forest.CHUNK + 1])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("instructions", forest.AVAILABLE)
def test_every_number_of_rows_and_threads(name, rows, n_threads, instructions):
    kind = (CLASSIFIERS if SHAPES[name][1] else REGRESSORS)[0]
    model, packed = fitted(kind, name, instructions=instructions)
    X = np.random.default_rng(rows).standard_normal((rows, FEATURES), np.float32)
    assert_answers_alike(model, packed, X, n_threads=n_threads)


def test_a_feature_with_more_thresholds_than_ranks_is_linked(monkeypatch):
    """Ranks have 16 bits; here the limit of depth is the only one that is lifted."""
    rng = np.random.default_rng(0)
    X = rng.random((70_000, 1))
    model = ExtraTreesRegressor(1, random_state=0).fit(X, rng.random(70_000))
    monkeypatch.setattr(forest, "HEAP_DEPTH", 10**6)
    packed = PackedForest.from_sklearn(model)
    assert packed.layout == "linked"
    assert_answers_alike(model, packed, X[:1000])


@pytest.mark.parametrize("bits", [25, 26, 27])
def test_a_tree_with_more_nodes_than_a_word_can_number_is_not_wide(monkeypatch, bits):
    model, _ = fitted(RandomForestClassifier, "deep")
    monkeypatch.setattr(forest, "_child_bits", lambda trees: bits)
    packed = PackedForest.from_sklearn(model)
    assert packed.layout != "wide"
    assert_answers_alike(model, packed, np.zeros((3, FEATURES), np.float32))


@pytest.mark.parametrize(("features", "layout"), [(32, None), (33, "heap"), (513, "linked")])
def test_the_layout_follows_the_features(features, layout):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, features))
    X[::3, -1] = np.nan
    model = RandomForestClassifier(17, max_depth=3, random_state=0).fit(X, np.arange(60) % 3)
    packed = PackedForest.from_sklearn(model)
    assert layout in (packed.layout, None)
    assert_answers_alike(model, packed, X)


@pytest.mark.parametrize("instructions", forest.AVAILABLE)
@pytest.mark.parametrize("features", [600, 5_000])
def test_a_forest_that_compares_few_of_many_features(features, instructions):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, features))
    X[::3, ::2] = np.nan
    model = RandomForestClassifier(6, random_state=0).fit(X, np.arange(40) % 3)
    packed = PackedForest.from_sklearn(model, instructions)
    assert packed.layout == "linked"
    assert_answers_alike(model, packed, X)
    assert_answers_alike(model, packed, np.where(np.isnan(X), rng.standard_normal(X.shape), np.nan))
    X[7, -1] = np.inf  # of a feature that no node need compare
    with pytest.raises(ValueError, match="infinite"):
        packed.predict(X)


@pytest.mark.parametrize("trees", [1, 15, 16, 17, 33])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 12])
def test_every_number_of_trees_and_levels(trees, depth):
    X = np.random.default_rng(depth).standard_normal((300, FEATURES), np.float32)
    model = ExtraTreesClassifier(trees, max_depth=depth, random_state=0)
    model.fit(X, np.arange(300) % 2)
    for instructions in forest.AVAILABLE:
        packed = PackedForest.from_sklearn(model, instructions)
        assert packed.num_trees == trees
        assert_answers_alike(model, packed, X)


def test_instructions_that_are_not_there_are_refused():
    model, _ = fitted(RandomForestClassifier, "binary")
    with pytest.raises(ValueError, match=r"must be one of .*plain on this processor, not 'mmx'"):
        PackedForest.from_sklearn(model, "mmx")


def test_labels_keep_their_type():
    X = np.random.default_rng(0).standard_normal((50, 3))
    for labels in (np.array(["no", "yes"]), np.array([False, True]), np.array([-3, 8])):
        model = RandomForestClassifier(3, random_state=0).fit(X, labels[(X[:, 0] > 0).astype(int)])
        assert_answers_alike(model, PackedForest.from_sklearn(model), X)


@pytest.mark.parametrize(
    "lay_out",
    [
        np.asfortranarray,
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: X[::-1],
        np.ndarray.tolist,
    ],
)
def test_rows_may_lie_anyhow(lay_out):
    model, packed = fitted(RandomForestClassifier, "binary")
    X = np.random.default_rng(1).standard_normal((20, FEATURES))
    assert_answers_alike(model, packed, lay_out(X))
    assert_answers_alike(model, packed, lay_out(X.astype(np.float32)))


def test_integers_are_numbers():
    model, packed = fitted(RandomForestClassifier, "binary")
    assert_answers_alike(model, packed, np.arange(10 * FEATURES).reshape(10, FEATURES) - 25)


def test_no_rows_have_no_answers():
    _, packed = fitted(RandomForestClassifier, "seven classes")
    empty = np.empty((0, FEATURES), np.float32)
    for n_threads in (1, 3):
        assert packed.predict_proba(empty, n_threads=n_threads).shape == (0, 7)
        assert packed.predict(empty, n_threads=n_threads).shape == (0,)


def test_out_is_filled_and_returned():
    model, packed = fitted(RandomForestClassifier, "seven classes")
    X = np.random.default_rng(2).standard_normal((90, FEATURES), np.float32)
    out = np.full((90, 7), np.nan)
    assert packed.predict_proba(X, out, n_threads=2) is out
    assert_same(out, model.predict_proba(X))


@pytest.mark.parametrize(
    "out",
    [
        np.empty((90, 6)),
        np.empty((90, 7), np.float32),
        np.empty((7, 90)).T,
        np.broadcast_to(np.empty(7), (90, 7)),
        [[0.0] * 7] * 90,
    ],
)
def test_an_unfit_out_is_refused_before_any_work(out):
    _, packed = fitted(RandomForestClassifier, "seven classes")
    with pytest.raises(ValueError, match=r"float64 of the shape \(90, 7\), not"):
        packed.predict_proba(np.zeros((90, FEATURES)), out)


def test_out_is_for_one_output():
    _, packed = fitted(RandomForestClassifier, "two outputs")
    with pytest.raises(ValueError, match="one output, not of 2"):
        packed.predict_proba(np.zeros((1, FEATURES)), np.empty((1, 5)))


@pytest.mark.parametrize("name", ["binary", "deep"])
@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e39])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_infinite_numbers_are_refused_as_by_scikit_learn(name, number, n_threads):
    model, packed = fitted(RandomForestClassifier, name)
    X = np.zeros((3000, FEATURES))
    X[2500, 3] = number
    with pytest.raises(ValueError, match="infinity"):
        model.predict(X)
    with pytest.raises(ValueError, match="infinite, or too large for float32"):
        packed.predict(X, n_threads=n_threads)


@pytest.mark.parametrize("shape", [(FEATURES,), (3, FEATURES - 1), (3, FEATURES, 1), (0,)])
def test_another_shape_is_refused(shape):
    _, packed = fitted(RandomForestClassifier, "binary")
    with pytest.raises(ValueError, match=r"X has the shape .* \(rows, 5\) is expected"):
        packed.predict(np.zeros(shape))


def test_what_is_not_a_number_is_refused():
    _, packed = fitted(RandomForestClassifier, "binary")
    with pytest.raises(TypeError, match="not numbers that float32 can hold"):
        packed.predict(np.full((2, FEATURES), "a"))


def test_fewer_than_one_thread_is_refused():
    _, packed = fitted(RandomForestClassifier, "binary")
    with pytest.raises(ValueError, match="at least 1, not 0"):
        packed.predict(np.zeros((2, FEATURES)), n_threads=0)


@pytest.mark.parametrize("model", [GradientBoostingClassifier(), LogisticRegression()])
def test_another_model_is_refused_by_name(model):
    with pytest.raises(TypeError, match=f"a {type(model).__name__} cannot be packed; allowed are"):
        PackedForest.from_sklearn(model)


def test_an_unfitted_model_is_refused():
    with pytest.raises(ValueError, match="not fitted: call fit first"):
        PackedForest.from_sklearn(RandomForestClassifier())


def test_a_regressor_has_no_probabilities():
    _, packed = fitted(RandomForestRegressor, "regression")
    with pytest.raises(TypeError, match="use predict"):
        packed.predict_proba(np.zeros((1, FEATURES)))


def test_trees_of_another_width_are_refused():
    rng = np.random.default_rng(1)
    rows, labels = rng.standard_normal((60, 20)), np.arange(60) % 2
    narrow = RandomForestClassifier(2, random_state=0).fit(rows[:, :5], labels)
    wide = RandomForestClassifier(2, random_state=0).fit(rows, labels)
    narrow.estimators_ += wide.estimators_
    with pytest.raises(ValueError, match=r"tree 2 takes 20 features .* this forest takes 5"):
        PackedForest.from_sklearn(narrow)
    narrow.estimators_ = wide.estimators_
    with pytest.raises(ValueError, match="tree 0 takes 20 features"):
        PackedForest.from_sklearn(narrow)


def test_trees_of_other_classes_are_refused():
    rows = np.random.default_rng(1).standard_normal((60, 3))
    two = RandomForestClassifier(2, random_state=0).fit(rows, np.arange(60) % 2)
    two.estimators_ += RandomForestClassifier(1).fit(rows, np.arange(60) % 3).estimators_
    with pytest.raises(ValueError, match=r"answers in the shape \(1, 3\)"):
        PackedForest.from_sklearn(two)


def test_a_forest_without_trees_is_refused():
    model = RandomForestClassifier(2).fit([[0.0], [1.0]], [0, 1])
    model.estimators_ = []
    with pytest.raises(ValueError, match="has no trees"):
        PackedForest.from_sklearn(model)


def test_a_model_that_predicts_in_its_own_way_is_refused():
    class Other(RandomForestClassifier):
        def predict(self, X):
            return super().predict(X)[::-1]

    with pytest.raises(TypeError, match="a Other with a predict of its own cannot be packed"):
        PackedForest.from_sklearn(Other(2).fit([[0.0], [1.0]], [0, 1]))


@pytest.mark.parametrize("instructions", forest.AVAILABLE)
@pytest.mark.parametrize("depth", [4, None])
def test_trees_that_were_cut_by_hand(depth, instructions):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((200, FEATURES)).astype(np.float32)
    model = ExtraTreesClassifier(3, max_depth=depth, random_state=0).fit(rows, np.arange(200) % 3)
    for estimator in model.estimators_:
        tree = estimator.tree_
        cut = int(tree.children_right[0])
        tree.children_left[cut] = tree.children_right[cut] = -1
    packed = PackedForest.from_sklearn(model, instructions)
    np.testing.assert_array_equal(packed.predict_proba(rows), model.predict_proba(rows))


def test_columns_of_a_frame_are_those_of_the_training():
    rows = np.random.default_rng(1).standard_normal((40, 3))
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    model = RandomForestClassifier(3, random_state=0).fit(frame, np.arange(40) % 2)
    packed = PackedForest.from_sklearn(model)
    expected = model.predict_proba(frame)
    np.testing.assert_array_equal(packed.predict_proba(frame), expected)
    np.testing.assert_array_equal(packed.predict_proba(rows), expected)
    for other in (frame[["b", "a", "c"]], frame.rename(columns={"a": "b", "b": "a"})):
        with pytest.raises(ValueError, match="the first that differs is 'b', not 'a'"):
            packed.predict_proba(other)


def test_numbers_of_several_types_in_a_frame_are_numbers():
    frame = pd.DataFrame({"a": [0.5, 1.5, 2.5], "b": [True, False, True]})
    model = RandomForestClassifier(3, random_state=0).fit(frame, [0, 1, 1])
    packed = PackedForest.from_sklearn(model)
    np.testing.assert_array_equal(packed.predict_proba(frame), model.predict_proba(frame))


def test_sparse_rows_are_refused():
    _, packed, _ = subject("binary")
    with pytest.raises(TypeError, match=r"give X.toarray\(\)"):
        packed.predict_proba(scipy.sparse.csr_array(np.zeros((2, FEATURES))))


def test_out_that_shares_memory_with_the_rows_is_refused():
    _, packed, _ = subject("binary")
    memory = np.zeros(2 * 10 * FEATURES, np.float32)
    rows = memory[: 10 * FEATURES].reshape(10, FEATURES)
    out = memory[: 2 * 10 * 2].view(np.float64).reshape(10, 2)
    with pytest.raises(ValueError, match="shares memory with X"):
        packed.predict_proba(rows, out=out)


def test_rows_that_are_not_aligned_are_answered_too():
    model, packed, rows = subject("binary")
    bytes_ = np.zeros(rows.size * 4 + 1, np.uint8)
    odd = bytes_[1:].view(np.float32).reshape(rows.shape)
    odd[:] = rows
    assert not odd.flags.aligned
    np.testing.assert_array_equal(packed.predict_proba(odd), model.predict_proba(rows))


def test_half_a_thread_is_refused():
    _, packed, rows = subject("binary")
    with pytest.raises(ValueError, match=r"n_threads must be a whole number, not 2\.5"):
        packed.predict_proba(rows, n_threads=2.5)


def test_copies_are_refused_with_a_remedy():
    _, packed, _ = subject("binary")
    for copied in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="send the model, and pack it there"):
            copied(packed)
