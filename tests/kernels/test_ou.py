"""Every variant of the process is the reference, and the reference is the process.

Kernels compiled with the plain flags give the reference's bits. Three simulations square by
``relax**2`` in every step, one of them with NumPy's ``exp``: either may differ in the last bit,
which the division by ``1 - relax²`` magnifies, so they are held to 1e-12 at the default
parameters and to :func:`rounding` elsewhere. So is SciPy's filter, which others compile.
"""

import inspect
import math
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unlocked.kernels import ou, ou_cython, ou_numba, ou_scipy
from unlocked.kernels.annotation import lines

EXACT_SIMULATIONS = [
    ou.simulate_hoisted,
    ou.simulate_hoisted_array,
    ou.simulate_preallocated,
    ou_numba.simulate_numba,
    ou_cython.simulate_cython_untyped,
    ou_cython.simulate_cython_typed,
    ou_cython.simulate_cython_unchecked,
]
CLOSE_SIMULATIONS = [ou.simulate_numpy_scalars, ou.simulate_math, ou.simulate_noise_first]
SIMULATIONS = [
    ou.simulate_reference,
    *EXACT_SIMULATIONS,
    *CLOSE_SIMULATIONS,
    ou_numba.simulate_modern_generator,
]
EXACT_UPDATES = [
    ou.update_python,
    ou_numba.update_numba,
    ou_numba.update_numba_holding,
    ou_cython.update_cython,
    ou_cython.update_cython_checked,
    ou_cython.update_cython_holding,
]
UPDATES = [ou.update_reference, *EXACT_UPDATES, ou_scipy.update_lfilter]


def each(functions):
    return pytest.mark.parametrize("function", functions, ids=lambda function: function.__name__)


def path(update, **inputs):
    update(**inputs)
    return inputs["out"].copy()


def rounding(num_steps, dt, x0, tau, sigma):
    """Allowed distance of two paths that differ in the last bit of ``relax`` and its square."""
    per_step = abs(x0) + sigma * (1 + math.sqrt(tau / dt))
    return 100 * np.finfo(float).eps * (num_steps + 1) * per_step


lengths = st.one_of(st.sampled_from([0, 1, 2, 3]), st.integers(0, 200))
processes = st.fixed_dictionaries(
    {
        "dt": st.floats(-9, 3).map(lambda exponent: 10**exponent),
        "x0": st.floats(-1e6, 1e6),
        "tau": st.floats(-3, 9).map(lambda exponent: 10**exponent),
        "sigma": st.one_of(st.just(0.0), st.floats(1e-6, 1e3)),
    }
)
seeds = st.integers(0, 2**32 - 1)


def test_one_step_is_the_published_formula():
    out = np.empty(2)
    ou.update_reference(np.array([0.5]), out, dt=0.1, x0=3.0, tau=2.0, sigma=4.0)
    relax = math.exp(-0.05)
    assert out.tolist() == [3.0, 3.0 * relax + 4.0 * math.sqrt(1 - relax * relax) * 0.5]


def test_without_noise_the_path_relaxes_to_zero():
    out = np.empty(101)
    ou.update_reference(np.zeros(100), out, dt=0.1, x0=5.0, tau=2.0, sigma=4.0)
    np.testing.assert_allclose(out, 5 * np.exp(-0.05 * np.arange(101)), rtol=1e-13)


def test_two_half_steps_have_the_spread_of_one_step():
    """The update is exact: its step may be cut without changing the law of the path."""
    unit = np.eye(2)
    halves = [path(ou.update_reference, **inputs(noise=row, dt=0.05))[-1] for row in unit]
    whole = path(ou.update_reference, **inputs(noise=np.ones(1), dt=0.1))[-1]
    assert math.hypot(*halves) == pytest.approx(whole, rel=1e-13)


def inputs(noise, out=None, dt=0.1, x0=0.0, tau=1.0, sigma=2.0):
    out = np.empty(len(noise) + 1) if out is None else out
    return {"noise": noise, "out": out, "dt": dt, "x0": x0, "tau": tau, "sigma": sigma}


@each(EXACT_SIMULATIONS)
def test_simulation_gives_the_bits_of_the_reference(function):
    np.testing.assert_array_equal(function(20_000, seed=1), ou.simulate_reference(20_000, seed=1))


@each(CLOSE_SIMULATIONS)
def test_simulation_is_close_to_the_reference(function):
    expected = ou.simulate_reference(20_000, seed=1)
    np.testing.assert_allclose(function(20_000, seed=1), expected, rtol=1e-12, atol=1e-12)


