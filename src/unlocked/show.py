"""The look of the book: colours, numbers in words, and everything a cell displays.

Importing this module sets matplotlib's style. :mod:`unlocked.figures` draws the figures, this
module shows them: with alt text, the numbers under them, and as SVG that is the same, byte for
byte, whenever the numbers are.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import StringIO
from math import floor, inf, isfinite, isnan, log10
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import matplotlib
from IPython.display import publish_display_data
from matplotlib.figure import Figure

from unlocked.listing import listing

if TYPE_CHECKING:
    import pandas as pd

    from unlocked.lab.intervals import Interval
    from unlocked.study.claims import Claim, Predicate
    from unlocked.study.verdicts import Verdict

INK = "#22262b"
FAINT = "#d5d8dc"

COLOURS = {
    "python": "#0072b2",
    "numpy": "#e69f00",
    "math": "#56b4e9",
    "numba": "#009e73",
    "cython": "#d55e00",
    "lfilter": "#cc79a7",
    "joblib": "#332288",
    "serial": "#596673",
    "thread pool": "#1f9ed1",
    "process pool": "#b8860b",
    "threads": "#aa4499",
    "processes": "#999933",
    "control": "#70767e",
    "holds": "#882255",
    "releases": "#44aa99",
    "asked": "#e3b5cb",
    "waiting": "#dcdcdc",
    "look-ahead": "#117733",
    "lanes": "#0b5fa5",
    "streaming": "#88bde6",
    "fused": "#aa3377",
    "waiting for the generator": "#c9662c",
    "shared": "#994f00",
    "own": "#006ddb",
    "counter": "#228833",
    "simulating": "#4a9a9a",
    "returning": "#ee6677",
    "starting": "#ddcc77",
    "in shared memory": "#661100",
    "forest": "#1b5e20",
    "svc": "#7e57c2",
    "logistic": "#d81b60",
    "bayes": "#1e88e5",
    "boosting": "#ffb300",
    "tags": "#b2abd2",
    "validation": "#f4a582",
    "dispatch": "#80cdc1",
    "machinery": "#bf812d",
    "arithmetic": "#0d47a1",
    "colder": "#ffe082",
    "between": "#7f7f7f",
    "scikit-learn": "#3b4252",
    "scikit-learn, unchecked": "#9099a6",
    "scikit-learn-intelex": "#9ecae1",
    "onnx runtime": "#0068b5",
    "hummingbird": "#f28e2b",
    "hummingbird, traced": "#c44e00",
    "hummingbird, float64": "#7a3b00",
    "hummingbird on a gpu": "#76b900",
    "treelite": "#8cd17d",
    "tl2cgen": "#1a7f5a",
    "packed": "#d4357f",
    "river": "#6d4c41",
    "openvino": "#6930c3",
    "lleaves": "#bfa500",
    "ydf": "#d4a5c9",
    "amdahl": "#6699cc",
    "ceiling": "#ee8866",
    "t on": "#17365c",
    "unpaired": "#b66dff",
    "bootstrap": "#cc6677",
    "measured": "#455a64",
    "published": "#3a3a3a",
    "guess": "#6a3d9a",
    "supported": "#1b7837",
    "refuted": "#b2182b",
    "inconclusive": "#9a6700",
    "not run": "#8b93a1",
}
"""Colour by variant: Okabe and Ito's palette, continued with Paul Tol's muted one."""

NAMES = {
    "forest": "random forest",
    "svc": "linear SVC",
    "logistic": "logistic regression",
    "bayes": "Gaussian naive Bayes",
    "boosting": "histogram gradient boosting",
}
"""The models of ``unlocked.inference.models`` in words."""

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 11.5,
    "axes.titlesize": 12.5,
    "axes.labelsize": 11.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "xtick.labelsize": 11,
    "ytick.color": INK,
    "ytick.labelsize": 11,
    "ytick.major.pad": 8,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "unlocked",
}
"""matplotlib's settings: text stays above 9 pixels where a figure is 360 pixels wide."""

matplotlib.rcParams.update(STYLE)

