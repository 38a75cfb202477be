#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
"""Every comparison as a ratio measured in one run; raw samples go to ``_build/bench.json``.

Add a comparison as an entry of ``TABLES``.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import log
from pathlib import Path
from statistics import median
from typing import Any

import pyperf
from rich.console import Console
from rich.progress import track
from rich.table import Table as Grid

from unlocked import machine
from unlocked.book.pages import write_whole
from unlocked.lab.intervals import Interval, ratio_interval
from unlocked.lab.timing import Call, Candidate, call, compare, time_here
from unlocked.lab.worker import BATCH_SECONDS, resolve

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 10
ROUNDS_SECONDS = 0.7
"""Time in which one process takes its samples of a call, roughly."""

AGREEMENT = (0.95, 1.05)

Samples = list[list[float]]
"""Seconds of one call, ``[process][round]``."""


@dataclass(frozen=True)
class Row:
    """One ratio: the time of ours over the time of the reference.

    Attributes
    ----------
    beside : Interval or None
        The reference against itself, to read the ratio by.
    inputs : dict
        The call that built the inputs of both sides.
    samples : dict of str to list of list of float
        Seconds of one call, ``[process][round]``, for each side.
    """

    name: str
    ratio: Interval
    beside: Interval | None
    passes: bool
    inputs: dict[str, Any]
    samples: dict[str, Samples]


@dataclass(frozen=True)
class Table:
    """Comparisons of one kind: what is compared, the rule they pass by, and how to measure them."""

    ours: str
    reference: str
    rule: str
    measure: Callable[[], Iterator[Row]]


@dataclass(frozen=True)
class Kernel:
    """A kernel that is to take `seconds` a call, by the length of its noise."""

    name: str
    target: str
    seconds: float

    def inputs(self, num_steps: int) -> Call:
        return call("unlocked.kernels.ou:noise_inputs", num_steps=num_steps, seed=0)

    def fitting_inputs(self) -> Call:
        """Inputs of the length at which a call takes about the wanted time on this machine."""
        function, num_steps = resolve(self.target), 1000
        for _ in range(3):
            inputs = self.inputs(num_steps)
            arguments = resolve(inputs.target)(**inputs.arguments)
            fastest = min(time_here(lambda: function(**arguments), repeats=5))  # noqa: B023
            num_steps = max(1, round(num_steps * self.seconds / fastest))
        return self.inputs(num_steps)

    @property
    def loops(self) -> int:
        return max(1, round(BATCH_SECONDS / self.seconds))

    @property
    def rounds(self) -> int:
        return max(7, min(20, round(ROUNDS_SECONDS / (self.loops * self.seconds))))


KERNELS = [
    Kernel("Cython, 10 µs", "unlocked.kernels.ou_cython:update_cython", 1e-5),
    Kernel("Cython, 1 ms", "unlocked.kernels.ou_cython:update_cython", 1e-3),
    Kernel("plain Python, 100 ms", "unlocked.kernels.ou:update_python", 1e-1),
]


def lab_against_pyperf() -> Iterator[Row]:
    """Fresh workers of the lab and of pyperf, and pyperf's once more, in random turns."""
    for kernel in KERNELS:
        inputs = kernel.fitting_inputs()
        sides = {"lab": by_lab, "pyperf": by_pyperf, "pyperf again": by_pyperf}
        samples: dict[str, Samples] = {side: [] for side in sides}
        order = random.Random(kernel.name)
        for _ in track(range(PROCESSES), kernel.name, disable=not sys.stdout.isatty()):
            for side in order.sample(list(sides), len(sides)):
                samples[side].append(sides[side](kernel, inputs))
        ratio = paired(samples["lab"], samples["pyperf"])
        beside = paired(samples["pyperf again"], samples["pyperf"])
        yield Row(kernel.name, ratio, beside, agrees(ratio), inputs.model_dump(), samples)


def by_lab(kernel: Kernel, inputs: Call) -> list[float]:
    """Seconds a call in one fresh worker of the lab."""
    candidates = {kernel.name: Candidate(target=kernel.target)}
    comparison = compare(candidates, inputs, None, kernel.name, kernel.rounds, processes=1)
    return comparison.seconds[kernel.name][0]


def by_pyperf(kernel: Kernel, inputs: Call) -> list[float]:
    """Seconds a call in one fresh worker of pyperf."""
    calls = json.dumps([inputs.model_dump(), call(kernel.target).model_dump()])
    options = f"--worker --loops={kernel.loops} --values={kernel.rounds} --warmups=1 --quiet"
    worker = [sys.executable, str(Path(__file__).with_name("pyperf_worker.py")), calls]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "samples.json")
        subprocess.run(
            [*worker, *options.split(), f"--output={output}"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return list(pyperf.Benchmark.load(str(output)).get_values())


def paired(ours: Samples, reference: Samples) -> Interval:
    """Ratio over pairs of processes that ran one after another; for this session only."""
    return ratio_interval(
        [log(median(a) / median(b)) for a, b in zip(ours, reference, strict=True)], shift=0
    )


def agrees(ratio: Interval) -> bool:
    """Two ways of timing agree: the interval contains 1, or lies within 0.95–1.05."""
    low, high = AGREEMENT
    return ratio.low <= 1 <= ratio.high or low <= ratio.low <= ratio.high <= high


TABLES = [
    Table(
        "lab",
        "pyperf",
        "the interval contains 1 or lies within 0.95–1.05",
        lab_against_pyperf,
    ),
]


def show(table: Table, rows: list[Row], console: Console) -> None:
    beside = f"{table.reference} / {table.reference}"
    grid = Grid("call", f"{table.ours} / {table.reference}", beside, "passes")
    for row in rows:
        grid.add_row(
            row.name, written(row.ratio), written(row.beside), "yes" if row.passes else "NO"
        )
    console.print(grid)
    console.print(f"Ratios of times with 95 % intervals; passes where {table.rule}.")


def written(ratio: Interval | None) -> str:
    return f"{ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]" if ratio else ""


def main() -> int:
    console = Console(highlight=False)
    measured = {}
    for table in TABLES:
        rows = list(table.measure())
        show(table, rows, console)
        measured[f"{table.ours} / {table.reference}"] = [asdict(row) for row in rows]
    output = ROOT / "_build" / "bench.json"
    output.parent.mkdir(exist_ok=True)
    content = {
        "machine": machine.describe().model_dump(),
        "now": machine.now(),
        "comparisons": measured,
    }
    write_whole(output, json.dumps(content, indent=1))
    console.print(f"Samples: {output.relative_to(ROOT)}")
    return int(not all(row["passes"] for rows in measured.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