@each(EXACT_UPDATES)
def test_update_gives_the_bits_of_the_reference(function):
    expected = path(ou.update_reference, **ou.noise_inputs(20_000, seed=2, x0=7.0))
    np.testing.assert_array_equal(
        path(function, **ou.noise_inputs(20_000, seed=2, x0=7.0)), expected
    )


def test_filter_is_close_to_the_reference():
    expected = path(ou.update_reference, **ou.noise_inputs(20_000, seed=2, x0=7.0))
    found = path(ou_scipy.update_lfilter, **ou.noise_inputs(20_000, seed=2, x0=7.0))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_modern_generator_gives_the_reference_of_its_own_noise():
    found = ou_numba.simulate_modern_generator(20_000, seed=3)
    np.testing.assert_array_equal(found, path(ou.update_reference, **ou.noise_inputs(20_000, 3)))


@each(EXACT_UPDATES)
@settings(deadline=None, max_examples=50)
@given(num_steps=lengths, process=processes, seed=seeds)
def test_update_gives_the_bits_of_the_reference_for_any_process(function, num_steps, process, seed):
    expected = path(ou.update_reference, **ou.noise_inputs(num_steps, seed, **process))
    found = path(function, **ou.noise_inputs(num_steps, seed, **process))
    np.testing.assert_array_equal(found, expected)


@settings(deadline=None)
@given(num_steps=lengths, process=processes, seed=seeds)
def test_filter_is_the_reference_for_any_process(num_steps, process, seed):
    expected = path(ou.update_reference, **ou.noise_inputs(num_steps, seed, **process))
    found = path(ou_scipy.update_lfilter, **ou.noise_inputs(num_steps, seed, **process))
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(num_steps, **process))


@each(EXACT_SIMULATIONS)
@settings(deadline=None, max_examples=50)
@given(num_steps=lengths, process=processes, seed=seeds)
def test_simulation_gives_the_bits_of_the_reference_for_any_process(
    function, num_steps, process, seed
):
    expected = ou.simulate_reference(num_steps, seed, **process)
    np.testing.assert_array_equal(function(num_steps, seed, **process), expected)


@each(CLOSE_SIMULATIONS)
@settings(deadline=None, max_examples=50)
@given(num_steps=lengths, process=processes, seed=seeds)
def test_simulation_is_close_to_the_reference_for_any_process(function, num_steps, process, seed):
    expected = ou.simulate_reference(num_steps, seed, **process)
    found = function(num_steps, seed, **process)
    np.testing.assert_allclose(found, expected, rtol=0, atol=rounding(num_steps, **process))


@each(SIMULATIONS)
@pytest.mark.parametrize("num_steps", [0, 1, 2, 1000])
def test_path_starts_at_x0_and_has_one_value_more_than_steps(function, num_steps):
    found = np.asarray(function(num_steps, seed=4, x0=-3.5))
    assert found.dtype == np.float64
    assert found.shape == (num_steps + 1,)
    assert found[0] == -3.5


@each(UPDATES)
def test_whole_numbers_are_as_good_as_floats(function):
    expected = path(function, **ou.noise_inputs(10, 1, dt=1.0, x0=2.0, tau=3.0, sigma=4.0))
    found = path(function, **ou.noise_inputs(10, 1, dt=1, x0=2, tau=np.int64(3), sigma=4))
    np.testing.assert_array_equal(found, expected)


@pytest.fixture(scope="module")
def long_path():
    inputs = ou.noise_inputs(2_000_000, seed=5, dt=0.1, tau=1.0, sigma=2.0)
    return path(ou_cython.update_cython, **inputs)


def test_stationary_variance_is_sigma_squared(long_path):
    relax = math.exp(-0.1)
    independent = len(long_path) * (1 - relax**2) / (1 + relax**2)
    standard_error = math.sqrt(2 / independent) * 4
    assert np.mean(long_path**2) == pytest.approx(4, abs=5 * standard_error)


@pytest.mark.parametrize("lag", [1, 3, 10, 30])
def test_autocorrelation_fades_with_tau(long_path, lag):
    relax = math.exp(-0.1)
    independent = len(long_path) * (1 - relax**2) / (1 + relax**2)
    found = np.corrcoef(long_path[:-lag], long_path[lag:])[0, 1]
    assert found == pytest.approx(math.exp(-0.1 * lag), abs=5 / math.sqrt(independent))


@each([ou.simulate_numpy_scalars, ou_numba.simulate_modern_generator])
def test_simulation_passes_the_statistical_check(function):
    ou.check_statistics(function(50_000, seed=6), ou.simulation_inputs(50_000, seed=6))


