"""Parameters cells, what they refuse, and how values reach them."""

from pathlib import Path

import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from unlocked.book.parameters import (
    ParameterError,
    check_parameters,
    coerce_all,
    parse_parameters,
    with_values,
)

CELL = """\
# what a reader may change
num_steps: int = 100_000  # steps of one path; up to memory; [1, inf)
dt: float = 0.1  # step of time; (0, 1]
lags: list[int] = [1, 2]  # lags; [1, 100]
verbose: bool = False  # say more
label: str = "a"  # printed in the title
results: str = ""  # folder of the store; empty for a temporary one
"""


@pytest.fixture
def declared():
    return parse_parameters(CELL)


def namespace(injected=""):
    """The globals of a notebook that executed the parameters cell and papermill's."""
    cells = ["", CELL, *([f"# Parameters\n{injected}"] if injected else [])]
    made = {"In": [*cells, "check_parameters(globals())"]}
    for source in cells:
        exec(source, made)
    return made


def test_a_cell_declares_names_types_defaults_descriptions_and_ranges(declared):
    assert list(declared) == ["num_steps", "dt", "lags", "verbose", "label", "results"]
    steps = declared["num_steps"]
    assert (steps.type, steps.default) == ("int", 100_000)
    assert steps.description == "steps of one path; up to memory"
    assert steps.allowed == "an int in [1, inf)"
    assert declared["lags"].allowed == "a list of one or more int values in [1, 100]"
    assert declared["label"].allowed == "a str"


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("num_steps", 1e6, 1_000_000),
        ("num_steps", "1e6", 1_000_000),
        ("num_steps", "200_000", 200_000),
        ("dt", 1, 1.0),
        ("dt", "0.5", 0.5),
        ("lags", "[1, 3e1]", [1, 30]),
        ("lags", [2.0], [2]),
        ("verbose", "false", False),
        ("verbose", "True", True),
        ("verbose", True, True),
        ("label", "5", "5"),
        ("label", "", ""),
    ],
)
def test_values_are_brought_to_their_type_where_nothing_is_lost(declared, name, given, value):
    coerced = coerce_all(declared, {name: given})[name]
    assert coerced == value
    assert type(coerced) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *(("num_steps", value) for value in (0, -5, 2.5, True, None, "many", "nan", "inf", "[3]")),
        *(("num_steps", value) for value in (float("nan"), float("inf"), "")),
        *(("dt", value) for value in (0, 0.0, -0.1, 1.5, "nan", float("nan"), False)),
        *(("lags", value) for value in ([], [0], [1, 101], ["x"], 5, "5", [1.5])),
        *(("verbose", value) for value in (1, "maybe", 0.0)),
        *(("label", value) for value in (5, None, True)),
    ],
)
def test_other_values_are_refused_with_what_is_allowed(declared, name, given):
    with pytest.raises(ParameterError) as refusal:
        coerce_all(declared, {name: given})
    assert str(refusal.value).startswith(f"{name} = ")
    assert declared[name].allowed in str(refusal.value)


def test_an_unknown_name_is_refused_with_the_nearest_one(declared):
    with pytest.raises(ParameterError, match="num_step: did you mean num_steps"):
        coerce_all(declared, {"num_step": 5})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("n = 5  # how many; [1, 9]", "no declaration"),
        ("n: int  # how many; [1, 9]", "has a value"),
        ("n: int = 5", "a description and a range"),
        ("n: int = 5  # how many", "a description and a range"),
        ("n: int = 5  # how many; 1 to 9", "no range"),
        ("n: int = 5  # how many; [9, 1]", "empty"),
        ("n: int = 0  # how many; [1, 9]", "an int in [1, 9]"),
        ("n: int = 2.5  # how many; [1, 9]", "an int in [1, 9]"),
        ('n: int = "5"  # how many; [1, 9]', "text"),
        ("n: int = 2 + 3  # how many; [1, 9]", "no literal"),
        ("n: int = len([1])  # how many; [1, 9]", "no literal"),
        ("n: tuple = (1, 2)  # some", "none of int, float, bool, str"),
        ("n: int | None = None  # some; [1, 9]", "none of int, float, bool, str"),
        ("n: list[dict] = []  # some", "none of int, float, bool, str"),
        ("b: bool = True", "a description"),
        ("b: bool = True  # b\nb: bool = False  # b", "twice"),
        ("b: bool = True; c: bool = False  # b", "line"),
        ("import os", "no declaration"),
        ("b: bool = (", "does not parse"),
    ],
)
def test_a_cell_that_breaks_the_form_is_an_error(line, reason):
    with pytest.raises(ParameterError) as error:
        parse_parameters(f'{line}\nresults: str = ""  # folder of the store\n')
    assert reason in str(error.value)


