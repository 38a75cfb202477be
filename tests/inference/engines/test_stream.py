"""Calls see different rows, one batch after the other."""

import numpy as np
import pytest
from tests.inference.engines import subjects

from unlocked.inference.engines import stream, timed
from unlocked.inference.engines.engine import Recipe
from unlocked.inference.engines.table import Case, times
from unlocked.lab.timing import call

SUBJECTS = "tests.inference.engines.subjects"
MODEL = call(f"{SUBJECTS}:model").model_dump()


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Artefacts made in this process go to a temporary folder."""
    monkeypatch.setattr("unlocked.inference.engines.artefacts.FOLDER", tmp_path)


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_batches_follow_one_another_and_begin_again(batch):
    given = stream.inputs(
        f"{SUBJECTS}:convert", MODEL, call(f"{SUBJECTS}:rows", count=7).model_dump(), batch
    )
    whole = subjects.model().predict_proba(subjects.rows(7))
    places = [*range(0, 7 - batch + 1, batch)] * 2
    for place in places:
        np.testing.assert_allclose(stream.answer(**given), whole[place : place + batch], rtol=1e-12)


def test_the_first_answer_is_checked():
    rows = call(f"{SUBJECTS}:rows", count=4).model_dump()
    given = stream.inputs(f"{SUBJECTS}:convert", MODEL, rows, 2)
    answer = stream.answer(**given)
    timed.check_close(answer, given)
    timed.check_exact(answer, given)
    with pytest.raises(AssertionError):
        timed.check_close(stream.answer(**given), given)
    with pytest.raises(AssertionError):
        timed.check_exact(np.nextafter(answer, 2), given)


def test_small_cases_go_through_as_many_rows_as_the_largest_has(monkeypatch):
    asked = {}
    monkeypatch.setattr(
        "unlocked.inference.engines.table.compare_under",
        lambda environment, candidates, *args, **rest: asked.update(candidates),
    )
    for most in (1, 50, 5_000):
        cases = [Case(model="model", engine="own", rows=n) for n in {1, most}]
        recipe = Recipe(f"{SUBJECTS}:convert")
        rows = {"model": call(f"{SUBJECTS}:rows")}
        times(cases, {"own": recipe}, {"model": call(f"{SUBJECTS}:model")}, rows, 1, 1)
        given = asked["model | own | 1"].inputs.arguments
        assert given["batch"] == 1
        assert given["rows"]["arguments"]["count"] == min(most, stream.ROWS)
