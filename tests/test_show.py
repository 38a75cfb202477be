"""What cells display: alt texts, numbers in words, tables, cards, and the book's colours."""

import re
from itertools import combinations
from math import inf, nan
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.figure import Figure

from unlocked import show
from unlocked.lab.intervals import Interval

LINEAR_TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
VISIONS = {  # Machado, Oliveira and Fernandes (2009), severity 1
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]]
    ),
    "protanopia": np.array(
        [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]]
    ),
}
TOGETHER = [
    ("python", "numpy", "math", "numba", "cython", "lfilter"),
    ("joblib", "threads", "processes", "control", "numba", "cython"),
    ("holds", "releases", "asked", "control"),
    ("t on", "unpaired", "bootstrap"),
    ("shared", "own", "counter", "control"),
    ("releases", "waiting", "waiting for the generator"),
    ("supported", "refuted", "inconclusive", "not run"),
    ("measured", "numba", "lanes", "streaming"),
    ("numba", "look-ahead", "lanes", "fused"),
    ("threads", "releases", "processes", "in shared memory", "fused"),
    ("simulating", "returning", "starting"),
    ("cython", "amdahl", "ceiling", "control"),
    ("forest", "svc", "logistic", "bayes", "boosting"),
    ("tags", "validation", "dispatch", "machinery", "arithmetic", "colder", "between"),
    ("serial", "thread pool", "threads", "processes"),
    (
        *("scikit-learn", "scikit-learn, unchecked", "onnx runtime", "hummingbird"),
        *("hummingbird, traced", "treelite", "tl2cgen", "packed"),
    ),
]
positive = st.floats(1e-9, 1e9)


@pytest.fixture
def shown(monkeypatch):
    """What was displayed: pairs of data by MIME type and metadata."""
    outputs = []
    monkeypatch.setattr(
        show, "publish_display_data", lambda data, metadata=None: outputs.append((data, metadata))
    )
    return outputs


def drawing(height=1.0):
    fig = Figure()
    fig.subplots().plot([0, 1], [0, height])
    return fig


class TestFigure:
    def test_alt_text_is_in_the_metadata_of_the_output(self, shown):
        show.figure(drawing(), alt="A line\n  that rises")
        ((data, metadata),) = shown
        assert metadata == {"alt": "A line that rises"}
        assert data["image/svg+xml"].lstrip().startswith("<?xml")
        assert data["text/plain"] == "A line that rises"

    @pytest.mark.parametrize("alt", ["", "  \n"])
    def test_an_empty_alt_text_is_refused(self, shown, alt):
        with pytest.raises(ValueError, match="alt text"):
            show.figure(drawing(), alt=alt)
        assert shown == []

    def test_equal_numbers_give_equal_bytes(self, shown):
        for height in (1.0, 1.0, 2.0):
            show.figure(drawing(height), alt="A line")
        first, again, other = (data["image/svg+xml"] for data, _ in shown)
        assert first == again != other
        assert "<dc:date>" not in first

    def test_text_is_drawn_as_paths_so_that_no_font_is_needed(self, shown):
        show.figure(drawing(), alt="A line")
        assert "<text" not in shown[0][0]["image/svg+xml"]

    def test_a_figure_of_pyplot_is_closed(self, shown):
        from matplotlib import pyplot

        show.figure(pyplot.figure(), alt="Nothing yet")
        assert pyplot.get_fignums() == []


class TestColours:
    def test_no_two_variants_share_a_colour(self):
        assert len(set(show.COLOURS.values())) == len(show.COLOURS)

    @pytest.mark.parametrize("vision", VISIONS)
    @pytest.mark.parametrize("family", TOGETHER)
    def test_what_stands_in_one_figure_is_told_apart(self, family, vision):
        seen = [_lab(show.COLOURS[name], VISIONS[vision]) for name in family]
        assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 10

    def test_the_longest_family_name_counts(self, monkeypatch):
        monkeypatch.setitem(show.COLOURS, "numba_parallel", "#123456")
        assert show.colour("numba_parallel_two") == "#123456"
        assert show.colour("Numba kernel") == show.COLOURS["numba"]

    def test_an_unknown_family_is_refused_with_the_known_ones(self):
        with pytest.raises(ValueError, match=r"no colour for 'fortran'.*numba"):
            show.colour("fortran")


