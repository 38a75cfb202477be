"""The gate, the staged notebooks, and the site that is built from them."""

import json
import re

import pytest
import yaml

from unlocked.book.pages import Book, BookError
from unlocked.book.stage import build, stage, stage_notebook

PATHS = re.compile("/home/reader")
FIGURE = """\
from IPython.display import display
svg = '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'
display({"image/svg+xml": svg}, raw=True, metadata={"alt": f"{size} squares & <more>"})"""
ANSWER = """\
from IPython.display import Markdown
Markdown(f"It is **{total}**, see [the other](02-second.ipynb).")"""


def made(source="1", *tags, outputs=(), kind="code", **metadata):
    """An executed cell."""
    cell = {"cell_type": kind, "id": "x", "source": source}
    cell["metadata"] = {"tags": list(tags), "papermill": {"duration": 1}, **metadata}
    return cell | ({"outputs": list(outputs), "execution_count": 1} if kind == "code" else {})


def shown(kind, value, **metadata):
    """An output."""
    return {"output_type": "display_data", "data": {kind: value}, "metadata": metadata}


def staged(*cells, values=None):
    """The cells of a staged notebook that was executed with these."""
    notebook = {"cells": cells, "metadata": {"papermill": {"input_path": "/home/reader/x"}}}
    return stage_notebook("02-kernels", notebook, values or {}, PATHS)["cells"]


def test_alt_text_moves_from_the_output_to_the_cell():
    figure = made(outputs=[shown("image/svg+xml", "<svg/>", alt="It is twice as fast.")])
    (cell,) = staged(figure)
    assert cell["metadata"]["mystnb"]["image"]["alt"] == "It is twice as fast."
    assert "papermill" not in cell["metadata"]


def test_alt_text_joins_what_the_cell_says_of_its_image():
    output = shown("image/png", "iVBO", alt="A finding.")
    (cell,) = staged(made(outputs=[output], mystnb={"image": {"width": "50%"}}))
    assert cell["metadata"]["mystnb"]["image"] == {"width": "50%", "alt": "A finding."}


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([shown("image/svg+xml", "<svg/>")], "has a figure without alt text"),
        ([shown("image/svg+xml", "<svg/>", alt="  ")], "has a figure without alt text"),
        ([shown("image/png", "", alt="a"), shown("image/svg+xml", "", alt="b")], "has 2 figures"),
        ([shown("text/plain", "in /home/reader/book")], "shows a path of this machine"),
        ([shown("text/html", ["<p>", "/home/reader/b</p>"])], "shows a path of this machine"),
    ],
)
def test_a_cell_that_breaks_a_rule_is_refused_and_named(outputs, message):
    with pytest.raises(BookError) as refusal:
        staged(made("# Title", kind="markdown"), made("draw()\nmore()", outputs=outputs))
    assert f"notebooks/02-kernels.ipynb, cell 2 (draw()) {message}" in str(refusal.value)


def test_what_libraries_print_to_stderr_is_dropped():
    warning = {"output_type": "stream", "name": "stderr", "text": "/home/reader/x.py: old"}
    (cell,) = staged(made(outputs=[warning, shown("text/plain", "4")]))
    assert [output["data"] for output in cell["outputs"]] == [{"text/plain": "4"}]


def test_injected_parameters_go_into_the_parameters_cell():
    parameters = made("n: int = 5  # how many; [1, 9]", "parameters")
    injected = made('n = 7\nresults = "/home/reader"', "injected-parameters")
    (cell,) = staged(parameters, injected, values={"n": 7})
    assert cell["source"] == "n: int = 7  # how many; [1, 9]"


@pytest.mark.parametrize("tagged", [True, False])
def test_the_answer_is_lifted_into_a_dropdown_after_the_guess(tagged):
    guess = made("What do you guess?", *(["predict"] if tagged else []), kind="markdown")
    answer = made("say()", "answer", outputs=[shown("text/markdown", ["It is ", "**4**."])])
    title, experiment = made("# Title", kind="markdown"), made("x = 2")
    cells = staged(title, guess, experiment, answer)
    assert len(cells) == 4
    lifted = cells[2 if tagged else 1]
    assert lifted["cell_type"] == "markdown"
    assert re.fullmatch(r"`{6}\{dropdown\} .+\nIt is \*\*4\*\*\.\n`{6}", lifted["source"])


