"""The loop in a cache makes the steps of the plain loop, and leaves all other memory alone."""

import numpy as np
import pytest

from unlocked.kernels import ou_cached
from unlocked.kernels.ou_parallel import same_noise_inputs
from unlocked.kernels.ou_paths import update_paths

TARGET = "unlocked.kernels.ou_cached:update_in_cache"
SLOTS = ou_cached.SLOTS


@pytest.mark.parametrize("num_steps", [0, 1, SLOTS - 1, SLOTS, SLOTS + 1, 3 * SLOTS + 5])
def test_the_last_pass_is_that_of_the_plain_loop(num_steps):
    given = same_noise_inputs(2, num_steps, seed=4)
    update_paths(**given, kernel=TARGET, threads=2)
    ou_cached.check_in_cache(given["out"], given)
    assert np.isnan(given["out"][:, min(SLOTS, num_steps) :]).all()


def test_a_wrong_number_is_found():
    given = same_noise_inputs(2, SLOTS + 9, seed=4)
    update_paths(**given, kernel=TARGET)
    given["out"][1, 3] += 1e-9
    with pytest.raises(AssertionError):
        ou_cached.check_in_cache(given["out"], given)
