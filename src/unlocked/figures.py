"""The figures of the book. Each takes plain numbers and a title that states the finding.

Every function returns a matplotlib figure for :func:`unlocked.show.figure`, raises ValueError
where it is given nothing to draw, and takes the colours of variants from
:func:`unlocked.show.colour`. ``lines`` are reference values by name; those that are None or 0 (a
guess that the reader did not make) are left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt
from statistics import median
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from unlocked.canvas import (
    LABEL_WIDTH,
    SMALL,
    WIDTH,
    canvas,
    ends_height,
    legend,
    limits,
    log_axis,
    log_range,
    name_ends,
    name_points,
    name_rows,
    ratio_ticks,
    rows_height,
    time_axis,
    time_unit,
    value_rows,
    wrap,
)
from unlocked.show import INK, STYLE, colour, percent, seconds, times

if TYPE_CHECKING:
    from unlocked.gil import Reading
    from unlocked.lab.coverage import Coverage
    from unlocked.lab.intervals import Interval

Lines = Mapping[str, float | None]

DOTS = 150
"""Samples drawn for one process; of more, evenly spaced order statistics."""

HEAT = LinearSegmentedColormap.from_list("heat", ["#f3f7fa", "#7fb0d0", "#17365c"])
"""From little to much; readable in grey too."""

MARKERS = {"supported": "o", "refuted": "X", "inconclusive": "s", "not run": "D"}


@dataclass(frozen=True)
class Row:
    """A ratio with its interval, named, in the colour of its variant."""

    label: str
    ratio: "Interval"
    variant: str = "measured"


@dataclass(frozen=True)
class Step:
    """One rewriting step: its measured factor, and those of the source's text and outputs."""

    label: str
    factor: "Interval"
    variant: str
    text: float | None = None
    outputs: float | None = None


@dataclass(frozen=True)
class Span:
    """What a thread did from one moment to another, in seconds; ``kind`` gives the colour."""

    thread: str
    start: float
    end: float
    kind: str


@dataclass(frozen=True)
class Curve:
    """Values over x, named at its last point, in the colour of its variant.

    Attributes
    ----------
    low, high : sequence of float or None
        Ends of the intervals, drawn as bars.
    model : bool
        A prediction: a broken line without marks; it has no name of its own where `label` is
        that of a measured curve.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    variant: str
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    model: bool = False


@dataclass(frozen=True)
class Rate:
    """How many steps a variant makes in a second, and how many it makes for a byte it moves."""

    label: str
    per_byte: float
    rate: "Interval"
    variant: str


@dataclass(frozen=True)
class Published:
    """A claim's published ratio beside the measured one and the verdict."""

    claim: str
    published: float
    measured: "Interval"
    verdict: str


def intervals(
    rows: Sequence[Row],
    title: str,
    xlabel: str = "speed-up (log scale)",
    holds: tuple[float, float] | None = None,
    lines: Lines | None = None,
) -> Figure:
    """Draw ratios with their intervals on a log axis, their numbers beside them.

    Parameters
    ----------
    holds : (float, float) or None
        Where a claim holds, shaded: ``(1.05, inf)`` for at least 1.05.
    lines : mapping of str to float or None
        Reference values; "no difference" at 1 is always drawn.
    """
    _refuse_nothing("intervals", rows)
    fig, (axes,) = canvas(title, rows_height([row.label for row in rows]))
    marks = _draw_references(axes.axvline, lines)
    low, high = log_range(axes, [row.ratio for row in rows], _values(lines))
    if holds is not None:
        left, right = max(holds[0], low), min(holds[1], high)
        if left < right:
            axes.axvspan(left, right, color=colour("supported"), alpha=0.13, lw=0, zorder=0)
        marks.append(Patch(color=colour("supported"), alpha=0.2, label="the claim holds"))
    for y, row in enumerate(rows):
        _whisker(axes, row.ratio, y, colour(row.variant))
    name_rows(axes, [row.label for row in rows])
    value_rows(axes, [times(row.ratio) for row in rows])
    axes.set_xlabel(xlabel)
    legend(fig, marks)
    return fig


