import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.book.prose import read, split, typed_timings

UNITS = ["ns", "µs", "us", "ms", "s", "sec", "seconds", "milliseconds", "min", "minutes", "hours"]
CITATIONS = ["{cite}`ou18`", "{cite:p}`ou18`", "[the talk](https://example.org/talk)"]


def timings(markdown):
    return [timing.text for timing in typed_timings(read(markdown))]


@pytest.mark.parametrize(
    "sentence",
    [
        "It takes 5 ms.",
        "It takes 5 µs or less.",
        "The loop ran for 1.25 s.",
        "It took 100 000 ns.",
        "It took 5\u202f000 ns.",
        "Waiting for 10s is too long.",
        "Done after two seconds.",
        "A 20-second run.",
        "The new one is 50× faster.",
        "It is 62× here.",
        "That gave 4x.",
        "Numba is 30 times faster.",
        "Numba is thirty times as fast.",
        "It is twice as fast.",
        "It needs half the time.",
        "A tenfold gain, or a 10-fold one.",
        "It wins by a factor of 3.",
        "A speed-up of 1.9 on two cores.",
        "Threads are 12 % slower.",
        "It serves 2 860 requests/s.",
        "It serves 28.6 requests per second.",
        "It is two orders of magnitude faster.",
    ],
)
def test_a_typed_timing_is_found(sentence):
    assert timings(f"Something first. {sentence}")
    assert timings(f"# {sentence}")
    assert timings(f"- {sentence}")
    assert timings(f"```{{note}}\n:class: tip\n{sentence}\n```")
    assert timings(f":::{{admonition}} {sentence}\nNothing.\n:::")
    assert timings(f"<p>{sentence}</p>")


@pytest.mark.parametrize(
    "sentence",
    [
        "Python 3.11 is enough.",
        "Twenty thousand rows of ten columns (20 000 × 10).",
        "Repeat it five times.",
        "The 95 % interval covers.",
        "From 1 to 2×cores threads, or 2× cores.",
        "A 5-fold cross-validation.",
        "It holds 0s and 1s since the 1990s.",
        "The scaffold is manifold.",
        "Chapter 2 says more.",
        "Is it 50× faster, or 5 ms?",
        "A batch lasts `10 ms`.",
        "The error is $5\\,\\mathrm{ms}$.",
        "See https://example.org/5s/10ms for it.",
        "It uses 5 MB in 2 shards.",
        "On a logarithmic axis, twice as fast and twice as slow lie equally far from one.",
    ],
)
def test_what_is_no_typed_timing_passes(sentence):
    assert not timings(sentence)


@pytest.mark.parametrize(
    "block",
    [
        "```python\ntime.sleep(5)  # 5 s\n```",
        "```{code-block} text\n5 ms\n```",
        "    5 ms",
        "$$\n5 s\n$$",
        "% it takes 5 ms",
        "<!-- it takes 5 ms -->",
    ],
)
def test_code_mathematics_and_comments_are_no_prose(block):
    assert not timings(f"Text.\n\n{block}\n\nMore text.")


@pytest.mark.parametrize("citation", CITATIONS)
def test_a_citation_excuses_its_own_sentence_alone(citation):
    assert not timings(f"The source printed 5 ms {citation}.")
    assert not timings(f"The source printed 5 ms. {citation}")
    assert not timings(f"The source, {citation}, printed 5 ms on 2 cores, e.g. Linux.")
    assert timings(f"It took 5 ms. The source {citation} says more.")
    assert timings(f"The source {citation} is old. It took 5 ms.")
    assert timings(f"{citation} is old.\n\nIt took 5 ms.")


def test_a_textual_citation_belongs_to_the_sentence_that_it_opens():
    assert timings("It took 5 ms. {cite:t}`ou18` disagree.")


def test_markup_hides_no_timing():
    assert timings("It takes **5** ms, *twice*&nbsp;as fast.") == ["5 ms"]
    assert timings("It is *twice*&nbsp;as fast.")


def test_a_link_inside_the_book_is_no_citation():
    assert timings("In [the next chapter](02-kernels.ipynb) it takes 5 ms.")


def test_a_row_of_a_table_is_one_sentence():
    table = "| what | time | source |\n|---|---|---|\n| loop | 5 ms | {} |"
    assert timings(table.format("ours"))
    assert not timings(table.format("{cite}`ou18`"))


def test_the_line_of_a_timing_is_that_of_its_paragraph():
    found = typed_timings(read("One.\n\nTwo.\n\n```{note}\n:class: tip\n\nIt takes 5 ms.\n```"))
    assert [timing.sentence.line for timing in found] == [8]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two. Three.", 3),
        ("Version 3.11 is 1.5 newer.", 1),
        ("See e.g. Numba, cf. Fig. 3 and approx. 5 others, i.e. A. Ingargiola et al. Then.", 1),
        ("It stops! Really? Yes.", 3),
        ('He said "so." Then he left.', 2),
        ("It ended at 5. Then it rained.", 2),
        ("It waits … and goes on.", 1),
        ("", 0),
    ],
)
def test_sentences_are_split_at_their_ends(text, count):
    assert len(split(text)) == count


WORDS = st.lists(st.sampled_from(["the", "loop", "waits", "for", "its", "data"]), min_size=1)


@given(WORDS, WORDS, st.floats(0.1, 1e6), st.sampled_from(UNITS), st.sampled_from(CITATIONS))
def test_any_number_with_a_unit_of_time_needs_a_citation(before, after, number, unit, citation):
    sentence = f"{' '.join(before)} {number:.2f} {unit} {' '.join(after)}"
    assert timings(f"First. {sentence.capitalize()}. Last.")
    assert not timings(f"First. {sentence.capitalize()} {citation}. Last.")


@given(st.text("ab c.!?(\n)*_`[]{}:", max_size=60))
def test_splitting_loses_no_words(text):
    assert "".join("".join(split(text)).split()) == "".join(text.split())


@given(st.text(max_size=80))
def test_any_markdown_can_be_read(text):
    read(text)


def test_images_links_and_anchors_are_found():
    prose = read(
        "(label)=\n# The *best* Title!\n\n![finding](a.svg) ![](b.svg) [x](c.md#d) {doc}`e <f>`\n\n"
        "```{figure} g.svg\n:alt: words\n:name: fig-g\nCaption.\n```\n\n<img src='h.png' alt=''>"
    )
    assert [(image.target, image.alt) for image in prose.images] == [
        ("a.svg", "finding"),
        ("b.svg", ""),
        ("g.svg", "words"),
        ("h.png", ""),
    ]
    assert {link.target for link in prose.links} >= {"a.svg", "c.md#d", "f", "g.svg", "h.png"}
    assert prose.anchors == {"label", "the-best-title", "fig-g"}