BADGES = {"supported": "✓", "refuted": "✗", "inconclusive": "?", "not run": "–"}
DATA_ROWS = 200


def colour(name: str) -> str:
    """Return the colour that a variant has in the whole book.

    Parameters
    ----------
    name : str
        A key of ``COLOURS``, or a name that starts with one (``"numba_nogil"``); the longest
        such key counts.

    Raises
    ------
    ValueError
        Where no key fits.
    """
    keys = [key for key in COLOURS if name.lower().startswith(key)]
    if not keys:
        raise ValueError(
            f"no colour for {name!r}: start the name with one of {', '.join(COLOURS)}, "
            "or add its family to unlocked.show.COLOURS"
        )
    return COLOURS[max(keys, key=len)]


# Numbers in words


def seconds(value: float) -> str:
    """Write a duration with its unit and two or three digits: ``"5.1 ms"``, ``"120 ns"``.

    Raises
    ------
    ValueError
        For a negative number, infinity or nan.
    """
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"a duration is a finite number of seconds >= 0, not {value}")
    if value == 0:
        return "0 s"
    units = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "h")]
    largest = {"s": 119.5, "min": 119.5}
    for scale, unit in units:
        if value / scale < largest.get(unit, 999.5):
            break
    return f"{_two_digits(value / scale)} {unit}"


def times(ratio: "Interval | float") -> str:
    """Write a ratio, with its interval where it has one: ``"3.2× [3.0, 3.4]"``.

    The digits shown are those that the interval leaves standing. A ratio from one process has
    no interval, which is said.

    Raises
    ------
    ValueError
        For a ratio that is not a finite number above 0.
    """
    estimate = ratio if isinstance(ratio, int | float) else ratio.estimate
    if not (isfinite(estimate) and estimate > 0):
        raise ValueError(f"a ratio is a finite number above 0, not {estimate}")
    if isinstance(ratio, int | float):
        return f"{_two_digits(estimate)}×"
    if ratio.low <= 0 or ratio.high == inf:
        return f"{_two_digits(estimate)}× (one process, no interval)"
    numbers = (estimate, ratio.low, ratio.high)
    if ratio.high > 10 * ratio.low:
        middle, low, high = map(_two_digits, numbers)
    else:
        width = _decimals(2 / 5 * (ratio.high - ratio.low), 1)
        decimals = min(max(width, _decimals(ratio.low, 2)), _decimals(ratio.low, 4))
        middle, low, high = (f"{number:,.{decimals}f}" for number in numbers)
    return f"{middle}× [{low}, {high}]"


def percent(share: float) -> str:
    """Write a share of 1 in per cent: ``"46 %"``, ``"4.6 %"``.

    Raises
    ------
    ValueError
        For infinity or nan.
    """
    if not isfinite(share):
        raise ValueError(f"a share is a finite number, not {share}")
    value = 100 * share
    return f"{value:.0f} %" if abs(value) >= 9.95 or value == 0 else f"{value:.1f} %"