def ladder(steps: Sequence[Step], title: str, lines: Lines | None = None) -> Figure:
    """Draw what each rewriting step gained here, beside what the source's text and outputs say."""
    _refuse_nothing("ladder", steps)
    fig, (axes,) = canvas(title, rows_height([step.label for step in steps]))
    marks = [_handle("o", INK, "measured")]
    references = _draw_references(axes.axvline, lines)
    printed = [value for step in steps for value in (step.text, step.outputs) if value]
    log_range(axes, [step.factor for step in steps], [*printed, *_values(lines)])
    grey = colour("published")
    for marker, field, label in (
        ("D", "text", "the source's text"),
        ("s", "outputs", "its outputs"),
    ):
        points = [(getattr(step, field), y - 0.2) for y, step in enumerate(steps)]
        points = [(value, y) for value, y in points if value]
        if points:
            axes.plot(*zip(*points, strict=True), marker, mfc="white", mec=grey, mew=1.7, ms=6.5)
            marks.append(_handle(marker, grey, label, filled=False))
    for y, step in enumerate(steps):
        _whisker(axes, step.factor, y + 0.12, colour(step.variant))
    name_rows(axes, [step.label for step in steps])
    value_rows(axes, [times(step.factor) for step in steps])
    axes.set_xlabel("time before the step / time after it (log scale)")
    legend(fig, [*marks, *references])
    return fig


def distribution(
    samples: Mapping[str, Sequence[Sequence[float]]],
    title: str,
    variants: Mapping[str, str] | None = None,
    xlabel: str = "time per call",
    lines: Lines | None = None,
) -> Figure:
    """Draw raw samples in seconds: one strip a process, a tick at its median.

    Parameters
    ----------
    samples : mapping of str to sequence of sequence of float
        By name, ``[process][round]``, as in ``Comparison.seconds``.
    variants : mapping of str to str or None
        Colour name of each sample, where its own name has none.
    """
    every = [x for runs in samples.values() for run in runs for x in run]
    _refuse_nothing("distribution", every)
    fig, (axes,) = canvas(title, rows_height(list(samples)) + 0.25 * len(samples))
    scale = time_axis(axes, xlabel, [*every, *_values(lines)])
    scaled = {name: value * scale for name, value in (lines or {}).items() if value}
    marks = _draw_references(axes.axvline, scaled, one=False)
    for row, (name, runs) in enumerate(samples.items()):
        hue = colour((variants or {}).get(name, name))
        for y, run in zip(_spread_rows(row, len(runs)), runs, strict=True):
            dots = [x * scale for x in _thinned(run)]
            axes.plot(dots, [y] * len(dots), "o", color=hue, ms=4, alpha=0.45, mew=0)
            axes.plot([median(run) * scale], [y], "|", color=INK, ms=10, mew=2)
    name_rows(axes, list(samples))
    value_rows(axes, [seconds(median(map(median, runs))) for runs in samples.values()])
    axes.grid(False, axis="y")
    legend(fig, [_handle("|", INK, "median of a process"), *marks])
    return fig


def scaling(
    threads: Sequence[int],
    curves: Mapping[str, Sequence["Interval"]],
    title: str,
    cores: int,
    control: Sequence["Interval"] | None = None,
    variants: Mapping[str, str] | None = None,
    lines: Lines | None = None,
) -> Figure:
    """Draw speed-up against threads, with the ideal of these cores and the control.

    Parameters
    ----------
    curves : mapping of str to sequence of Interval
        By name, one interval for each number of threads; they end in their names.
    cores : int
        Effective cores: the ideal rises to this and stays there.
    control : sequence of Interval or None
        What a loop that needs nothing but a core gained in the same rounds.
    """
    _refuse_nothing("scaling", threads)
    drawn = {**curves, **({"control": control} if control is not None else {})}
    _refuse_nothing("scaling", drawn)
    name = f"ideal of {cores} cores" if cores > 1 else "ideal of one core"
    fig, (axes,) = canvas(title, ends_height([name, *drawn]))
    ideal = [min(count, cores) for count in threads]
    axes.plot(threads, ideal, "--", color=INK, lw=1.4, zorder=1)
    ends = {name: (threads[-1], float(ideal[-1]), INK)}
    tops = [float(max(ideal))]
    for name, curve in drawn.items():
        hue = colour((variants or {}).get(name, name))
        middle = [point.estimate for point in curve]
        top = [min(point.high, 3 * point.estimate) for point in curve]
        axes.plot(threads, middle, "-o", color=hue, ms=6, lw=1.8, zorder=3)
        axes.vlines(list(threads), [point.low for point in curve], top, color=hue, lw=2.5)
        ends[name] = (threads[-1], middle[-1], hue)
        tops.append(max(top))
    marks = _draw_references(axes.axhline, lines, one=False)
    axes.set_ylim(0, 1.08 * max([*tops, *_values(lines)]))
    axes.xaxis.set_major_locator(FixedLocator(list(threads)))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("threads")
    axes.set_ylabel("speed-up over one thread")
    legend(fig, marks)
    name_ends(fig, axes, ends)
    return fig