def test_a_cell_must_declare_the_store():
    with pytest.raises(ParameterError, match='must declare results: str = ""'):
        parse_parameters("b: bool = True  # b\n")


def test_the_literals_of_a_cell_can_be_replaced():
    text = with_values("é: str = 'é'; x: int = 1\n" + CELL, {"x": 2, "é": "ü", "lags": [7]})
    assert text.startswith("é: str = 'ü'; x: int = 2\n")
    assert "lags: list[int] = [7]  # lags; [1, 100]\n" in text
    assert text.count("\n") == CELL.count("\n") + 1


def test_checking_writes_the_coerced_values_back():
    notebook = namespace('num_steps = 2e5\nverbose = "false"\ndt = 1\nlags = "[3]"')
    check_parameters(notebook)
    assert notebook["num_steps"] == 200_000
    assert notebook["verbose"] is False
    assert type(notebook["num_steps"]) is int
    assert type(notebook["dt"]) is float
    assert notebook["lags"] == [3]


def test_checking_without_injected_parameters_keeps_the_defaults():
    notebook = namespace()
    check_parameters(notebook)
    assert notebook["num_steps"] == 100_000


@pytest.mark.parametrize(
    ("injected", "message"),
    [
        ("num_step = 5", "did you mean num_steps"),
        ("num_steps = 0", r"an int in \[1, inf\)"),
        ("num_steps = -1", r"an int in \[1, inf\)"),
        ("num_steps = float('nan')", r"an int in \[1, inf\)"),
        ('num_steps = "many"', r"an int in \[1, inf\)"),
    ],
)
def test_checking_refuses_what_the_runner_refuses(injected, message):
    with pytest.raises(ParameterError, match=message):
        check_parameters(namespace(injected))


def test_checking_before_the_parameters_cell_says_what_to_run():
    with pytest.raises(ParameterError, match="run the cell tagged parameters"):
        check_parameters({"In": ["", "check_parameters(globals())"]})


def test_an_edited_parameters_cell_counts_as_it_was_last_executed():
    notebook = namespace()
    notebook["In"].append(CELL.replace("100_000", "7"))
    notebook["num_steps"] = 7
    check_parameters(notebook)
    assert notebook["num_steps"] == 7


@pytest.mark.parametrize(
    ("given", "message"),
    [({"siz": 5}, "did you mean size"), ({"size": 0}, "an int in [1, 1_000_000]")],
)
def test_plain_papermill_is_refused(toy, tmp_path: Path, given, message):
    notebook = toy.book.notebooks / "01-first.ipynb"
    with pytest.raises(PapermillExecutionError) as error:
        papermill.execute_notebook(
            notebook, tmp_path / "out.ipynb", given, progress_bar=False, cwd=tmp_path
        )
    assert error.value.ename == "ParameterError"
    assert message in error.value.evalue


def test_plain_papermill_takes_an_integer_written_as_a_float(toy, tmp_path: Path):
    notebook = toy.book.notebooks / "01-first.ipynb"
    papermill.execute_notebook(
        notebook, tmp_path / "out.ipynb", {"size": 1e6}, progress_bar=False, cwd=tmp_path
    )
    assert toy.measured() == ["1000000+1"]
    assert not (toy.root / "data").exists()
