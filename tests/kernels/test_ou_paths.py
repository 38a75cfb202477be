import numpy as np
import pytest

from unlocked.kernels.ou_paths import paths_inputs, update_paths, update_paths_reference

KERNELS = [
    "unlocked.kernels.ou:update_python",
    "unlocked.kernels.ou_cython:update_cython",
    "unlocked.kernels.ou_cython:update_cython_holding",
    "unlocked.kernels.ou_numba:update_numba",
]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("num_paths", "threads"), [(0, 1), (1, 3), (5, 2), (8, 8)])
def test_every_row_is_the_path_that_one_thread_makes(kernel, num_paths, threads):
    given = paths_inputs(num_paths, 200, seed=3)
    expected = given | {"out": given["out"].copy()}
    update_paths(**given, kernel=kernel, threads=threads)
    update_paths_reference(**expected)
    np.testing.assert_array_equal(given["out"], expected["out"])


def test_an_error_in_a_thread_reaches_the_caller():
    given = paths_inputs(2, 10, seed=3) | {"tau": -1.0}
    with pytest.raises(ValueError, match="tau must be finite and above 0"):
        update_paths(**given, threads=2)