def curves(
    drawn: Sequence[Curve],
    title: str,
    xlabel: str,
    ylabel: str,
    x_words: Callable[[float], str],
    y_words: Callable[[float], str],
    columns: Lines | None = None,
    lines: Lines | None = None,
    x_ticks: Sequence[float] | None = None,
) -> Figure:
    """Draw curves on logarithmic axes, each named behind its last point.

    Parameters
    ----------
    x_words, y_words : callable
        Write a tick with its unit: :func:`unlocked.show.seconds`, :func:`unlocked.show.size`.
    columns, lines : mapping of str to float or None
        Reference values of x and of y.
    x_ticks : sequence of float or None
        Where to mark the x axis; at round numbers by default.
    """
    _refuse_nothing("curves", [y for curve in drawn for y in curve.y])
    names = list(dict.fromkeys(curve.label for curve in drawn))
    fig, (axes,) = canvas(title, ends_height(names) + 0.2)
    every_x = [x for curve in drawn for x in curve.x]
    every_y = [y for curve in drawn for y in curve.y]
    log_axis(axes, "x", [*every_x, *_values(columns)], x_words)
    log_axis(axes, "y", [*every_y, *_values(lines)], y_words)
    if x_ticks is not None:
        axes.xaxis.set_major_locator(FixedLocator(list(x_ticks)))
    ends: dict[str, tuple[float, float, str]] = {}
    for curve in sorted(drawn, key=lambda curve: not curve.model):
        hue = colour(curve.variant)
        style = "--" if curve.model else "-o"
        axes.plot(curve.x, curve.y, style, color=hue, ms=5, lw=1.8, zorder=2 + (not curve.model))
        if curve.low is not None and curve.high is not None:
            bottom = [max(low, y / 10) for low, y in zip(curve.low, curve.y, strict=True)]
            top = [min(high, y * 10) for high, y in zip(curve.high, curve.y, strict=True)]
            axes.vlines(list(curve.x), bottom, top, color=hue, lw=2.5)
        ends[curve.label] = (curve.x[-1], curve.y[-1], hue)
    marks = _draw_references(axes.axvline, columns, one=False)
    marks += _draw_references(axes.axhline, lines, one=False)
    if any(curve.model for curve in drawn):
        marks.append(Line2D([], [], color=INK, ls="--", lw=1.8, label="model"))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    legend(fig, marks)
    name_ends(fig, axes, ends)
    return fig