def _lab(colour, vision):
    """CIE L*a*b* of a colour as seen with a vision."""
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    xyz = LINEAR_TO_XYZ @ np.clip(vision @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


class TestNumbersInWords:
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (0, "0 s"),
            (1.2e-7, "120 ns"),
            (0.00512, "5.1 ms"),
            (0.0512, "51 ms"),
            (0.512, "512 ms"),
            (0.9996, "1.0 s"),
            (9.96e-6, "10 µs"),
            (90, "90 s"),
            (150, "2.5 min"),
            (3 * 3600, "3.0 h"),
        ],
    )
    def test_seconds(self, value, words):
        assert show.seconds(value) == words

    @given(st.floats(1e-9, 1e6))
    def test_seconds_keep_the_number_to_five_per_cent(self, value):
        number, unit = show.seconds(value).split()
        scale = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}[unit]
        assert float(number.replace(",", "")) * scale == pytest.approx(value, rel=0.051)

    @pytest.mark.parametrize("value", [-1.0, inf, nan])
    def test_a_duration_that_is_none_is_refused(self, value):
        with pytest.raises(ValueError, match="finite number of seconds"):
            show.seconds(value)

    @pytest.mark.parametrize(
        ("ratio", "words"),
        [
            (Interval(3.2, 3.0, 3.4, 5), "3.2× [3.0, 3.4]"),
            (Interval(1.02, 0.99, 1.05, 5), "1.02× [0.99, 1.05]"),
            (Interval(62.4, 58.2, 66.9, 5), "62× [58, 67]"),
            (Interval(1234.0, 1100.0, 1380.0, 5), "1,234× [1,100, 1,380]"),
            (Interval(2.0, 0.001, 4000.0, 2), "2.0× [0.0010, 4,000]"),
            (Interval(3.2, 0.0, inf, 1), "3.2× (one process, no interval)"),
            (4, "4.0×"),
        ],
    )
    def test_times(self, ratio, words):
        assert show.times(ratio) == words

    @given(positive, st.floats(1.0001, 100))
    def test_times_never_shows_an_interval_without_its_estimate(self, estimate, factor):
        words = show.times(Interval(estimate, estimate / factor, estimate * factor, 5))
        numbers = [float(x.replace(",", "")) for x in re.findall(r"[\d.,]*\d", words)]
        middle, low, high = numbers
        assert low <= middle <= high
        assert numbers == pytest.approx([estimate, estimate / factor, estimate * factor], rel=0.06)

    @pytest.mark.parametrize("ratio", [0, -1.0, nan, inf, Interval(nan, nan, nan, 2)])
    def test_a_ratio_that_is_none_is_refused(self, ratio):
        with pytest.raises(ValueError, match="finite number above 0"):
            show.times(ratio)

    @pytest.mark.parametrize(
        ("share", "words"),
        [(0, "0 %"), (0.0461, "4.6 %"), (0.461, "46 %"), (0.0996, "10 %"), (1, "100 %")],
    )
    def test_percent(self, share, words):
        assert show.percent(share) == words

    @pytest.mark.parametrize(
        ("count", "words"),
        [(512, "512 bytes"), (32 * 1024, "32 KiB"), (16_793_698_304, "15.6 GiB")],
    )
    def test_size(self, count, words):
        assert show.size(count) == words


class TestTables:
    frame = pd.DataFrame({"a|b": ["x & <y>", None], "ratio": [1 / 3, 2.0], "n": [3, 4]})

    def test_data_offers_every_digit_as_csv_under_a_closed_table(self, shown):
        show.data(self.frame, caption="Factor of each step")
        html = shown[0][0]["text/html"]
        assert html.startswith('<details class="figure-data">')
        assert 'download="factor-of-each-step.csv"' in html
        csv = unquote(re.search(r'href="data:text/csv;charset=utf-8,([^"]*)"', html)[1])
        assert csv == self.frame.to_csv(index=False)
        assert "<td>x &amp; &lt;y&gt;</td>" in html
        assert '<td class="number">0.3333</td>' in html

    def test_a_long_table_is_cut_but_not_its_csv(self, shown):
        show.data(pd.DataFrame({"round": range(1000)}))
        html = shown[0][0]["text/html"]
        assert html.count("<tr>") == 1 + show.DATA_ROWS
        assert "First 200 of 1000 rows" in html
        assert "%0A999%0A" in html

    def test_table_puts_numbers_on_the_right(self, shown):
        show.table(self.frame)
        markdown = shown[0][0]["text/markdown"]
        assert markdown.splitlines()[1] == "| :--- | ---: | ---: |"

    def test_markdown_columns_are_left_as_they_are(self, shown):
        show.table(pd.DataFrame({"page": ["[a](a.ipynb)"], "text": ["[a](a)"]}), markdown=["page"])
        assert r"| [a](a.ipynb) | \[a\]\(a\) |" in shown[0][0]["text/markdown"]

    @given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
    def test_any_text_comes_out_of_a_table_as_it_went_in(self, text):
        words = " ".join(text.split())
        assume(words)
        source = f"| a |\n| :--- |\n| {show._escape_markdown(text)} |"
        tokens = MarkdownIt("commonmark").enable("table").parse(source)
        cell = [token for token in tokens if token.type == "inline"][1]
        assert "".join(child.content for child in cell.children) == words

    @pytest.mark.parametrize("display", [show.data, show.table])
    def test_an_empty_table_is_refused(self, display):
        with pytest.raises(ValueError, match="row"):
            display(pd.DataFrame({"a": []}))

    def test_an_unknown_markdown_column_is_refused(self):
        with pytest.raises(ValueError, match=r"'link'.*'n'"):
            show.table(self.frame, markdown=["link"])

    def test_environment_says_sizes_in_words(self, shown):
        show.environment(
            {"memory": 2**34, "caches": {"L2": 2**20}, "gil": True, "logical_cores": 2}
        )
        markdown = shown[0][0]["text/markdown"]
        for row in (r"16 GiB", r"L2 1 MiB", r"| gil | yes |", r"| logical cores | 2 |"):
            assert row in markdown


