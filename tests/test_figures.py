"""Figures draw what they are given, refuse to draw nothing, and keep their text readable."""

import random
from io import BytesIO
from itertools import pairwise
from math import inf
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from unlocked import figures
from unlocked.canvas import _log_ticks, canvas, spread, wrap
from unlocked.lab.intervals import Interval
from unlocked.show import colour, seconds, times

LONG = "a long name of a variant with_many_underscores.and.dots in it, longer than a line"
TITLE = f"The finding, said at length so that it needs two lines or three: {LONG}"


def interval(estimate, width=1.05):
    return Interval(estimate, estimate / width, estimate * width, 5)


def samples(centre, processes=5, rounds=10):
    rng = random.Random(1)
    return [[centre * rng.uniform(0.9, 1.2) for _ in range(rounds)] for _ in range(processes)]


def reading(label, held):
    return SimpleNamespace(
        label=label, held=held, low=0.9 * held, high=min(1, 1.1 * held), held_on_request=held / 2
    )


def simulated(regime, method, share):
    return SimpleNamespace(regime=regime, method=method, share=share, simulations=1000)


DRAWN = {
    "stacked": lambda n: figures.stacked(
        {f"{LONG} {i}": {f"arithmetic {LONG}": 0.3 + 0.1 * i, "validation": 0.4} for i in range(n)},
        TITLE,
        xlabel="share of the whole",
        values=["1.2 ms"] * n,
    ),
    "intervals": lambda n: figures.intervals(
        [figures.Row(f"{LONG} {i}", interval(10.0**i)) for i in range(n)],
        TITLE,
        holds=(1.05, inf),
        lines={"your guess": 2.0, "noise floor": 1.01},
    ),
    "ladder": lambda n: figures.ladder(
        [figures.Step(f"{LONG} {i}", interval(1 + i), "numba", 2.0, 3.0) for i in range(n)],
        TITLE,
        lines={"your guess": 5},
    ),
    "distribution": lambda n: figures.distribution(
        {f"numba {LONG} {i}": samples(10.0 ** (i - 5)) for i in range(n)}, TITLE
    ),
    "scaling": lambda n: figures.scaling(
        [1, 2, 4],
        {f"numba {LONG} {i}": [interval(1.0), interval(1.9), interval(1.9)] for i in range(n)},
        TITLE,
        cores=2,
        control=[interval(1.0), interval(1.95), interval(1.95)],
        lines={"your guess": 3.5},
    ),
    "curves": lambda n: figures.curves(
        [
            figures.Curve(f"{LONG} {i}", [10, 1000], [1e-6, 1e-3 * (1 + i)], "numba", *ends)
            for i, ends in enumerate([([1e-7, 0.0], [1e-5, inf])] * n)
        ]
        + [figures.Curve(f"{LONG} 0", [10, 1000], [2e-6, 2e-3], "numba", model=True)],
        TITLE,
        "size",
        "time per call",
        x_words=lambda value: f"{value:g}",
        y_words=seconds,
        columns={"L2": 100, "absent": None},
        lines={"your guess": 1e-4},
    ),
    "roofline": lambda n: figures.roofline(
        [figures.Rate(f"numba {i}", 1 / 16, interval(1e8 * (1 + i)), "numba") for i in range(n)],
        TITLE,
        {"copy": 1e10},
        {"multiply and add": 2e8},
        words=lambda value: f"{value / 1e6:g} M",
    ),
    "heatmap": lambda n: figures.heatmap(
        [[1.0 + i, 2.0, 30.0, 4.0] for i in range(n)],
        [f"{LONG} {i}" for i in range(n)],
        ["1", "2", "4", "a name"],
        TITLE,
        "jobs",
        "inner threads",
        words=times,
        worse="slower",
    ),
    "timeline": lambda n: figures.timeline(
        [figures.Span(f"{LONG} {i}", i, i + 1, "holds") for i in range(n)], TITLE
    ),
    "shares": lambda n: figures.shares(
        [reading(f"{LONG} {i}", (i + 1) / n) for i in range(n)], TITLE
    ),
    "published_against_measured": lambda n: figures.published_against_measured(
        [figures.Published(f"OU-{i:02}", 1 + i, interval(2 + i), "supported") for i in range(n)],
        TITLE,
    ),
    "coverage": lambda n: figures.coverage(
        [simulated(f"{LONG} {i}", "t on process medians", 0.95 - i / 10) for i in range(n)], TITLE
    ),
}
EMPTY = {
    "stacked": lambda: figures.stacked({"a": {}}, TITLE, "share", ["1 s"]),
    "intervals": lambda: figures.intervals([], TITLE),
    "ladder": lambda: figures.ladder([], TITLE),
    "distribution": lambda: figures.distribution({"numba": [[]]}, TITLE),
    "scaling": lambda: figures.scaling([], {}, TITLE, cores=2),
    "curves": lambda: figures.curves([], TITLE, "x", "y", str, str),
    "roofline": lambda: figures.roofline([], TITLE, {}, {}, str),
    "heatmap": lambda: figures.heatmap([[]], ["a"], [], TITLE, "r", "c", str, "slow"),
    "timeline": lambda: figures.timeline([], TITLE),
    "shares": lambda: figures.shares([], TITLE),
    "published_against_measured": lambda: figures.published_against_measured([], TITLE),
    "coverage": lambda: figures.coverage([], TITLE),
}