def roofline(
    points: Sequence[Rate],
    title: str,
    bandwidths: Mapping[str, float],
    roofs: Mapping[str, float],
    words: Callable[[float], str],
) -> Figure:
    """Draw rates under the limits of memory and of the processor, after Williams et al. (2009).

    Parameters
    ----------
    bandwidths : mapping of str to float
        Slopes by name: bytes a second.
    roofs : mapping of str to float
        Flat limits by name: steps a second.
    words : callable
        Writes a rate with its unit.
    """
    _refuse_nothing("roofline", points)
    fig, (axes,) = canvas(title, 4.2)
    left, right = (f([point.per_byte for point in points]) for f in (min, max))
    xs = [left / 3, right * 3]
    rates = [point.rate.estimate for point in points]
    log_axis(axes, "x", xs, lambda value: f"1/{1 / value:.3g}" if value < 1 else f"{value:.3g}")
    axes.xaxis.set_major_locator(FixedLocator([1 / 2**power for power in range(12)]))
    log_axis(axes, "y", [0.5 * min(rates), 2 * max([*rates, *roofs.values()])], words)
    marks = []
    for (name, value), style in zip(
        [*bandwidths.items(), *roofs.items()], ["-", "--", ":", "-."], strict=False
    ):
        ys = [value * x for x in xs] if name in bandwidths else [value] * 2
        (line,) = axes.plot(xs, ys, style, color=INK, lw=1.6, zorder=1, label=name)
        marks.append(line)
    for point in points:
        hue = colour(point.variant)
        axes.vlines(point.per_byte, point.rate.low, point.rate.high, color=hue, lw=2.5)
        axes.plot(point.per_byte, point.rate.estimate, "o", color=hue, ms=8, mec="white")
    axes.set_xlabel("steps for a byte moved (log scale)")
    axes.set_ylabel("steps in a second")
    legend(fig, marks)
    named = [(point.per_byte, point.rate.estimate, point.label) for point in points]
    name_points(fig, axes, named)
    return fig


def heatmap(
    values: Sequence[Sequence[float]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    row_label: str,
    column_label: str,
    words: Callable[[float], str],
    worse: str,
) -> Figure:
    """Draw a grid of positive numbers, each written in its cell; darker is more, on a log scale.

    Parameters
    ----------
    values : sequence of sequence of float
        ``[row][column]``; rows from the top.
    words : callable
        Writes a value: :func:`unlocked.show.times`.
    worse : str
        What a dark cell means, said under the figure.
    """
    _refuse_nothing("heatmap", [value for row in values for value in row])
    fig, (axes,) = canvas(title, rows_height(rows))
    logs = [[log(value) for value in row] for row in values]
    low = min(min(row) for row in logs)
    span = max(max(max(row) for row in logs) - low, log(1.5))
    axes.pcolormesh(logs, cmap=HEAT, vmin=low, vmax=low + span, edgecolors="white", lw=2)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            dark = (log(value) - low) / span > 0.55
            axes.text(
                j + 0.5,
                i + 0.5,
                words(value),
                ha="center",
                va="center",
                color="white" if dark else INK,
                fontsize=SMALL,
            )
    room = 0.6 * WIDTH * 72 / len(columns)
    axes.set_xticks(
        [j + 0.5 for j in range(len(columns))], [wrap(name, room, SMALL) for name in columns]
    )
    axes.set_yticks(
        [i + 0.5 for i in range(len(rows))], [wrap(name, LABEL_WIDTH, SMALL) for name in rows]
    )
    axes.invert_yaxis()
    axes.grid(False)
    axes.set_xlabel(f"{column_label} (dark: {worse})")
    axes.set_ylabel(row_label)
    return fig


def timeline(spans: Sequence[Span], title: str) -> Figure:
    """Draw which thread did what when; threads from the top in order of appearance."""
    _refuse_nothing("timeline", spans)
    threads = list(dict.fromkeys(span.thread for span in spans))
    kinds = list(dict.fromkeys(span.kind for span in spans))
    origin = min(span.start for span in spans)
    fig, (axes,) = canvas(title, rows_height(threads))
    unit, scale = time_unit(max(span.end for span in spans) - origin)
    for kind in kinds:
        for y, thread in enumerate(threads):
            bars = [
                ((span.start - origin) * scale, (span.end - span.start) * scale)
                for span in spans
                if span.kind == kind and span.thread == thread
            ]
            axes.broken_barh(bars, (y - 0.36, 0.72), color=colour(kind), lw=0)
    axes.set_xlim(0, max(span.end - origin for span in spans) * scale)
    axes.set_xlabel(f"time ({unit})")
    name_rows(axes, threads)
    axes.grid(False, axis="y")
    legend(fig, [Patch(color=colour(kind), label=kind) for kind in kinds])
    return fig


def shares(rows: Sequence["Reading"], title: str) -> Figure:
    """Draw the share of its time in which each call held the GIL, and held it although asked.

    The thin line is the range over the processes.
    """
    _refuse_nothing("shares", rows)
    names = [row.label for row in rows]
    fig, panels = canvas(title, rows_height(names) - 0.4, columns=2)
    columns = (
        ("held the GIL", "holds", [row.held for row in rows]),
        ("held it although asked", "asked", [row.held_on_request for row in rows]),
    )
    for axes, (heading, hue, held) in zip(panels, columns, strict=True):
        axes.barh(range(len(rows)), [100 * value for value in held], 0.62, color=colour(hue))
        axes.set_xlim(0, 100)
        axes.xaxis.set_major_locator(FixedLocator([0, 50, 100]))
        axes.set_xlabel("% of its time")
        axes.set_title(heading, loc="left", fontsize=STYLE["axes.labelsize"])
        axes.grid(False, axis="y")
        value_rows(axes, [percent(value) for value in held])
    lows, highs = [100 * row.low for row in rows], [100 * row.high for row in rows]
    panels[0].hlines(range(len(rows)), lows, highs, color=INK, lw=1.6)
    name_rows(panels[0], names)
    return fig


def stacked(
    rows: Mapping[str, Mapping[str, float]], title: str, xlabel: str, values: Sequence[str]
) -> Figure:
    """Draw what each thing consists of: its parts one behind the other, as shares of a whole.

    Parameters
    ----------
    rows : mapping of str to mapping of str to float
        By name, the parts' shares of 1; a part's name gives its colour. They may add up to more
        or less than 1, which a line marks.
    values : sequence of str
        Written beside the rows.
    """
    _refuse_nothing("stacked", [part for parts in rows.values() for part in parts])
    fig, (axes,) = canvas(title, rows_height(list(rows)))
    for y, parts in enumerate(rows.values()):
        left = 0.0
        for part, share in parts.items():
            hue = colour(part)
            axes.barh(y, 100 * share, 0.62, left=left, color=hue, edgecolor="white", lw=0.8)
            left += 100 * share
    axes.axvline(100, color=INK, lw=1.6, ls="--", zorder=3)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f} %"))
    axes.set_xlabel(xlabel)
    axes.grid(False, axis="y")
    name_rows(axes, list(rows))
    value_rows(axes, values)
    kinds = dict.fromkeys(part for parts in rows.values() for part in parts)
    whole = Line2D([], [], color=INK, lw=1.6, ls="--", label="the whole")
    legend(fig, [*(Patch(color=colour(kind), label=kind) for kind in kinds), whole])
    return fig


