import json

import pytest

from unlocked.book.lint import lint

PARAMETERS = 'num_steps: int = 10  # steps; [1, inf)\nresults: str = ""  # folder of the store\n'
SETUP = (
    "from unlocked.book.parameters import check_parameters\n\ncheck_parameters(globals())\n"
    "import matplotlib.pyplot as plt\nfrom unlocked import show\n"
)
FIGURE = "fig, ax = plt.subplots()\nshow.figure(fig, alt=f'{num_steps} steps')\n"


def code(source, *tags, **more):
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "source": source,
        **more,
    }


def markdown(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def clean_cells():
    return [
        markdown("# A chapter\n\nSee [the method](../book/method.md#turns) {cite}`ou18`."),
        code(PARAMETERS, "parameters"),
        code(SETUP, "setup"),
        code(FIGURE, "hide-input"),
    ]


@pytest.fixture
def book(tmp_path):
    """A clean book of one chapter and one page; call it to write the chapter anew."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "method.md").write_text("# Method\n\n## Turns\n\nIn turns.\n")
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: notebooks/01-toy\nchapters:\n- file: book/method\n"
    )
    (tmp_path / "README.md").write_text("# Toy\n\nRead [the chapter](notebooks/01-toy.ipynb).\n")

    def write(cells, **metadata):
        cells = [{"id": f"cell-{number}", **cell} for number, cell in enumerate(cells)]
        known = {"kernelspec": {"name": "python3"}, "language_info": {"name": "python"}}
        notebook = {"cells": cells, "metadata": {**known, **metadata}}
        text = json.dumps({**notebook, "nbformat": 4, "nbformat_minor": 5})
        (tmp_path / "notebooks" / "01-toy.ipynb").write_text(text)
        return tmp_path

    write(clean_cells())
    return write


def rules(root):
    return [(violation.rule, violation.cell) for violation in lint(root)]


def test_a_clean_book_passes(book):
    assert rules(book(clean_cells())) == []


def test_a_violation_names_file_cell_rule_and_what_to_do(book):
    cells = clean_cells()
    cells[3]["execution_count"] = 1
    (violation,) = lint(book(cells))
    assert str(violation) == (
        "notebooks/01-toy.ipynb, cell 4: stored-output: "
        "its output is stored: clear all outputs and save the notebook"
    )


@pytest.mark.parametrize(
    ("rule", "cell"),
    [
        ("stored-output", code("1", outputs=[{"output_type": "stream", "text": "1"}])),
        ("stored-output", code("1", execution_count=3)),
        ("cell-id", code("1", id="cell-0")),
        ("cell-id", code("1", id="")),
        ("syntax", code("def :")),
        ("alt-text", code("show.figure(fig)")),
        ("alt-text", code("show.figure(fig, alt='')")),
        ("alt-text", code("plt.plot([1, 2])")),
        ("alt-text", code("fig, ax = plt.subplots()\nax.plot([1])\nplt.show()")),
        ("alt-text", code("from matplotlib.figure import Figure\nFigure().subplots()")),
        ("alt-text", code("from IPython.display import SVG\nSVG('a.svg')")),
        ("alt-text", code("from unlocked.show import figure as draw\ndraw(fig)")),
        ("alt-text", markdown("Look: ![](../book/method.md)")),
        ("alt-text", markdown("```{figure} ../book/method.md\nA caption.\n```")),
        ("alt-text", markdown("<img src='../book/method.md'>")),
        ("typed-timing", markdown("Numba needs 5 ms.")),
        ("dead-link", markdown("[gone](03-gone.ipynb)")),
        ("dead-link", markdown("[gone](../book/method.md#gone)")),
        ("dead-link", markdown("[gone](#gone)")),
        ("dead-link", markdown("{doc}`gone`")),
        ("dead-link", markdown("![words](gone.svg)")),
        ("parameters", code(PARAMETERS, "parameters")),
    ],
)
def test_a_cell_that_breaks_a_rule_is_found(book, rule, cell):
    found = rules(book([*clean_cells(), cell]))
    expected = None if rule == "parameters" else 5
    assert found == [(rule, expected)]


@pytest.mark.parametrize(
    "cell",
    [
        code("%timeit -o pass\n!true"),
        code("%%bash\nplt.plot("),
        code("def draw(ax):\n    return plt.subplots()"),
        code("plt.rcParams.update({})"),
        code("show.figure(plt.figure(), alt=f'{1}')"),
        markdown("[here](#a-chapter) [there](../book/method.md) [out](https://example.org#x)"),
        markdown("{doc}`../book/method` {cite}`ou18` printed 5 ms."),
        markdown("(here)=\n## Twice\n\n[Here](here), [here](#here)."),
    ],
)
def test_a_cell_that_keeps_the_rules_passes(book, cell):
    assert rules(book([*clean_cells(), cell])) == []


def test_a_missing_parameters_cell_is_found(book):
    assert rules(book([cell for cell in clean_cells() if "num_steps: int" not in cell["source"]]))


@pytest.mark.parametrize("line", ["n = 3", "n: int = 3", "n: int = 3  # rows; [5, inf)"])
def test_parameters_that_do_not_parse_are_found(book, line):
    cells = clean_cells()
    cells[1]["source"] = f"{line}\n{PARAMETERS}"
    assert rules(book(cells)) == [("parameters", 2)]


def test_unchecked_parameters_are_found(book):
    cells = clean_cells()
    cells[2]["source"] = SETUP.replace("check_parameters(globals())", "")
    assert rules(book(cells)) == [("parameters", 2)]


def test_metadata_that_breaks_the_build_or_tells_of_a_run_is_found(book):
    assert rules(book(clean_cells(), kernelspec={"name": "venv"})) == [("kernelspec", None)]
    assert rules(book(clean_cells(), language_info={})) == [("kernelspec", None)]
    assert rules(book(clean_cells(), papermill={})) == [("stored-output", None)]


def test_a_file_that_is_no_notebook_is_found(book):
    root = book(clean_cells())
    (root / "notebooks" / "02-bad.ipynb").write_text("{")
    assert rules(root) == [("no-notebook", None)]


@pytest.mark.parametrize("name", ["README.md", "book/method.md"])
def test_pages_keep_the_rules_of_prose(book, name):
    root = book(clean_cells())
    with open(root / name, "a") as page:
        page.write("\nIt takes 5 ms. See [gone](gone.md).\n\n![](gone.svg)\n")
    found = {(violation.rule, str(violation.path)) for violation in lint(root)}
    assert found == {(rule, name) for rule in ("typed-timing", "dead-link", "alt-text")}


def test_generated_blocks_of_a_page_are_left_alone(book):
    root = book(clean_cells())
    with open(root / "README.md", "a") as page:
        page.write("\n<!-- figure -->\nIt takes 5 ms.\n<!-- /figure -->\n")
    assert rules(root) == []


def test_a_link_to_a_page_outside_the_contents_is_found(book):
    root = book([*clean_cells(), markdown("[draft](../book/draft.md)")])
    (root / "book" / "draft.md").write_text("# Draft\n")
    assert rules(root) == [("dead-link", 5)]


def test_readme_may_link_any_file(book):
    root = book(clean_cells())
    (root / "LICENSE").write_text("free")
    with open(root / "README.md", "a") as page:
        page.write("\n[Licence](LICENSE), [pages](book/), [data](data/)\n")
    assert [str(violation) for violation in lint(root)] == [
        "README.md, line 5: dead-link: the link to data/ leads nowhere: no such file"
    ]
