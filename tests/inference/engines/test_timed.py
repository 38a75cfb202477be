"""No timing without equality: a deliberately wrong engine is refused before it is timed."""

import numpy as np
import pytest

from unlocked.inference.engines import timed
from unlocked.inference.engines.engine import ENGINES, Recipe
from unlocked.inference.engines.table import Case, break_even, pays_after, times
from unlocked.lab.intervals import Interval
from unlocked.lab.timing import MeasurementError, call

SUBJECTS = "tests.inference.engines.subjects"
MODELS = {"model": call(f"{SUBJECTS}:model")}
ROWS = {"model": call(f"{SUBJECTS}:rows")}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Artefacts made in this process go to a temporary folder."""
    monkeypatch.setattr("unlocked.inference.engines.artefacts.FOLDER", tmp_path)


def compared(recipe):
    """The tests' own engine beside scikit-learn."""
    recipes = {"sklearn": ENGINES["sklearn"].recipe, "own": recipe}
    cases = [Case(model="model", engine=short, rows=n) for n in (1, 20) for short in recipes]
    return times(cases, recipes, MODELS, ROWS, processes=1, rounds=1)


def test_an_equal_engine_is_timed():
    found = compared(Recipe(f"{SUBJECTS}:convert", options={"how": "nearly"}))
    assert found.names == [
        f"model | {short} | {n}" for n in (1, 20) for short in ("sklearn", "own")
    ]
    assert found.median("model | own | 20") > 0


def test_a_wrong_engine_is_refused_and_nothing_is_timed():
    with pytest.raises(MeasurementError, match=r"model \| own \| 1.*values differ by more than"):
        compared(Recipe(f"{SUBJECTS}:convert", options={"how": "wrongly"}))


def test_an_engine_that_is_to_be_exact_is_refused_for_its_last_bits():
    with pytest.raises(MeasurementError, match="values differ"):
        compared(Recipe(f"{SUBJECTS}:convert", exact=True, options={"how": "nearly"}))


def test_each_candidate_has_rows_of_its_own():
    literals = [MODELS["model"].model_dump(), call(f"{SUBJECTS}:rows", count=3).model_dump()]
    one, other = (timed.inputs(f"{SUBJECTS}:convert", *literals) for _ in range(2))
    assert not np.shares_memory(one["rows"], other["rows"])
    np.testing.assert_array_equal(one["rows"], other["rows"])


def test_rows_of_a_file_are_the_first_ones(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.arange(12.0).reshape(6, 2))
    np.testing.assert_array_equal(timed.rows_from(str(path), 2), [[0, 1], [2, 3]])
    with pytest.raises(ValueError, match="of at least 7 rows is needed"):
        timed.rows_from(str(path), 7)


def test_break_even_by_hand():
    assert break_even(3.0, before=0.2, after=0.1) == 30
    assert break_even(1e-9, before=0.2, after=0.1) == 1
    assert break_even(3.0, before=0.1, after=0.1) is None


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(1.9, 2.1, "30 calls"), (0.9, 2.1, "not surely"), (0.8, 0.9, "never")],
)
def test_a_conversion_pays_where_the_whole_interval_says_so(low, high, words):
    ratio = Interval(estimate=2.0, low=low, high=high, processes=5)
    assert pays_after(3.0, before=0.2, after=0.1, speedup=ratio) == words
