"""Fused paths are those of their streams' noise, whoever makes them and in whatever pieces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.kernels import lanes, ou, ou_fused, ou_lookahead
from unlocked.kernels.normal import fill_normal

PROCESS = {"dt": 0.1, "x0": 0.5, "tau": 1.0, "sigma": 2.0}


def path(num_steps, stream=0, **options):
    out = np.full(num_steps + 1, np.nan)
    ou_fused.simulate_path(out, 7, **PROCESS | options, stream=stream)
    return out


@pytest.mark.parametrize("instructions", lanes.AVAILABLE)
@pytest.mark.parametrize("num_steps", [0, 1, 7, 16, 17, 511, 512, 513, 5000, 2_100_000])
def test_a_path_is_the_reference_on_the_noise_of_its_stream(num_steps, instructions):
    noise, expected = np.empty(num_steps), np.empty(num_steps + 1)
    fill_normal(noise, 7, stream=3, instructions=instructions)
    ou.update_reference(noise, expected, **PROCESS)
    found = path(num_steps, stream=3, instructions=instructions)
    atol = ou_lookahead.TOLERANCE * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@given(
    st.floats(-12, 6).map(lambda exponent: 10**exponent),
    st.floats(-1e6, 1e6),
    st.one_of(st.just(0.0), st.floats(1e-6, 1e3)),
)
def test_any_process_is_close_to_the_reference(dt, x0, sigma):
    noise, expected = np.empty(100), np.empty(101)
    fill_normal(noise, 7)
    process = {"dt": dt, "x0": x0, "tau": 1.0, "sigma": sigma}
    ou.update_reference(noise, expected, **process)
    atol = ou_lookahead.tolerance(100, dt, 1.0) * np.abs(expected).max() + np.finfo(float).tiny
    np.testing.assert_allclose(path(100, **process), expected, rtol=0, atol=atol)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(0, 15))
def test_pieces_that_begin_at_multiples_of_16_are_the_whole(groups, rest):
    sizes = [16 * count for count in groups]
    sizes[-1] += rest
    whole = path(sum(sizes))
    x0, first = PROCESS["x0"], 0
    for size in sizes:
        piece = np.full(size + 1, np.nan)
        ou_fused.simulate_path(piece, 7, **PROCESS | {"x0": x0}, first=first)
        assert piece.tobytes() == whole[first : first + size + 1].tobytes()
        x0, first = float(piece[-1]), first + size


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
def test_the_bits_do_not_depend_on_the_number_of_threads(threads):
    out = np.full((9, 3001), np.nan)
    ou_fused.simulate_paths(out, 7, **PROCESS, threads=threads, first_stream=5)
    for row, found in enumerate(out):
        assert found.tobytes() == path(3000, stream=5 + row).tobytes()


def test_paths_written_past_the_caches_have_the_same_bits():
    out = np.empty((3, 800_000))  # larger than lanes.STREAM_BYTES together, not each
    assert out[0].nbytes < lanes.STREAM_BYTES <= out.nbytes
    ou_fused.simulate_paths(out, 7, **PROCESS)
    for row, found in enumerate(out):
        assert found.tobytes() == path(out.shape[1] - 1, stream=row).tobytes()


def test_paths_pass_the_statistical_check():
    inputs = ou_fused.fused_inputs(4, 50_000, seed=3)
    ou_fused.simulate_paths(**inputs)
    ou_fused.check_paths(inputs["out"], inputs)
    ou.check_statistics(ou_fused.simulate_fused(50_000, 3), ou.simulation_inputs(50_000, 3))


def test_the_design_of_the_tour_makes_paths_of_the_process():
    inputs = ou_fused.fused_inputs(3, 20_000, seed=3)
    ou_fused.check_paths(ou_fused.simulate_paths_as_published(**inputs), inputs)


def test_the_check_refuses_one_path_given_twice():
    inputs = ou_fused.fused_inputs(2, 1000, seed=3)
    ou_fused.simulate_paths(**inputs)
    inputs["out"][1] = inputs["out"][0]
    with pytest.raises(AssertionError, match="two rows are the same path"):
        ou_fused.check_paths(inputs["out"], inputs)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"out": np.empty((2, 0))}, ValueError, "must hold at least the first value"),
        ({"out": np.empty(5)}, ValueError, "out must have 2 dimensions, not 1"),
        ({"out": np.empty((2, 5), np.float32)}, TypeError, "out must be float64"),
        ({"out": np.empty((4, 10))[:, :5]}, ValueError, "out must be contiguous"),
        ({"tau": 0.0}, ValueError, "tau must be finite and above 0"),
        ({"threads": 0}, ValueError, "threads must be at least 1, not 0"),
        ({"first_stream": 2**64 - 1}, ValueError, "leaves no 2 streams"),
        ({"seed": "one"}, TypeError, "seed must be an int, not 'one'"),
    ],
)
def test_wrong_arguments_are_named(change, error, message):
    with pytest.raises(error, match=message):
        ou_fused.simulate_paths(**ou_fused.fused_inputs(2, 4, seed=1) | change)


def test_a_piece_must_begin_at_a_multiple_of_16():
    with pytest.raises(ValueError, match="first must be a multiple of 16, not 8"):
        ou_fused.simulate_path(np.empty(5), 7, **PROCESS, first=8)
