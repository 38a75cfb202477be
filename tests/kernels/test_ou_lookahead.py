"""Look-ahead kernels make the path of the reference, whatever its length, process and place."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unlocked.kernels import lanes, ou, ou_lookahead
from unlocked.kernels.ou_paths import paths_inputs, update_paths_reference

BY_NAME = {
    f"{name}, {'streaming' if streaming else 'ordinary'}": {
        "instructions": name,
        "streaming": streaming,
    }
    for name in lanes.AVAILABLE
    for streaming in (False, True)
}
every_variant = pytest.mark.parametrize("variant", BY_NAME.values(), ids=BY_NAME)

lengths = st.one_of(st.integers(0, 40), st.sampled_from([511, 512, 513, 1024, 1500]))
processes = st.fixed_dictionaries(
    {
        "dt": st.floats(-12, 6).map(lambda exponent: 10**exponent),
        "x0": st.one_of(st.just(0.0), st.floats(-1e6, 1e6)),
        "tau": st.floats(-6, 12).map(lambda exponent: 10**exponent),
        "sigma": st.one_of(st.just(0.0), st.floats(1e-6, 1e3)),
    }
)


SLOW = {"dt": 0.1, "x0": 17.0, "tau": 1e9, "sigma": 0.0}
"""A process that forgets nothing, so that what was rounded stays."""


def assert_close(inputs):
    found, expected = inputs["out"], reference_of(inputs)
    smallest = np.finfo(float).tiny  # below it numbers have fewer digits
    allowed = ou_lookahead.tolerance(len(found) - 1, inputs["dt"], inputs["tau"])
    atol = allowed * np.abs(expected).max() + smallest
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def reference_of(inputs):
    expected = inputs | {"out": inputs["out"].copy()}
    ou.update_reference(**expected)
    return expected["out"]


@given(num_steps=lengths, process=processes, seed=st.integers(0, 2**32 - 1))
@example(num_steps=100_000, process=SLOW, seed=0)
def test_numba_lookahead_is_close_for_any_process(num_steps, process, seed):
    inputs = ou.noise_inputs(num_steps, seed, **process)
    ou_lookahead.update_numba_lookahead(**inputs)
    assert_close(inputs)


@every_variant
@given(num_steps=lengths, process=processes, seed=st.integers(0, 2**32 - 1))
@example(num_steps=1024, process=SLOW, seed=0)
@example(num_steps=100_000, process=SLOW, seed=0)
def test_lookahead_is_close_for_any_process(variant, num_steps, process, seed):
    inputs = ou.noise_inputs(num_steps, seed, **process)
    ou_lookahead.update_lookahead(**inputs, **variant)
    assert_close(inputs)


@every_variant
@pytest.mark.parametrize("shift", range(9))
def test_the_place_of_the_result_in_memory_does_not_change_a_bit(variant, shift):
    inputs = ou.noise_inputs(3000, seed=1)
    room = np.full(3001 + 16, np.nan)
    inputs["out"] = room[shift : shift + 3001]
    ou_lookahead.update_lookahead(**inputs, **variant)
    again = ou.noise_inputs(3000, seed=1)
    ou_lookahead.update_lookahead(**again, instructions=variant["instructions"])
    assert inputs["out"].tobytes() == again["out"].tobytes()
    assert np.isnan(room[:shift]).all()
    assert np.isnan(room[shift + 3001 :]).all()


def test_instructions_that_fuse_give_the_same_bits():
    found = set()
    for name in lanes.AVAILABLE:
        if name != "plain":
            inputs = ou.noise_inputs(5000, seed=4, x0=3.0)
            ou_lookahead.update_lookahead(**inputs, instructions=name)
            found.add(inputs["out"].tobytes())
    assert len(found) <= 1


def test_without_noise_the_path_relaxes_to_zero():
    inputs = ou.noise_inputs(1000, seed=1, dt=0.1, x0=5.0, tau=2.0) | {"noise": np.zeros(1000)}
    ou_lookahead.update_lookahead(**inputs)
    np.testing.assert_allclose(inputs["out"], 5 * np.exp(-0.05 * np.arange(1001)), rtol=1e-12)


def test_a_value_that_is_not_finite_stays_out_of_the_past():
    inputs = ou.noise_inputs(100, seed=1)
    inputs["noise"][50] = math.nan
    ou_lookahead.update_lookahead(**inputs)
    assert np.isfinite(inputs["out"][:51]).all()
    assert np.isnan(inputs["out"][51:]).all()


@pytest.mark.parametrize(("num_paths", "num_steps"), [(0, 5), (1, 0), (3, 7), (8, 1000)])
def test_every_row_is_the_path_of_its_noise(num_paths, num_steps):
    inputs = paths_inputs(num_paths, num_steps, seed=3)
    expected = inputs | {"out": inputs["out"].copy()}
    ou_lookahead.update_paths_lookahead(**inputs)
    update_paths_reference(**expected)
    np.testing.assert_allclose(inputs["out"], expected["out"], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "kernel", [ou_lookahead.update_lookahead, ou_lookahead.update_numba_lookahead]
)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"noise": np.zeros(4, np.float32)}, TypeError, r"noise must be float64.*astype\(float\)"),
        ({"noise": np.zeros(8)[::2]}, ValueError, r"noise must be contiguous: give noise\.copy"),
        ({"noise": np.zeros((2, 2))}, ValueError, "noise must have one dimension, not 2"),
        ({"out": np.zeros(4)}, ValueError, "out must hold one value more than noise, 5, not 4"),
        ({"dt": 0.0}, ValueError, "dt must be finite and above 0"),
        ({"sigma": -1.0}, ValueError, "sigma must be finite and 0 or more"),
    ],
)
def test_wrong_arguments_are_named(kernel, change, error, message):
    with pytest.raises(error, match=message):
        kernel(**ou.noise_inputs(4, seed=1) | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise": np.zeros(4)}, "noise must have 2 dimensions, not 1"),
        ({"out": np.zeros((2, 4))}, r"out must have the shape \(2, 5\), not \(2, 4\)"),
        ({"instructions": "mmx"}, "instructions must be one of"),
    ],
)
def test_wrong_arrays_of_paths_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ou_lookahead.update_paths_lookahead(**paths_inputs(2, 4, seed=1) | change)
