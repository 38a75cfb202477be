"""Figures that stand on more than one page, with their alt text and their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from unlocked import figures
from unlocked.lab.timing import Comparison
from unlocked.show import times
from unlocked.study.claims import Claim

REWRITINGS = (
    ("OU-01a", "math", "math", "numpy scalars"),
    ("OU-01b", "noise first", "numpy", "math"),
    ("OU-01c", "hoisted", "python", "noise first"),
    ("OU-01d", "preallocated", "python", "hoisted"),
    ("OU-01e", "Numba", "numba", "preallocated"),
)
"""The steps of the ladder: claim, version, colour, version before."""


@dataclass(frozen=True)
class Exhibit:
    """A figure ready to be shown, and why nothing is to be judged from it, if so."""

    figure: Figure
    alt: str
    data: pd.DataFrame
    cause: str | None = None


def rewriting_steps(ladder: Comparison, claims: Mapping[str, Claim]) -> list[figures.Step]:
    """What each rewriting of the Ornstein–Uhlenbeck loop gained, beside what its source says."""
    return [
        figures.Step(
            name,
            ladder.speedup(name, over=before),
            variant,
            claims[claim].text_factor,
            claims[claim].output_factor,
        )
        for claim, name, variant, before in REWRITINGS
    ]


def largest_step(steps: Sequence[figures.Step]) -> figures.Step | None:
    """The step that gained most; None where its interval overlaps another's."""
    *others, largest = sorted(steps, key=lambda step: step.factor.estimate)
    sure = all(step.factor.high < largest.factor.low for step in others)
    return largest if sure else None


def rewriting(ladder: Comparison, claims: Mapping[str, Claim], guess: float = 0.0) -> Exhibit:
    """The ladder from the first version to Numba's.

    Parameters
    ----------
    ladder : Comparison
        Holds all versions that ``REWRITINGS`` names.
    claims : mapping of str to Claim
        Give the source's factors.
    guess : float
        A reader's guess of the whole factor; 0 for none.
    """
    steps = rewriting_steps(ladder, claims)
    whole = ladder.speedup("Numba", over="numpy scalars")
    summary = figures.Step("all five", whole, "measured")
    title = f"Five rewritings, {times(whole.estimate)} in all"
    if largest := largest_step(steps):
        title += f"; the largest is “{largest.label}” with {times(largest.factor.estimate)}"
    figure = figures.ladder([*steps, summary], title=title, lines={"your guess": guess})
    listed = "; ".join(f"{step.label} {times(step.factor)}" for step in steps)
    rows = [
        {
            "step": step.label,
            "factor": step.factor.estimate,
            "low": step.factor.low,
            "high": step.factor.high,
            "source's text": step.text,
            "source's outputs": step.outputs,
        }
        for step in [*steps, summary]
    ]
    alt = f"Factor of each rewriting step: {listed}. All together {times(whole)}."
    return Exhibit(figure, alt, pd.DataFrame(rows), ladder.cause)


def neighbour(quiet: Comparison, beside: Comparison, guess: float = 0.0) -> Exhibit:
    """What one busy neighbour does to the speed-up of threads, to the control and to the floor."""
    ratios = {
        "threads, quiet": (quiet.speedup("threads"), "threads"),
        "threads, beside a neighbour": (beside.speedup("threads"), "threads"),
        "the control, quiet": (quiet.control_speedup(), "control"),
        "the control, beside it": (beside.control_speedup(), "control"),
        "A/A floor, quiet": (quiet.floor(), "measured"),
        "A/A floor, beside it": (beside.floor(), "measured"),
    }
    figure = figures.intervals(
        [figures.Row(label, *row) for label, row in ratios.items()],
        title=f"{quiet.threads} threads reach {times(quiet.speedup('threads').estimate)} as "
        f"quietly as this machine can, {times(beside.speedup('threads').estimate)} beside one "
        "busy neighbour",
        lines={"your guess": guess},
    )
    listed = "; ".join(f"{label} {times(ratio)}" for label, (ratio, _) in ratios.items())
    rows = [
        {"run": run, "process": p, "round": r, "control": speedup}
        for run, measured in (("quiet", quiet), ("beside", beside))
        for p, rounds in enumerate(measured.control)
        for r, speedup in enumerate(rounds)
    ]
    alt = f"Speed-up over one thread: {listed}."
    return Exhibit(figure, alt, pd.DataFrame(rows), quiet.cause and f"the quiet run: {quiet.cause}")


def twins(comparison: Comparison, guess: float = 0.0) -> Exhibit:
    """Speed-up on a growing number of threads of a kernel that releases the GIL and of its twin.

    Parameters
    ----------
    comparison : Comparison
        Its candidates are called ``releases 1``, ``holds 1``, ``releases 2`` and so on.
    guess : float
        A reader's guess for the twin that holds, on as many threads as cores; 0 for none.
    """
    counts = sorted({int(name.split()[1]) for name in comparison.names})
    curves = {
        f"{kind} the GIL": [
            comparison.speedup(f"{kind} {count}", over=f"{kind} 1") for count in counts
        ]
        for kind in ("releases", "holds")
    }
    at_cores = counts.index(comparison.threads)
    released, held = (curve[at_cores].estimate for curve in curves.values())
    figure = figures.scaling(
        counts,
        curves,
        title=f"On {comparison.threads} threads: {times(released)} where the GIL is released, "
        f"{times(held)} where it is held",
        cores=comparison.cores,
        lines={"your guess": guess},
    )
    points = [
        (label, count, ratio)
        for label, curve in curves.items()
        for count, ratio in zip(counts, curve, strict=True)
    ]
    rows = [
        {"twin": label, "threads": count, "speed-up": r.estimate, "low": r.low, "high": r.high}
        for label, count, r in points
    ]
    alt = "; ".join(f"{label}, threads {count}: {times(ratio)}" for label, count, ratio in points)
    alt = f"Speed-up by threads: {alt}."
    return Exhibit(figure, alt, pd.DataFrame(rows), comparison.cause)
