"""The bench: the lab and pyperf time the same call, and its rule judges their ratio."""

import importlib.util
import sys
from math import exp
from pathlib import Path
from types import ModuleType

import pytest

from unlocked.lab.intervals import Interval

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench", SCRIPTS / "bench.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = module  # its data classes look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("low", "high", "passes"),
    [
        (0.90, 1.20, True),
        (0.96, 0.99, True),
        (1.01, 1.04, True),
        (0.94, 0.99, False),
        (1.01, 1.06, False),
        (1.50, 1.60, False),
    ],
)
def test_the_rule_asks_for_1_inside_or_a_narrow_miss(bench, low, high, passes):
    assert bench.agrees(Interval((low + high) / 2, low, high, 10)) is passes


def test_a_ratio_is_taken_over_pairs_of_processes(bench):
    ours = [[2.0, 2.0, 9.0], [4.0, 4.0, 1.0], [6.0, 6.0, 6.0]]
    reference = [[1.0, 1.0, 1.0], [2.0, 2.0, 7.0], [3.0, 0.1, 3.0]]
    ratio = bench.paired(ours, reference)
    assert ratio.estimate == pytest.approx(2)
    assert ratio.low == pytest.approx(ratio.high)
    spread = bench.paired([[exp(-0.1)], [1.0], [exp(0.1)]], [[1.0], [1.0], [1.0]])
    assert spread.estimate == pytest.approx(1)
    assert spread.low < exp(-0.1) < exp(0.1) < spread.high


def test_both_sides_time_the_same_call_as_often(bench):
    kernel = bench.Kernel("toy", "unlocked.kernels.ou_cython:update_cython", 2e-3)
    inputs = kernel.inputs(num_steps=1000)
    samples = [side(kernel, inputs) for side in (bench.by_lab, bench.by_pyperf)]
    assert [len(side) for side in samples] == [kernel.rounds, kernel.rounds]
    assert all(0 < seconds < 1 for side in samples for seconds in side)


def test_inputs_fit_the_wanted_time(bench):
    kernels = [
        bench.Kernel("toy", "unlocked.kernels.ou_cython:update_cython", seconds)
        for seconds in (1e-4, 1e-3)
    ]
    short, long = (kernel.fitting_inputs().arguments["num_steps"] for kernel in kernels)
    assert short < long


def test_a_ratio_passes_where_its_whole_interval_does(bench):
    made = bench.compare(
        {
            name: bench.candidate(f"unlocked.kernels.ou_lookahead:{target}", check)
            for name, target, check in (
                ("copy", "copy_noise", "unlocked.kernels.ou_lookahead:check_copied"),
                ("update", "update_lookahead", bench.CLOSE),
            )
        },
        bench.call("unlocked.kernels.ou:noise_inputs", num_steps=5000, seed=1),
        "unlocked.kernels.ou_cython:update_cython",
        "copy",
        rounds=2,
        processes=3,
    )
    inputs = bench.call("unlocked.kernels.ou:noise_inputs", num_steps=5000, seed=1)

    def row(**limits):
        return bench.compared("toy", made, inputs, "update", "copy", **limits)

    assert row().ratio.estimate == pytest.approx(made.speedup("copy", over="update").estimate)
    assert row(at_most=1e9).passes
    assert row(at_least=1e-9).passes
    assert not row(at_most=row().ratio.high / 1.001).passes
    assert not row(at_least=row().ratio.low * 1.001).passes
    assert row(at_most=1.15).wanted == "≤ 1.15"


def test_every_table_has_a_name(bench):
    assert len({table.name for table in bench.TABLES}) == len(bench.TABLES)
