"""All steps towards the packed forest have scikit-learn's bits."""

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from unlocked.inference.walks import STEPS
from unlocked.kernels import forest, forest_steps


@pytest.fixture(scope="module", params=[RandomForestClassifier, ExtraTreesClassifier])
def model(request):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 6))
    return request.param(7, max_depth=5, random_state=0).fit(X, (3 * X[:, 0] + X[:, 1]) // 2)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("rows", [1, 8, 13, forest_steps.ROWS, 2 * forest_steps.ROWS + 3])
def test_every_step_answers_as_scikit_learn_does(model, step, rows):
    walk, lay_out = STEPS[step]
    X = np.random.default_rng(rows).standard_normal((rows, 6)).astype(np.float32)
    out = np.full((rows, len(model.classes_)), np.nan)
    walk(lay_out(model), X, out)
    assert out.tobytes() == model.predict_proba(X).tobytes()


def test_the_numbers_just_beside_a_threshold_keep_their_sides():
    thresholds = np.array([0.1, np.float64(np.float32(0.1)), -0.0, 1e-46, -1e-46, 3.5e38, np.inf])
    rounded = forest.rounded_down(thresholds)
    assert (rounded <= thresholds).all()
    with np.errstate(over="ignore"):
        above = np.nextafter(rounded, np.float32(np.inf))
    finite = np.isfinite(rounded)
    assert (above[finite] > thresholds[finite]).all()
    assert not np.signbit(rounded[thresholds == 0]).any()


def test_a_full_tree_repeats_a_leaf_below_it(model):
    tree = model.estimators_[0].tree_
    nodes = forest.filled(tree, 6)
    for place in range(1, 64):
        children = {nodes[2 * place], nodes[2 * place + 1]}
        node = nodes[place]
        if tree.children_left[node] < 0:
            assert children == {node}
        else:
            assert children == {tree.children_left[node], tree.children_right[node]}
