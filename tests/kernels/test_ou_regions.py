import numpy as np
import pytest

from unlocked.kernels.ou import update_reference
from unlocked.kernels.ou_regions import step_paths, step_paths_reference, threading_layer

DT, TAU, SIGMA = 0.1, 1.0, 2.0
RELAX = np.exp(-DT / TAU)
DIFFUSE = SIGMA * np.sqrt(1 - RELAX**2)


@pytest.fixture
def noise():
    return np.random.default_rng(4).standard_normal((30, 7))


def test_paths_in_step_end_where_numpy_says_to_the_bit(noise):
    state = np.linspace(-1, 1, 7)
    expected = step_paths_reference(state, noise, RELAX, DIFFUSE)
    step_paths(state, noise, RELAX, DIFFUSE)
    np.testing.assert_array_equal(state, expected)


def test_each_is_a_path_of_the_reference_kernel(noise):
    ends = step_paths_reference(np.zeros(7), noise, RELAX, DIFFUSE)
    for path in range(7):
        out = np.empty(31)
        update_reference(np.ascontiguousarray(noise[:, path]), out, DT, 0.0, TAU, SIGMA)
        assert ends[path] == pytest.approx(out[-1], rel=1e-12)


def test_the_reference_leaves_its_argument_alone(noise):
    state = np.ones(7)
    step_paths_reference(state, noise, RELAX, DIFFUSE)
    np.testing.assert_array_equal(state, np.ones(7))


def test_no_step_moves_nothing():
    state = np.ones(3)
    step_paths(state, np.empty((0, 3)), RELAX, DIFFUSE)
    np.testing.assert_array_equal(state, np.ones(3))


def test_the_threading_layer_has_a_known_name():
    assert threading_layer() in ("omp", "tbb", "workqueue")