def size(count: int) -> str:
    """Write a number of bytes with its binary unit: ``"32 KiB"``, ``"15.6 GiB"``."""
    power = min(4, max(0, count.bit_length() - 1) // 10)
    return f"{count / 1024**power:.3g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def _decimals(value: float, digits: int) -> int:
    """Decimals that show this many significant digits of a value; 3 for nothing."""
    return max(0, digits - 1 - floor(log10(value))) if value > 0 else 3


def _two_digits(value: float) -> str:
    return f"{value:,.{_decimals(float(f'{value:.1e}'), 2)}f}"


# What a cell displays


def say(markdown: str) -> None:
    """Display a computed sentence, in Markdown; links, ``{cite}`` and ``{ref}`` work in it."""
    _publish("text/markdown", markdown)


def caution(*causes: str | None) -> None:
    """Say why nothing is to be judged from what was just shown; nothing where there is no cause."""
    named = list(dict.fromkeys(cause for cause in causes if cause))
    if named:
        say(f"*Judge nothing from this run: {'; '.join(named)}.*")


def answer(markdown: str) -> None:
    """Display the chapter's computed answer; for the cell tagged ``answer``."""
    say(markdown)


def figure(fig: Figure, alt: str) -> None:
    """Display a figure as SVG, with its alt text in the output's metadata, and close it.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
    alt : str
        The finding in words, computed from the numbers that are drawn.

    Raises
    ------
    ValueError
        Where the alt text is empty.
    """
    if not alt.strip():
        raise ValueError("a figure needs an alt text that states its finding; got an empty one")
    text = svg(fig)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close(fig)
    alt = " ".join(alt.split())
    publish_display_data({"image/svg+xml": text, "text/plain": alt}, {"alt": alt})


def svg(fig: Figure) -> str:
    """Return a figure as SVG: equal numbers give equal text, without date or version."""
    text = StringIO()
    fig.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def data(frame: "pd.DataFrame", caption: str = "The numbers behind the figure") -> None:
    """Display a figure's numbers: a closed table (of the first 200 rows) and the CSV of all.

    The index is left out; call ``reset_index()`` first where it says something.
    """
    if frame.empty:
        raise ValueError(f"{caption!r} has no rows to show")
    csv = quote(frame.to_csv(index=False, lineterminator="\n"))
    name = re.sub(r"\W+", "-", caption.lower()).strip("-") or "data"
    left_out = len(frame) - DATA_ROWS
    more = f"<p>First {DATA_ROWS} of {len(frame)} rows.</p>" if left_out > 0 else ""
    _publish(
        "text/html",
        f'<details class="figure-data"><summary>{escape(caption)}</summary>'
        f'<div class="scroll">{_html_table(frame.head(DATA_ROWS))}</div>{more}'
        f'<p><a download="{name}.csv" href="data:text/csv;charset=utf-8,{csv}">'
        "Download as CSV</a></p></details>",
    )


def table(frame: "pd.DataFrame", markdown: Sequence[str] = ()) -> None:
    """Display a table in Markdown; numbers stand on the right.

    Parameters
    ----------
    frame : pandas.DataFrame
        Its index is left out.
    markdown : sequence of str
        Columns whose text is Markdown (links, say); all other text is shown as it is.
    """
    if frame.empty:
        raise ValueError("a table needs at least one row; got none")
    unknown = set(markdown) - set(frame.columns)
    if unknown:
        raise ValueError(f"no column {sorted(unknown)} among {list(frame.columns)}")
    columns = []
    for name in frame.columns:
        cells = [_text(value) for value in frame[name]]
        marks = cells if name in markdown else [_escape_markdown(cell) for cell in cells]
        rule = "---:" if all(_is_number(cell) for cell in cells) else ":---"
        columns.append([_escape_markdown(str(name)), rule, *marks])
    lines = ["| " + " | ".join(row) + " |" for row in zip(*columns, strict=True)]
    say("\n".join(lines))


def environment(machine: Mapping[str, object]) -> None:
    """Display what is known of a machine and its software, one line a fact.

    Parameters
    ----------
    machine : mapping
        Facts by name; whole numbers under ``memory`` and ``caches`` are bytes.
    """
    rows = [("what", "value"), (":---", ":---")]
    for name, fact in machine.items():
        words = _text(fact, size if name in ("memory", "caches") else str)
        rows.append((_escape_markdown(name.replace("_", " ")), _escape_markdown(words)))
    say("\n".join(f"| {name} | {fact} |" for name, fact in rows))


def source(*targets: Callable[..., Any] | str, docstring: bool = True) -> None:
    """Display the source of functions as it stands in the package; see ``unlocked.listing``."""
    say(listing(*targets, docstring=docstring))


def heat(
    lines: Sequence[str], weights: Sequence[float], labels: Sequence[str], heading: str
) -> None:
    """Display source lines, each shaded by its weight: a line profile, Cython's annotation.

    Parameters
    ----------
    lines : sequence of str
        The source.
    weights : sequence of float
        One a line, from 0 (no shade) to 1.
    labels : sequence of str
        What stands before each line: its share of the time, its score.
    heading : str
        What the labels are.
    """
    rows = "".join(
        f'<tr style="--weight:{_checked_share(weight):.2f}"><td>{escape(label)}</td>'
        f"<td><code>{escape(line) or ' '}</code></td></tr>"
        for line, weight, label in zip(lines, weights, labels, strict=True)
    )
    _publish(
        "text/html",
        f'<div class="scroll"><table class="heat"><thead><tr><th>{escape(heading)}</th>'
        f"<th>line</th></tr></thead><tbody>{rows}</tbody></table></div>",
    )


def _publish(mime: str, text: str) -> None:
    if not text.strip():
        raise ValueError("there is nothing to display: the text is empty")
    publish_display_data({mime: text, "text/plain": text})


def _checked_share(weight: float) -> float:
    if not 0 <= weight <= 1:
        raise ValueError(f"a weight lies between 0 and 1, not {weight}")
    return weight


def _text(value: object, whole: Callable[[int], str] = str) -> str:
    """A table cell in words: floats with four digits, whole numbers as told."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return whole(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_text(item, whole) for item in value) or "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item, whole)}" for key, item in value.items()) or "–"
    return str(value)


def _is_number(text: str) -> bool:
    return re.match(r"[-+–]?(\d|$)", text) is not None


def _escape_markdown(text: str) -> str:
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(text.split()))


def _html_table(frame: "pd.DataFrame") -> str:
    columns = [[_text(value) for value in frame[name]] for name in frame.columns]
    kinds = [' class="number"' if all(map(_is_number, cells)) else "" for cells in columns]
    head = "".join(
        f"<th{kind}>{escape(str(name))}</th>"
        for name, kind in zip(frame.columns, kinds, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{escape(c)}</td>" for c, k in zip(row, kinds, strict=True))
        for row in zip(*columns, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


# Verdict cards


def verdict_card(verdict: "Verdict", claim: "Claim") -> None:
    """Display a claim beside what was measured: statement, figures, bound, verdict, cause."""
    if verdict.claim != claim.id:
        raise ValueError(f"a verdict on {verdict.claim} does not belong to claim {claim.id}")
    name = verdict.verdict
    source = escape(f"{claim.source}, {claim.where}" if claim.where else claim.source)
    facts = {
        "Published": f'{escape(claim.published)} <span class="source">({source})</span>',
        "Measured here": _measured(verdict, claim),
        "Holds if": escape(bound_in_words(claim.predicate)) if claim.predicate else "",
        "Because" if name in ("inconclusive", "not run") else "Note": escape(verdict.cause or ""),
    }
    rows = "".join(f"<dt>{key}</dt><dd>{value}</dd>" for key, value in facts.items() if value)
    _publish(
        "text/html",
        f'<article class="verdict {name.replace(" ", "-")}"><header><b>{escape(claim.id)}</b> '
        f'<span class="badge">{BADGES[name]} {name}</span></header>'
        f"<p>{_code(claim.statement)}</p><dl>{rows}</dl></article>",
    )


def bound_in_words(predicate: "Predicate") -> str:
    """Say what a measured interval must do for the claim to be supported."""
    bound = predicate.bound
    words = {
        "at_least": f"the whole interval is at least {bound}×",
        "at_most": f"the whole interval is at most {bound}×",
        "equivalent": f"the whole interval lies between {1 / (bound or 1):.3g}× and {bound}×",
        "exact": "every case agrees",
    }[predicate.kind]
    return f"{words} ({predicate.reason})" if predicate.reason else words


def _measured(verdict: "Verdict", claim: "Claim") -> str:
    if verdict.ratio is None:
        return escape(verdict.value or "")
    of = f", {_code(claim.ratio)}" if claim.ratio else ""
    value = f"; {escape(verdict.value)}" if verdict.value else ""
    return f"<strong>{escape(times(verdict.ratio))}</strong>{of}{value}"


def _code(text: str) -> str:
    """Escape plain text for HTML; `backticks` become code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