@settings(deadline=None, max_examples=300)
@given(
    num_steps=st.one_of(lengths, st.integers(0, 20_000)),
    dt=st.floats(-6, 3).map(lambda exponent: 10**exponent),
    x0=st.floats(-100, 100),
    sigma=st.one_of(st.just(0.0), st.floats(0.01, 100)),
    seed=seeds,
)
def test_check_accepts_every_right_path(num_steps, dt, x0, sigma, seed):
    inputs = ou.noise_inputs(num_steps, seed, dt=dt, x0=x0, tau=1.0, sigma=sigma)
    ou.check_statistics(path(ou_cython.update_cython, **inputs), inputs)


def euler_maruyama(noise, dt, tau, sigma):
    """The approximate update: right for small steps only."""
    return ou_scipy.lfilter([sigma * math.sqrt(2 * dt / tau)], [1, dt / tau - 1], noise)


def recurrence(noise, relax, diffuse):
    return ou_scipy.lfilter([diffuse], [1, -relax], noise)


RELAX = math.exp(-0.1)
DIFFUSE = 2 * math.sqrt(1 - RELAX**2)
WRONG_PATHS = {
    "approximate update": lambda z: euler_maruyama(z, dt=0.1, tau=1, sigma=2),
    "variance instead of deviation": lambda z: recurrence(z, RELAX, 4 * math.sqrt(1 - RELAX**2)),
    "root forgotten": lambda z: recurrence(z, RELAX, 2 * (1 - RELAX**2)),
    "relax not squared": lambda z: recurrence(z, RELAX, 2 * math.sqrt(1 - RELAX)),
    "tau a tenth too long": lambda z: recurrence(
        z, math.exp(-0.1 / 1.1), 2 * math.sqrt(1 - math.exp(-0.2 / 1.1))
    ),
    "white noise": lambda z: 2 * z,
    "one number for all steps": lambda z: recurrence(np.full_like(z, 0.3), RELAX, DIFFUSE),
    "uniform numbers from 0 to 1": lambda z: recurrence(
        np.random.default_rng(1).random(len(z)), RELAX, DIFFUSE
    ),
    "numbers repeated after 20 steps": lambda z: recurrence(
        np.resize(z[:20], len(z)), RELAX, DIFFUSE
    ),
    "every number twice": lambda z: recurrence(np.repeat(z[::2], 2), RELAX, DIFFUSE),
    "last value never written": lambda z: np.append(recurrence(z, RELAX, DIFFUSE)[:-1], np.nan),
}


@pytest.mark.parametrize("wrong", WRONG_PATHS.values(), ids=WRONG_PATHS)
def test_check_refuses_a_wrong_kernel(wrong):
    inputs = ou.noise_inputs(1_000_000, seed=7)
    answer = np.append(0.0, wrong(inputs["noise"]))
    with pytest.raises(AssertionError, match=r"is not within|not finite"):
        ou.check_statistics(answer, inputs)


def test_check_refuses_a_short_path_that_is_far_off():
    inputs = ou.noise_inputs(2_000, seed=7)
    answer = 2 * path(ou_cython.update_cython, **inputs)
    with pytest.raises(AssertionError, match=r"variance .* is not within"):
        ou.check_statistics(answer, inputs)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x + 1, "first value is 1.0, not x0 = 0.0"),
        (lambda x: x[:-1], r"shape \(100,\), not \(101,\)"),
        (lambda x: x.astype(np.float32), "float32, not float64"),
    ],
)
def test_check_refuses_the_wrong_form(spoil, message):
    answer = spoil(ou.simulate_reference(100, seed=1))
    with pytest.raises(AssertionError, match=message):
        ou.check_statistics(answer, ou.simulation_inputs(100, seed=1))


def test_inputs_repeat_and_show_what_was_not_written():
    first, second = ou.noise_inputs(100, seed=8), ou.noise_inputs(100, seed=8)
    np.testing.assert_array_equal(first["noise"], second["noise"])
    assert first["noise"] is not second["noise"]
    assert np.isnan(first["out"]).all()
    assert (len(first["noise"]), len(first["out"])) == (100, 101)


