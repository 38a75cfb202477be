#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
"""Every comparison as a ratio measured in one run; raw samples go to ``_build/bench.json``.

With words, only the tables whose name holds one of them are measured: ``scripts/bench.py forest``.
Add a comparison as an entry of ``TABLES``.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from math import inf, log
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import pyperf
from rich.console import Console
from rich.progress import track
from rich.table import Table as Grid

from unlocked import machine
from unlocked.book.pages import write_whole
from unlocked.inference import walks
from unlocked.inference.engines import table
from unlocked.inference.engines.engine import ENGINES, families
from unlocked.inference.engines.exam import exams
from unlocked.inference.engines.table import Case
from unlocked.kernels.forest import AVAILABLE
from unlocked.lab.intervals import Interval, ratio_interval
from unlocked.lab.timing import (
    Call,
    Candidate,
    Comparison,
    call,
    candidate,
    compare,
    time_here,
)
from unlocked.lab.worker import BATCH_SECONDS, resolve
from unlocked.show import seconds as in_words

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = 10
ROUNDS_SECONDS = 0.7
"""Time in which one process takes its samples of a call, roughly."""

AGREEMENT = (0.95, 1.05)

Samples = list[list[float]]
"""Seconds of one call, ``[process][round]``."""


@dataclass(frozen=True)
class Row:
    """One ratio of times.

    Attributes
    ----------
    above, below : str
        The two sides: what is divided by what.
    ratio, beside : Interval
        `beside` is one side against itself, to read the ratio by.
    wanted : str
        The rule by which it passes; empty for a ratio that is only stated.
    inputs : dict
        The call that built the inputs of both sides.
    samples : dict of str to list of list of float
        Seconds of one call, ``[process][round]``, for each side.
    """

    name: str
    above: str
    below: str
    ratio: Interval
    beside: Interval
    wanted: str
    passes: bool
    inputs: dict[str, Any]
    samples: dict[str, Samples]


@dataclass(frozen=True)
class Table:
    """Comparisons of one kind: what they are about, and how to measure them."""

    name: str
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
        yield Row(
            kernel.name,
            "lab",
            "pyperf",
            ratio,
            beside,
            "holds 1, or within 0.95–1.05",
            agrees(ratio),
            inputs.model_dump(),
            samples,
        )


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


STEPS = 5_000_000
PATHS = 8
"""Size of the source's simulations."""

CLOSE = "close 1e-12"
KERNELS_OF = "unlocked.kernels."


def kernels_at_the_limit() -> Iterator[Row]:
    """Our kernels beside what bounds them, on one core, and on two."""
    one = call(f"{KERNELS_OF}ou:noise_inputs", num_steps=STEPS, seed=1)
    eight = call(f"{KERNELS_OF}ou_paths:paths_inputs", num_paths=PATHS, num_steps=STEPS, seed=1)
    yield update_against_copy(
        "update, one path", one, "ou_cython:update_cython", "update_lookahead"
    )
    yield update_against_copy(
        f"update, {PATHS} paths", eight, "ou_paths:update_paths", "update_paths_lookahead"
    )
    yield from fused_against_published()
    if joblib.cpu_count() > 1:
        yield fused_on_two_threads()


def update_against_copy(name: str, inputs: Call, reference: str, kernel: str) -> Row:
    """Noise into paths, beside a copy of the same bytes."""
    made = compare(
        {
            "np.copyto": candidate(
                f"{KERNELS_OF}ou_lookahead:copy_noise", f"{KERNELS_OF}ou_lookahead:check_copied"
            ),
            "update": candidate(f"{KERNELS_OF}ou_lookahead:{kernel}", CLOSE),
        },
        inputs,
        KERNELS_OF + reference,
        "np.copyto",
    )
    return compared(name, made, inputs, "update", "np.copyto", at_most=1.15)


def fused_against_published() -> Iterator[Row]:
    """Whole simulations, beside the sources' design and beside writing as many bytes."""
    inputs = call(f"{KERNELS_OF}ou_fused:fused_inputs", num_paths=PATHS, num_steps=STEPS, seed=1)
    checked = f"{KERNELS_OF}ou_fused:check_paths"
    made = compare(
        {
            "sources' design": candidate(
                f"{KERNELS_OF}ou_fused:simulate_paths_as_published", checked
            ),
            "fused": candidate(f"{KERNELS_OF}ou_fused:simulate_paths", CLOSE),
            "writing": candidate(
                f"{KERNELS_OF}ou_fused:write_only", f"{KERNELS_OF}ou_fused:check_written"
            ),
        },
        inputs,
        f"{KERNELS_OF}ou_fused:simulate_paths_reference",
        "sources' design",
        rounds=5,
    )
    name = f"generation + update, {PATHS} paths"
    yield compared(name, made, inputs, "sources' design", "fused", at_least=8)
    yield compared(name, made, inputs, "fused", "writing")


def fused_on_two_threads() -> Row:
    inputs = call(f"{KERNELS_OF}ou_fused:fused_inputs", num_paths=PATHS, num_steps=STEPS, seed=1)
    kernel = f"{KERNELS_OF}ou_fused:simulate_paths"
    made = compare(
        {str(threads): candidate(kernel, CLOSE, threads=threads) for threads in (1, 2)},
        inputs,
        f"{KERNELS_OF}ou_fused:simulate_paths_reference",
        "1",
        threads=2,
    )
    return two_threads("fused on two threads", made, inputs)


