"""Each part of a one-row prediction hands on what the whole does at that point."""

import numpy as np
import pytest

from unlocked.inference import models, one_row


@pytest.fixture(autouse=True)
def own_models(monkeypatch, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "models"
    monkeypatch.setattr(models, "MODELS", folder)


@pytest.mark.parametrize(
    ("name", "part"),
    [(name, part) for name, parts in one_row.PARTS.items() for part in (*parts, one_row.IN_A_ROW)],
)
def test_a_part_hands_on_what_the_whole_does(name, part):
    given = one_row.inputs(name, part, repeats=2)
    one_row.check(one_row.run(**given), given)


def test_the_arithmetic_is_right_for_any_row():
    rows, _ = models.draw(300, seed=9)
    for name, answer in (("bayes", "predict"), ("logistic", "decision_function")):
        model = models.get(name)
        once = one_row.PARTS[name]["arithmetic"].prepare(model, rows)
        np.testing.assert_array_equal(once(), getattr(model, answer)(rows))


def test_a_part_that_hands_on_something_else_is_refused():
    given = one_row.inputs("bayes", "arithmetic", repeats=1)
    with pytest.raises(AssertionError):
        one_row.check(1 - given["expected"], given)
    with pytest.raises(AssertionError):
        one_row.check(given["expected"].astype(float), given)


def test_parts_that_lie_within_others_do_not_count_twice():
    assert "descents" not in one_row.adding_up("forest")
    assert one_row.WHOLE not in one_row.adding_up("bayes")
    assert set(one_row.WITHIN.values()) <= set(one_row.adding_up("forest"))
