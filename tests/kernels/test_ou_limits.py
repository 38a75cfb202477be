"""The subjects of the chapter on limits do what they say; their checks tell wrong from right."""

import numpy as np
import pytest

from unlocked.kernels import lanes, ou, ou_cython, ou_limits, ou_lookahead

LENGTHS = [0, 1, 3, 4, 5, 1000]


def path(update, inputs):
    returned = update(**inputs)
    return inputs["out"] if returned is None else returned


@pytest.mark.parametrize("num_steps", LENGTHS)
def test_a_new_array_holds_the_path_and_the_given_one_is_left_alone(num_steps):
    inputs = ou.noise_inputs(num_steps, seed=1)
    found = ou_limits.update_into_new(**inputs)
    assert np.isnan(inputs["out"]).all()
    ou.update_reference(**inputs)
    np.testing.assert_array_equal(found, inputs["out"])


def test_a_copy_into_a_new_array_passes_the_check_of_copies():
    inputs = ou.noise_inputs(100, seed=1)
    ou_lookahead.check_copied(ou_limits.copy_into_new(**inputs), inputs)
    with pytest.raises(AssertionError):
        ou_lookahead.check_copied(np.zeros(101), inputs)


@pytest.mark.parametrize("num_steps", [1, 2, 1000])
def test_the_unchained_loop_passes_its_check_and_the_path_does_not(num_steps):
    inputs = ou.noise_inputs(num_steps, seed=1)
    ou_limits.update_unchained(**inputs)
    ou_limits.check_unchained(inputs["out"], inputs)
    inputs["out"][-1] += 1e-6
    with pytest.raises(AssertionError):
        ou_limits.check_unchained(inputs["out"], inputs)


@pytest.mark.parametrize("num_steps", LENGTHS)
def test_the_chain_is_the_sum_of_its_series(num_steps):
    inputs = ou.noise_inputs(num_steps, seed=1, x0=3.0)
    found = ou_limits.multiply_add_chain(**inputs)
    ou_limits.check_chain(found, inputs)
    with pytest.raises(AssertionError):
        ou_limits.check_chain(found + 1e-6, inputs)


@pytest.mark.parametrize("num_steps", LENGTHS)
@pytest.mark.parametrize("update", [ou_limits.update_float32, ou_limits.update_float32_lookahead])
def test_single_precision_is_the_path_to_six_digits(update, num_steps):
    inputs = ou_limits.float32_inputs(num_steps, seed=1, x0=1.5)
    update(**inputs)
    ou_limits.check_float32(inputs["out"], inputs)
    inputs["out"][-1] += 1e-3
    with pytest.raises(AssertionError):
        ou_limits.check_float32(inputs["out"], inputs)


@pytest.mark.parametrize("instructions", lanes.AVAILABLE)
@pytest.mark.parametrize("num_steps", [0, 1, 1000])
def test_columns_are_eight_paths(num_steps, instructions):
    inputs = ou_limits.columns_inputs(num_steps, seed=1, x0=1.5)
    ou_lookahead.update_columns(**inputs, instructions=instructions)
    ou_limits.check_columns(inputs["out"], inputs)
    inputs["out"][-1, 3] += 1e-6
    with pytest.raises(AssertionError):
        ou_limits.check_columns(inputs["out"], inputs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": np.zeros((5, 4))}, "noise must have 8 columns, not 4"),
        ({"out": np.zeros((5, 8))}, r"out must have the shape \(6, 8\), not \(5, 8\)"),
    ],
)
def test_wrong_columns_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ou_lookahead.update_columns(**ou_limits.columns_inputs(5, seed=1) | change)


def test_a_new_large_array_is_touched_for_the_first_time_and_a_used_one_is_not():
    found = ou_limits.page_faults(
        {
            "new": "unlocked.kernels.ou_limits:update_into_new",
            "reused": "unlocked.kernels.ou_cython:update_cython",
        },
        num_steps=8_000_000,
        seed=1,
    )
    assert found["new"] > 10 * (found["reused"] + 1)


def test_instruction_sets_are_named_widest_first():
    assert ou_limits.instruction_sets() == list(lanes.AVAILABLE)
    assert lanes.AVAILABLE[-1] == "plain"
    assert ou_cython.update_cython  # the plain loop needs none of them