def published_against_measured(rows: Sequence[Published], title: str) -> Figure:
    """Draw each claim's measured ratio over the published one; on the diagonal they agree."""
    _refuse_nothing("published_against_measured", rows)
    fig, (axes,) = canvas(title, 4.4)
    low, high = limits([row.measured for row in rows], [row.published for row in rows])
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    ratio_ticks(axes.xaxis, low, high)
    ratio_ticks(axes.yaxis, low, high)
    axes.plot([low, high], [low, high], "--", color=INK, lw=1.4, zorder=1)
    for row in rows:
        hue, marker = colour(row.verdict), MARKERS[row.verdict]
        ends = max(row.measured.low, low), min(row.measured.high, high)
        axes.plot([row.published] * 2, ends, color=hue, lw=2.2, solid_capstyle="butt")
        axes.plot(row.published, row.measured.estimate, marker, color=hue, ms=8, mec="white")
    axes.set_xlabel("published ratio (log scale)")
    axes.set_ylabel("measured here (log scale)")
    seen = [name for name in MARKERS if any(row.verdict == name for row in rows)]
    agree = Line2D([], [], ls="--", color=INK, lw=1.4, label="as published")
    legend(fig, [*(_handle(MARKERS[name], colour(name), name) for name in seen), agree])
    name_points(fig, axes, [(row.published, row.measured.estimate, row.claim) for row in rows])
    return fig