def test_an_answer_without_markdown_is_refused():
    with pytest.raises(BookError, match="must show one Markdown output"):
        staged(made("say()", "answer", outputs=[shown("text/plain", "4")]))


def test_the_gate_names_pages_that_are_not_current_and_the_command(toy):
    with pytest.raises(BookError) as refusal:
        build(toy.book, toy.edition)
    assert "01-first was never executed" in str(refusal.value)
    assert str(refusal.value).endswith("python scripts/run.py 01-first 02-second")
    toy.run()
    toy.write("02-second", "store", text="Changed.")
    with pytest.raises(BookError) as refusal:
        build(Book(toy.root), toy.edition)
    assert "01-first" not in str(refusal.value)
    assert str(refusal.value).endswith("python scripts/run.py 02-second")
    with pytest.raises(BookError, match=r"01-first 02-second --profile smoke$"):
        build(Book(toy.root), toy.book.edition("smoke"))


def test_a_folder_that_is_no_site_is_not_replaced(toy, tmp_path):
    with pytest.raises(BookError, match="is no site"):
        build(toy.book, toy.edition, output=tmp_path)


def test_a_site_is_built_and_stands_until_something_changes(toy, capsys):
    toy.write(
        "01-first",
        'total = store.get("total", toy.add, left=size, right=1)',
        FIGURE,
        toy.cell(ANSWER, "answer"),
    )
    assert toy.run()[0] == 0
    build(toy.book, toy.edition)
    site = toy.root / "_build" / "html"
    page = (site / "notebooks" / "01-first.html").read_text()
    assert 'alt="3 squares &amp; &lt;more&gt;"' in page
    assert re.search(r"<details[^>]*>.*It is <strong>4</strong>", page, re.DOTALL)
    assert 'href="02-second.html"' in page
    assert (site / "book" / "about.html").exists()
    assert str(toy.root) not in "".join(
        file.read_text(errors="replace") for file in site.rglob("*") if file.is_file()
    )
    assert "built" in capsys.readouterr().out

    built = (site / "index.html").stat().st_mtime_ns
    build(toy.book, toy.edition)
    assert "nothing changed" in capsys.readouterr().out
    assert (site / "index.html").stat().st_mtime_ns == built

    (toy.root / "book" / "about.md").write_text("# About\n\n[nowhere](nowhere.md)\n")
    with pytest.raises(BookError) as red:
        build(toy.book, toy.edition)
    assert "book/about.md" in str(red.value)
    assert "WARNING" in str(red.value)
    assert (site / "index.html").stat().st_mtime_ns == built

    (toy.root / "book" / "about.md").write_text(f"# About\n\nIt lies in {toy.root}/book.\n")
    with pytest.raises(BookError, match=r"about.* shows a path of this machine"):
        build(toy.book, toy.edition)
    assert (site / "index.html").stat().st_mtime_ns == built


def test_buttons_need_the_repository_and_a_reference_says_so(toy, tmp_path, monkeypatch):
    toy.run()
    reference = toy.root / "data" / "reference" / "box"
    reference.parent.mkdir()
    toy.edition.results.rename(reference)
    told = {"machine": "a box", "date": "2026-01-02", "profile": "quick"}
    (reference / "reference.json").write_text(json.dumps(told))
    with pytest.raises(BookError, match="no reference bx: the references are: box"):
        toy.book.reference("bx")
    edition = toy.book.reference("box")
    assert toy.run(edition=edition)[0] == 0
    assert toy.measured() == ["3+1"]

    monkeypatch.setenv("UNLOCKED_REPOSITORY_URL", "https://github.com/nobody/toy")
    build(toy.book, edition)
    page = (toy.root / "_build" / "html" / "notebooks" / "02-second.html").read_text()
    assert "measured on a box, 2026-01-02" in page
    assert "https://github.com/nobody/toy" in page
    monkeypatch.delenv("UNLOCKED_REPOSITORY_URL")
    stage(toy.book, edition, tmp_path / "stage")
    config = yaml.safe_load((tmp_path / "stage" / "_config.yml").read_text())
    assert "repository" not in config
    assert "launch_buttons" not in config
    assert not config["html"]["use_repository_button"]