@each(UPDATES)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"out": np.empty(10)}, ValueError, "out must hold one value more than noise, 11, not 10"),
        ({"out": np.empty((11, 1))}, ValueError, "out must have one dimension, not 2"),
        ({"out": np.empty(22)[::2]}, ValueError, r"out must be contiguous: give out.copy\(\)"),
        ({"out": np.empty(11, np.float32)}, TypeError, "out must be float64, not float32"),
        ({"out": np.broadcast_to(np.float64(0), 11)}, ValueError, "out must be contiguous"),
        ({"out": np.frombuffer(bytes(88))}, ValueError, "out is read-only"),
        ({"noise": [0.0] * 10}, TypeError, "noise must be a NumPy array, not list"),
        ({"noise": np.zeros(10, int)}, TypeError, "noise must be float64, not int64"),
        ({"noise": np.zeros(10, ">f8")}, TypeError, "noise must be float64, not >f8"),
        ({"noise": np.frombuffer(bytes(81), offset=1)}, ValueError, "noise must be contiguous"),
        ({"dt": 0.0}, ValueError, "dt must be finite and above 0, not 0.0"),
        ({"dt": math.nan}, ValueError, "dt must be finite and above 0, not nan"),
        ({"tau": -1.0}, ValueError, "tau must be finite and above 0, not -1.0"),
        ({"tau": math.inf}, ValueError, "tau must be finite and above 0, not inf"),
        ({"sigma": -1.0}, ValueError, "sigma must be finite and 0 or more, not -1.0"),
        ({"x0": math.inf}, ValueError, "x0 must be finite, not inf"),
        ({"dt": "0.1"}, TypeError, "must be real number, not str"),
    ],
)
def test_update_refuses_wrong_arguments(function, change, error, message):
    with pytest.raises(error, match=message):
        function(**{**ou.noise_inputs(10, seed=1), **change})


@each(UPDATES)
def test_update_takes_read_only_noise(function):
    inputs = ou.noise_inputs(10, seed=1)
    expected = path(function, **inputs)
    inputs["noise"].flags.writeable = False
    np.testing.assert_array_equal(path(function, **inputs), expected)


@each(SIMULATIONS)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_steps": -1}, ValueError, "num_steps must be 0 or more, not -1"),
        ({"num_steps": 1e3}, TypeError, r"num_steps must be an int, not 1000.0: give int"),
        ({"dt": 0}, ValueError, "dt must be finite and above 0, not 0"),
        ({"tau": 0}, ValueError, "tau must be finite and above 0, not 0"),
        ({"sigma": math.nan}, ValueError, "sigma must be finite and 0 or more, not nan"),
        ({"x0": -math.inf}, ValueError, "x0 must be finite, not -inf"),
        ({"seed": -1}, ValueError, None),
    ],
)
def test_simulation_refuses_wrong_arguments(function, arguments, error, message):
    with pytest.raises(error, match=message):
        function(**{"num_steps": 10, "seed": 1, **arguments})


def cython_body(name):
    """Lines of a function of ``_ou.pyx`` after its docstring."""
    source = [line.source for line in lines(f"unlocked.kernels._ou:{name}")]
    docstring = next(i for i, line in enumerate(source) if line.endswith('"""'))
    return source[docstring + 1 :]


def test_cython_twins_of_bounds_checks_have_the_same_text():
    assert cython_body("update_cython") == cython_body("update_cython_checked")


def test_cython_twins_of_the_gil_differ_in_nogil_only():
    releasing = [line.strip() for line in cython_body("update_cython")]
    holding = [line.strip() for line in cython_body("update_cython_holding")]
    assert [line for line in releasing if line != "with nogil:"] == holding
    assert releasing != holding


def test_numba_twins_of_the_gil_have_the_same_text():
    def body(function):
        return inspect.getsource(function).partition('"""\n    relax')[2]

    assert body(ou_numba.update_numba)
    assert body(ou_numba.update_numba) == body(ou_numba.update_numba_holding)


def another_thread_ran_during(function):
    """Whether a thread that waits for the GIL got it before the call came back.

    Nobody is asked to hand the GIL over meanwhile, so that it changes hands only where it is
    released.
    """
    events = []
    gate = threading.Lock()
    gate.acquire()

    def other():
        with gate:
            events.append("other thread")

    thread = threading.Thread(target=other)
    thread.start()
    time.sleep(0.01)
    gate.release()
    function()
    events.append("back")
    thread.join()
    return events[0] == "other thread"


@pytest.fixture
def patient_threads():
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("this interpreter has no GIL")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(interval)


@each([ou_cython.update_cython, ou_cython.update_cython_checked, ou_numba.update_numba])
def test_releasing_twin_lets_another_thread_run(function, patient_threads):
    inputs = ou.noise_inputs(3_000_000, seed=9)
    function(**inputs)
    assert any(another_thread_ran_during(lambda: function(**inputs)) for _ in range(50))


@each([ou_cython.update_cython_holding, ou_numba.update_numba_holding, ou.update_python])
def test_holding_twin_lets_nobody_run(function, patient_threads):
    inputs = ou.noise_inputs(200_000, seed=9)
    function(**inputs)
    assert not any(another_thread_ran_during(lambda: function(**inputs)) for _ in range(10))