def coverage(rows: Sequence["Coverage"], title: str) -> Figure:
    """Draw how often intervals held the truth, by regime and method, beside 93 to 97 %.

    Whiskers are the 95 % interval of the simulation itself (Wilson's).
    """
    _refuse_nothing("coverage", rows)
    regimes = list(dict.fromkeys(row.regime for row in rows))
    methods = list(dict.fromkeys(row.method for row in rows))
    fig, (axes,) = canvas(title, rows_height(regimes) + 0.1 * len(regimes))
    axes.axvspan(93, 97, color=colour("supported"), alpha=0.13, lw=0, zorder=0)
    axes.axvline(95, color=INK, lw=1.4, ls="--", zorder=1)
    marks = []
    for method, marker in zip(methods, "osDX^v", strict=False):
        hue = colour(method)
        for row in (row for row in rows if row.method == method):
            y = _spread_rows(regimes.index(row.regime), len(methods))[methods.index(method)]
            low, high = _wilson(row.share, row.simulations)
            axes.plot([100 * low, 100 * high], [y, y], color=hue, lw=2.2)
            axes.plot(100 * row.share, y, marker, color=hue, ms=6.5, mec="white")
        marks.append(_handle(marker, hue, method))
    lowest = min(_wilson(row.share, row.simulations)[0] for row in rows)
    axes.set_xlim(min(92.0, 100 * lowest - 1), 100)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0f} %"))
    axes.set_xlabel("intervals that hold the true ratio (nominal: 95 %)")
    name_rows(axes, regimes)
    legend(fig, [*marks, Patch(color=colour("supported"), alpha=0.2, label="93 to 97 %")])
    return fig


def _refuse_nothing(figure: str, values: Iterable[object]) -> None:
    if not list(values):
        raise ValueError(f"{figure} was given nothing to draw; measure at least one value first")


def _values(lines: Lines | None) -> list[float]:
    return [value for value in (lines or {}).values() if value]


def _wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's (1927) interval of a proportion."""
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2) / (1 + z * z / count)
    return max(0.0, centre - half), min(1.0, centre + half)


def _whisker(axes: Axes, ratio: "Interval", y: float, hue: str) -> None:
    """Draw an estimate and its interval; where the interval leaves the axis it ends in a tip."""
    low, high = axes.get_xlim()
    ends = max(ratio.low, low), min(ratio.high, high)
    axes.plot(ends, [y, y], color=hue, lw=3, solid_capstyle="butt", zorder=3)
    for end, beyond, tip in ((low, ratio.low < low, "<"), (high, ratio.high > high, ">")):
        if beyond:
            axes.plot(end, y, tip, color=hue, ms=7, clip_on=False, zorder=3)
    axes.plot(ratio.estimate, y, "o", color=hue, ms=8, mec="white", mew=1, zorder=4)


def _draw_references(
    draw: Callable[..., object], lines: Lines | None, one: bool = True
) -> list[Any]:
    """Draw reference values with ``axes.axvline`` or ``axhline``; return what the legend needs."""
    marks: list[Any] = []
    if one:
        draw(1, color="#8a8f96", lw=1.6, zorder=1)
        marks.append(Line2D([], [], color="#8a8f96", lw=1.6, label="no difference"))
    dashes = ["--", ":", "-."]
    known = [(name, value) for name, value in (lines or {}).items() if value]
    for i, (name, value) in enumerate(known):
        hue = colour("guess") if "guess" in name else INK
        style: dict[str, Any] = {"color": hue, "lw": 2, "ls": dashes[i % len(dashes)]}
        draw(value, zorder=2, **style)
        marks.append(Line2D([], [], label=name, **style))
    return marks


def _handle(marker: str, hue: str, label: str, filled: bool = True) -> Line2D:
    face = hue if filled else "white"
    return Line2D([], [], ls="", marker=marker, mfc=face, mec=hue, mew=1.6, ms=8, label=label)


def _spread_rows(row: int, count: int) -> list[float]:
    """Heights of this many strips within a row."""
    return [row + 0.64 * ((i + 0.5) / count - 0.5) for i in range(count)]


def _thinned(samples: Sequence[float]) -> list[float]:
    ordered = sorted(samples)
    if len(ordered) <= DOTS:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (DOTS - 1))] for i in range(DOTS)]
