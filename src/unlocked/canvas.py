"""What the book's figures are drawn on: one width, text that fits, axes with round numbers."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, Literal

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from unlocked.show import STYLE, seconds

if TYPE_CHECKING:
    from unlocked.lab.intervals import Interval

WIDTH = 6.0
"""Width of every figure in inches."""

LABEL_WIDTH = 118
"""Points that the names of rows and curves may take before they are wrapped."""

SMALL = STYLE["ytick.labelsize"]
LINE = 0.2
"""Height of a line of small text in inches."""


def canvas(title: str, height: float, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure of the book's width and style.

    Parameters
    ----------
    title : str
        The message; wrapped as needed.
    height : float
        Height in inches without the title.
    columns : int
        Axes beside one another, sharing their y axis.
    """
    if not title.strip():
        raise ValueError("a figure needs a title that states its message; got an empty one")
    size = STYLE["axes.titlesize"]
    wrapped = wrap(title, WIDTH * 72 - 16, size, "bold")
    layout = ConstrainedLayoutEngine(w_pad=0.09, h_pad=0.07)
    fig = Figure((WIDTH, height + 0.24 * (1 + wrapped.count("\n"))), layout=layout)
    fig.suptitle(wrapped, x=0.01, ha="left", fontsize=size, fontweight="bold")
    axes = fig.subplots(1, columns, sharey=True, squeeze=False)[0]
    return fig, list(axes)


@cache
def _text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of one line in points."""
    font = FontProperties(family=STYLE["font.family"], size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def wrap(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Break a text into lines of at most this many points, best at spaces and within names."""
    lines = [""]
    for piece in re.findall(r"\S+?[._/](?=[^\W\d])|\S+\s*|\s+", text):
        if _text_width((lines[-1] + piece).rstrip(), size, weight) <= width:
            lines[-1] += piece
            continue
        lines.append("")
        for character in piece:
            if _text_width((lines[-1] + character).rstrip(), size, weight) > width:
                lines.append("")
            lines[-1] += character
    return "\n".join(line.strip() for line in lines if line.strip())


def rows_height(labels: Sequence[str]) -> float:
    """Height in inches of a figure with these names of rows, a legend and an x axis."""
    lines = max(1 + wrap(label, LABEL_WIDTH, SMALL).count("\n") for label in labels)
    return 1.25 + len(labels) * max(0.44, 0.1 + LINE * lines)


def name_rows(axes: Axes, labels: Sequence[str]) -> None:
    """Name rows, from the top, on the left."""
    names = [wrap(label, LABEL_WIDTH, SMALL) for label in labels]
    axes.set_yticks(range(len(labels)), names)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def value_rows(axes: Axes, values: Sequence[str]) -> None:
    """Write the rows' values on the right."""
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(values)), [wrap(value, LABEL_WIDTH, SMALL) for value in values])
    right.spines["right"].set_visible(False)


def ends_height(names: Iterable[str]) -> float:
    """Height in inches of a figure with room for these names of curves, see `name_ends`."""
    lines = sum(1 + wrap(name, LABEL_WIDTH, SMALL).count("\n") for name in names)
    return max(3.5, 1.2 + LINE * lines)