def two_threads(name: str, made: Comparison, inputs: Call) -> Row:
    """The speed-up of two threads over the control's, paired within the round."""
    sides = zip(made.seconds["1"], made.seconds["2"], made.control, strict=True)
    shares = [
        median(log(one / two / control) for one, two, control in zip(*process, strict=True))
        for process in sides
    ]
    ratio = ratio_interval(shares, shift=0)
    return Row(
        name,
        f"speed-up {made.speedup('2').estimate:.3f}",
        f"control's {made.control_speedup().estimate:.3f}",
        ratio,
        made.floor(),
        "≥ 0.95" + (f" ({made.cause})" if made.cause else ""),
        made.cause is None and ratio.low >= 0.95,
        inputs.model_dump(),
        made.seconds,
    )


BATCH = 20_000
RIVALS = ["sklearn", "onnxruntime", "tl2cgen", "treelite", "hummingbird-torch", "hummingbird-jit"]
SOURCE = "unlocked.inference.engines.source_forest"


def forest_beside_engines() -> Iterator[Row]:
    """The packed forest over the fastest engine, on one thread, and on two over the control."""
    given = {"depth": 10, "rows": BATCH, "features": 28, "seed": 1}
    plain, widest = (f"packed, {name}" for name in (AVAILABLE[-1], AVAILABLE[0]))
    hundred = Contest("100 trees", {"trees": 100, **given}, [1, BATCH])
    yield hundred.row(widest, BATCH, at_least=8)
    yield hundred.row(plain, BATCH, at_least=2.5)
    yield hundred.row(widest, 1, at_least=2)
    made = walks.on_threads(hundred.model, hundred.rows, [1, 2], processes=5, rounds=10)
    yield two_threads("packed forest on two threads", made, hundred.rows)
    large = {
        "1 000 trees": (6, {"trees": 1_000, **given}),
        "500 deep trees": (2, {"trees": 500, **given, "depth": 64, "features": 30}),
    }
    for name, (at_least, forest) in large.items():
        yield Contest(name, forest, [BATCH], rounds=3).row(widest, BATCH, at_least=at_least)


class Contest:
    """A forest on all engines that convert it in time and answer as scikit-learn does."""

    def __init__(
        self, name: str, forest: dict[str, int], counts: list[int], rounds: int = 5
    ) -> None:
        self.name = name
        self.model = call(f"{SOURCE}:model", **forest)
        self.rows = call(f"{SOURCE}:first_rows", **{**forest, "count": BATCH})
        recipes = {}
        for members in families().values():
            asked = {short: recipe for short, recipe in members.items() if short in RIVALS}
            tried = exams(asked, {name: self.model}, {name: self.rows}) if asked else {}
            for short, found in tried.items():
                if found[name].passed:
                    recipes[short] = asked[short]
                else:
                    print(f"{name}, {ENGINES[short].name}: {found[name].words}", file=sys.stderr)
        self.rivals = list(recipes)
        ours = walks.recipes(list(AVAILABLE))
        packed = [short for short in ours if short.startswith("packed, ")]
        self.made = table.times(
            [
                Case(model=name, engine=short, rows=count)
                for count in counts
                for short in (*self.rivals, *packed)
            ],
            recipes | {short: ours[short] for short in packed},
            {name: self.model},
            {name: self.rows},
            processes=5,
            rounds=rounds,
        )

    def row(self, ours: str, count: int, at_least: float) -> Row:
        """The fastest engine's time over ours."""
        labels = {
            short: Case(model=self.name, engine=short, rows=count).label
            for short in (*self.rivals, ours)
        }
        fastest = min((labels[short] for short in self.rivals), key=self.made.median)
        name = f"{self.name}, {count:,} {'row' if count == 1 else 'rows'}"
        return compared(name, self.made, self.model, fastest, labels[ours], at_least=at_least)


def compared(
    name: str,
    made: Comparison,
    inputs: Call,
    above: str,
    below: str,
    at_most: float = inf,
    at_least: float = 0.0,
) -> Row:
    """The time of one candidate over another's; passes where the whole interval does."""
    ratio = ratio_interval(made.log_ratios(below, over=above), shift=0)
    upper, lower = (f"{engine_of(side)} {in_words(made.median(side))}" for side in (above, below))
    wanted = f"≤ {at_most}" if at_most < inf else f"≥ {at_least:g}" if at_least else ""
    passes = at_least <= ratio.low and ratio.high <= at_most
    samples = {side: made.seconds[side] for side in (above, below)}
    return Row(
        name, upper, lower, ratio, made.floor(), wanted, passes, inputs.model_dump(), samples
    )


def engine_of(label: str) -> str:
    """The engine of a case, or the label itself."""
    return label.split(" | ")[1] if " | " in label else label


TABLES = [
    Table("Kernels at the machine's limit", kernels_at_the_limit),
    Table("The packed forest over the fastest engine", forest_beside_engines),
    Table("The lab's timer beside pyperf's", lab_against_pyperf),
]


def show(about: Table, rows: list[Row], console: Console) -> None:
    grid = Grid("", "time of", "over that of", "ratio", "A/A", "wanted", "passes", title=about.name)
    for row in rows:
        passes = "" if not row.wanted else "yes" if row.passes else "NO"
        grid.add_row(
            row.name,
            row.above,
            row.below,
            written(row.ratio),
            written(row.beside),
            row.wanted,
            passes,
        )
    console.print(grid)


def written(ratio: Interval) -> str:
    return f"{ratio.estimate:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def main() -> int:
    console, words = Console(highlight=False), sys.argv[1:]
    measured = {}
    for each in TABLES:
        if not words or any(word in each.name for word in words):
            rows = []
            for row in each.measure():
                print(f"{row.name}: {written(row.ratio)}", file=sys.stderr, flush=True)
                rows.append(row)
            show(each, rows, console)
            measured[each.name] = [asdict(row) for row in rows]
    console.print("Ratios with 95 % intervals of this session, each from one run.")
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