def texts(fig):
    fig.draw_without_rendering()
    found = [text for text in fig.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in found if text.get_window_extent().width]


@pytest.mark.parametrize("rows", [1, 4])
@pytest.mark.parametrize("name", DRAWN)
class TestEveryFigure:
    def test_nothing_is_cut_off(self, name, rows):
        fig = DRAWN[name](rows)
        fig.draw_without_rendering()
        drawn = fig.get_tightbbox()
        assert -0.02 <= drawn.x0 < drawn.x1 <= fig.get_figwidth() + 0.02
        assert -0.02 <= drawn.y0 < drawn.y1 <= fig.get_figheight() + 0.02

    def test_text_is_readable_on_a_phone(self, name, rows):
        fig = DRAWN[name](rows)
        pixels_per_point = 360 / (72 * fig.get_figwidth())
        assert min(text.get_fontsize() for text in texts(fig)) * pixels_per_point >= 9

    def test_the_title_is_the_message(self, name, rows):
        title = DRAWN[name](rows).get_suptitle()
        assert "".join(title.split()) == "".join(TITLE.split())

    def test_the_same_numbers_give_the_same_bytes(self, name, rows):
        pages = []
        for _ in range(2):
            page = BytesIO()
            DRAWN[name](rows).savefig(page, format="svg", metadata={"Date": None})
            pages.append(page.getvalue())
        assert pages[0] == pages[1]


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} was given nothing to draw"):
        EMPTY[name]()


def test_a_figure_needs_a_title():
    with pytest.raises(ValueError, match="title"):
        canvas(" ", 2)


def test_a_guess_that_was_not_made_is_not_drawn():
    rows = [figures.Row("numba", interval(2))]
    with_guess = figures.intervals(rows, "Two times", lines={"your guess": 3.0})
    without = figures.intervals(rows, "Two times", lines={"your guess": None, "another": 0})
    labels = [text.get_text() for text in texts(without)]
    assert "your guess" in [text.get_text() for text in texts(with_guess)]
    assert "your guess" not in labels
    assert "another" not in labels


def test_an_interval_without_end_stays_on_the_page():
    fig = figures.intervals([figures.Row("smoke", Interval(2.0, 0.0, inf, 1))], "One process")
    low, high = fig.axes[0].get_xlim()
    assert 0.1 < low < 2 < high < 50
    assert "2.0× (one process,\nno interval)" in [text.get_text() for text in texts(fig)]


def test_a_variant_has_its_colour_in_every_figure():
    row = figures.intervals([figures.Row("fast", interval(2), "numba")], "Twice")
    step = figures.ladder([figures.Step("fast", interval(2), "numba")], "Twice")
    strip = figures.distribution({"numba": samples(1)}, "Five processes")
    for fig in (row, step, strip):
        assert colour("numba") in [line.get_color() for line in fig.axes[0].lines]


def test_many_samples_are_thinned_but_keep_their_extremes():
    fig = figures.distribution({"numba": samples(1.0, processes=1, rounds=5000)}, "Many")
    dots = max((line.get_xdata() for line in fig.axes[0].lines), key=len)
    every = samples(1.0, processes=1, rounds=5000)[0]
    assert len(dots) == figures.DOTS
    assert (min(dots), max(dots)) == (min(every), max(every))


def test_wilson_interval_agrees_with_a_published_value():
    low, high = figures._wilson(0.5, 100)  # Newcombe 1998, table I, 50 of 100
    assert (round(low, 4), round(high, 4)) == (0.4038, 0.5962)


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])), st.floats(40, 400))
def test_wrapping_loses_no_character(text, width):
    assert "".join(wrap(text, width, 11).split()) == "".join(text.split())


@given(st.floats(1e-6, 1e6), st.floats(1.1, 1e9))
def test_log_axes_have_a_few_ticks_within_their_range(low, factor):
    ticks = _log_ticks(low, low * factor)
    assert 1 <= len(ticks) <= 6
    assert all(low <= tick <= low * factor for tick in ticks)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_names_of_curves_do_not_overlap(values):
    centres = sorted(values, reverse=True)
    places = spread(centres, [0.1] * len(centres), 0.0)
    assert all(a - b >= 0.1 - 1e-9 for a, b in pairwise(places))
    assert min(places) >= 0.05 - 1e-9


def test_a_number_is_not_broken_at_its_point():
    assert wrap("as fast as 2.3×", 65, 11).split("\n")[-1] == "2.3×"