def name_ends(fig: Figure, axes: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Name curves behind their last points, pushed apart where they would overlap.

    Parameters
    ----------
    ends : mapping of str to (float, float, str)
        By name, x and y of the last point and the colour of the curve.
    """
    fig.draw_without_rendering()
    gap = LINE * fig.dpi / axes.get_window_extent().height
    labels = {name: wrap(name, LABEL_WIDTH, SMALL) for name in ends}
    to_axes = axes.transData + axes.transAxes.inverted()
    points = {name: tuple(to_axes.transform((x, y))) for name, (x, y, _) in ends.items()}
    order = sorted(ends, key=lambda name: -points[name][1])
    heights = [gap * (1 + labels[name].count("\n")) for name in order]
    places = spread([points[name][1] for name in order], heights, 0.0)
    for name, place in zip(order, places, strict=True):
        axes.annotate(
            labels[name],
            points[name],
            (1.03, place),
            xycoords="axes fraction",
            va="center",
            annotation_clip=False,
            fontsize=SMALL,
            arrowprops={
                "arrowstyle": "-",
                "color": ends[name][2],
                "relpos": (0, 0.5),
                "shrinkA": 1,
            },
        )


def spread(centres: Sequence[float], heights: Sequence[float], bottom: float) -> list[float]:
    """Push boxes, given from the top down, apart: downwards, but not below the bottom."""
    places: list[float] = []
    for i, (centre, height) in enumerate(zip(centres, heights, strict=True)):
        above = places[-1] - heights[i - 1] / 2 if places else centre + height
        places.append(min(centre, above - height / 2))
    lowest = bottom
    for i in reversed(range(len(places))):
        places[i] = max(places[i], lowest + heights[i] / 2)
        lowest = places[i] + heights[i] / 2
    return places


def name_points(fig: Figure, axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Name points, each on the side where its name hides the fewest points and names."""
    fig.draw_without_rendering()
    to_points = 72 / fig.dpi
    centres = [axes.transData.transform((x, y)) * to_points for x, y, _ in points]
    taken = [Bbox.from_extents(x - 5, y - 5, x + 5, y + 5) for x, y in centres]
    inner = Bbox(axes.get_window_extent().get_points() * to_points)
    for (px, py), (x, y, name) in zip(centres, points, strict=True):
        width = _text_width(name, SMALL)
        beside, above = 7 + width / 2, 14
        sides = [(beside, 0), (-beside, 0), (0, above), (0, -above)]
        sides += [(dx, dy) for dx in (beside, -beside) for dy in (10, -10, 20, -20)]
        boxes = [
            Bbox.from_bounds(px + dx - width / 2, py + dy - SMALL / 2, width, SMALL)
            for dx, dy in sides
        ]
        costs = [
            sum(box.overlaps(other) for other in taken) + 10 * (not _holds(inner, box))
            for box in boxes
        ]
        best = costs.index(min(costs))
        taken.append(boxes[best])
        axes.annotate(
            name,
            (x, y),
            sides[best],
            textcoords="offset points",
            fontsize=SMALL,
            ha="center",
            va="center",
            bbox={"fc": "white", "ec": "none", "alpha": 0.75, "pad": 0.6},
        )


def _holds(outer: Bbox, inner: Bbox) -> bool:
    return (
        outer.x0 <= inner.x0
        and inner.x1 <= outer.x1
        and outer.y0 <= inner.y0
        and inner.y1 <= outer.y1
    )


def legend(fig: Figure, handles: Sequence[Any]) -> None:
    """Put a legend under the axes, in as many columns as fit, to be read row by row."""
    if not handles:
        return
    size, page, symbol = STYLE["legend.fontsize"], WIDTH * 72, 42
    for handle in handles:
        handle.set_label(wrap(handle.get_label(), page - symbol, size))
    lines = [line for handle in handles for line in handle.get_label().split("\n")]
    widest = max(_text_width(line, size) for line in lines)
    columns = max(1, min(len(handles), int(page / (widest + symbol))))
    by_column = [handle for column in range(columns) for handle in handles[column::columns]]
    fig.legend(
        handles=by_column,
        loc="outside lower left",
        ncols=columns,
        handlelength=1.3,
        handletextpad=0.5,
        columnspacing=1.2,
    )


def limits(ratios: Sequence["Interval"], others: Sequence[float]) -> tuple[float, float]:
    """Range of a log axis: everything, but of an interval no more than ten times either way."""
    lows = [max(ratio.low, ratio.estimate / 10) for ratio in ratios]
    highs = [min(ratio.high, ratio.estimate * 10) for ratio in ratios]
    low, high = min(1.0, *lows, *others), max(1.0, *highs, *others)
    room = max(1.04, (high / low) ** 0.06)
    return low / room, high * room


def log_range(
    axes: Axes, ratios: Sequence["Interval"], others: Sequence[float]
) -> tuple[float, float]:
    """Give the x axis the log range of these ratios and other values; return its limits."""
    low, high = limits(ratios, others)
    axes.set(xscale="log", xlim=(low, high))
    ratio_ticks(axes.xaxis, low, high)
    return low, high


LONGEST = 14
"""Digits of all ticks of an axis of ratios together, beyond which they may meet."""


def ratio_ticks(axis: Axis, low: float, high: float) -> None:
    """Mark a log axis of ratios at round numbers."""
    axis.set_major_locator(FixedLocator(_log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: _short(x) + "×"))
    axis.set_minor_locator(NullLocator())


def _log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most this many round numbers, spread over a range; linear ones in a narrow range."""
    if high / low < 4:
        ticks = MaxNLocator(most - 1, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        return [float(tick) for tick in ticks if low <= tick <= high]
    first, last = floor(log10(low)), ceil(log10(high))
    marks: list[float] = []
    for stride, mantissas in ((1, (1, 2, 5)), (1, (1, 3)), *((s, (1,)) for s in range(1, 99))):
        powers = range(first - first % stride, last + 1, stride)
        marks = [m * 10.0**power for power in powers for m in mantissas]
        marks = [mark for mark in marks if low <= mark <= high]
        if len(marks) <= most and sum(len(_short(mark)) for mark in marks) <= LONGEST:
            break
    return marks


def _short(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:,g} M"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def time_unit(longest: float) -> tuple[str, float]:
    """Unit of time in which a number is 1 to 1000, and what seconds are multiplied by."""
    units = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
    return next((unit for unit in units if longest * unit[1] >= 1), units[-1])


def log_axis(
    axes: Axes, which: Literal["x", "y"], values: Sequence[float], words: Callable[[float], str]
) -> None:
    """Make an axis logarithmic, from the least to the largest value, its ticks in words."""
    low, high = min(values), max(values)
    room = max(1.05, (high / low) ** 0.04)
    low, high = low / room, high * room
    if which == "x":
        axes.set(xscale="log", xlim=(low, high))
    else:
        axes.set(yscale="log", ylim=(low, high))
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(_log_ticks(low, high, most=5 if which == "x" else 6)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value).replace(".0 ", " ")))
    axis.set_minor_locator(NullLocator())


def time_axis(axes: Axes, label: str, values: Sequence[float]) -> float:
    """Make the x axis one of time, logarithmic for a wide range; return the scale to draw in."""
    low, high = min(values), max(values)
    if high / low < 20:
        unit, scale = time_unit(high)
        axes.set_xlabel(f"{label} ({unit})")
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return scale
    low, high = low / 1.3, high * 1.3
    axes.set(xscale="log", xlim=(low, high), xlabel=f"{label} (log scale)")
    axes.xaxis.set_major_locator(FixedLocator(_log_ticks(low, high, most=5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: seconds(x).replace(".0 ", " ")))
    axes.xaxis.set_minor_locator(NullLocator())
    return 1.0