class TestHeat:
    def test_lines_are_shaded_by_weight_and_escaped(self, shown):
        show.heat(["if a < b:", "    pass"], [0.25, 0], ["25 %", ""], "share of time")
        html = shown[0][0]["text/html"]
        assert '--weight:0.25"><td>25 %</td><td><code>if a &lt; b:</code>' in html

    def test_a_weight_beyond_one_is_refused(self):
        with pytest.raises(ValueError, match=r"between 0 and 1, not 1\.5"):
            show.heat(["pass"], [1.5], [""], "share")


class TestVerdictCard:
    def card(self, shown, verdict="refuted", **changes):
        predicate = SimpleNamespace(kind="at_least", bound=1.05, reason=None)
        claim = {
            "id": "OU-01a",
            "source": "ou18",
            "statement": "`math` is <b>faster</b>",
            "published": "text 4× & more",
            "where": "Part I",
            "ratio": "time with NumPy / time with `math`",
            "predicate": predicate,
        }
        found = {
            "claim": "OU-01a",
            "ratio": Interval(1.9, 1.8, 2.0, 5),
            "value": None,
            "cause": None,
        }
        claim |= {key: value for key, value in changes.items() if key in claim}
        found |= {key: value for key, value in changes.items() if key in ("cause", "value")}
        if "measured" in changes:
            found["ratio"] = changes["measured"]
        show.verdict_card(SimpleNamespace(verdict=verdict, **found), SimpleNamespace(**claim))
        return shown[-1][0]["text/html"]

    @pytest.mark.parametrize("verdict", show.BADGES)
    def test_the_verdict_is_said_by_word_and_symbol_not_by_colour_alone(self, shown, verdict):
        assert f"{show.BADGES[verdict]} {verdict}</span>" in self.card(shown, verdict)

    def test_text_of_others_is_escaped(self, shown):
        html = self.card(shown, "inconclusive", cause="<script>")
        assert "<code>math</code> is &lt;b&gt;faster&lt;/b&gt;" in html
        assert "text 4× &amp; more" in html
        assert "<dt>Because</dt><dd>&lt;script&gt;</dd>" in html

    def test_ratio_bound_and_source_are_in_words(self, shown):
        html = self.card(shown)
        assert "<strong>1.90× [1.80, 2.00]</strong>, time with NumPy" in html
        assert "the whole interval is at least 1.05×" in html
        assert "(ou18, Part I)" in html

    def test_a_claim_that_was_not_run_has_no_measured_row(self, shown):
        html = self.card(shown, "not run", measured=None, predicate=None, cause="no chapter yet")
        assert "Measured here" not in html
        assert "Holds if" not in html
        assert "no chapter yet" in html

    def test_a_finding_without_ratio_is_shown(self, shown):
        html = self.card(shown, measured=None, value="3 of 9 calls held it")
        assert "<dd>3 of 9 calls held it</dd>" in html

    def test_a_verdict_on_another_claim_is_refused(self, shown):
        with pytest.raises(ValueError, match="OU-01a does not belong to claim OU-02"):
            self.card(shown, id="OU-02")


@pytest.mark.parametrize("kind", ["at_least", "at_most", "equivalent", "exact"])
def test_every_kind_of_bound_has_words(kind):
    bound = None if kind == "exact" else 1.25
    words = show.bound_in_words(SimpleNamespace(kind=kind, bound=bound, reason="so they say"))
    assert words.endswith("(so they say)")
    assert "None" not in words


def test_an_empty_sentence_is_refused():
    with pytest.raises(ValueError, match="nothing to display"):
        show.say(" ")
