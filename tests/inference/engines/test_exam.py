"""What an engine must pass, and that one that is wrong does not."""

import time

import pytest

from unlocked.inference.engines.engine import ENGINES, Recipe
from unlocked.inference.engines.exam import LONGEST, Exam, at_most, exams, exams_here, shortened
from unlocked.lab.timing import call

SUBJECTS = "tests.inference.engines.subjects"


def examined(limit=10.0, **options):
    """The exam of the tests' own engine, in this process."""
    recipes = {"own": {"converter": f"{SUBJECTS}:convert", "options": options}}
    cases = {
        "model": (call(f"{SUBJECTS}:model").model_dump(), call(f"{SUBJECTS}:rows").model_dump())
    }
    return Exam.model_validate_json(exams_here(recipes, cases, limit)["own"]["model"])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("unlocked.inference.engines.artefacts.FOLDER", tmp_path)
    monkeypatch.setattr("unlocked.inference.engines.exam.take_descendants_along", lambda: None)
    return tmp_path


@pytest.mark.parametrize("how", ["rightly", "nearly"])
def test_an_equal_engine_passes_and_its_artefacts_are_kept(how, elsewhere):
    found = examined(how=how)
    assert found.passed
    assert found.conversion >= 0
    (kept,) = elsewhere.glob("engines/*/artefact")
    assert kept.read_text() == how


def test_a_wrong_engine_does_not_pass():
    found = examined(how="wrongly")
    assert not found.passed
    assert found.agreement.beyond == 20
    assert found.words.startswith("not equal in 20 of 20 rows, by up to 0.001")


def test_a_refusal_is_a_reason():
    assert examined(refuse=True).words == "not run: no reason but this one"


def test_an_engine_that_fails_is_a_reason():
    found = examined(how="failing")
    assert found.reason == "conversion failed: RuntimeError: this line has more than three words"


def test_a_prediction_that_fails_is_a_reason():
    found = examined(how="predicting badly")
    assert found.reason == "prediction failed: ZeroDivisionError: division by zero"


def test_a_conversion_that_takes_too_long_is_a_reason():
    start = time.perf_counter()
    assert examined(how="slowly", limit=0.05).reason == "conversion took too long"
    assert time.perf_counter() - start < 4


def test_time_is_not_up_before_it_is():
    with at_most(5.0):
        time.sleep(0.01)
    with pytest.raises(TimeoutError, match=r"more than 0\.01 s"), at_most(0.01):
        time.sleep(5)


def test_a_long_error_is_shortened():
    assert len(shortened(ValueError("one two three four " * 100))) <= LONGEST + 2
    assert shortened(ValueError("short")) == "ValueError: short"


def test_a_real_engine_in_a_fresh_process():
    source = "unlocked.inference.engines.source_forest"
    forest = {"trees": 3, "depth": 3, "rows": 100, "features": 5, "seed": 1}
    found = exams(
        {"unchecked": ENGINES["sklearn-unchecked"].recipe},
        {"forest": call(f"{source}:model", **forest)},
        {"forest": call(f"{source}:first_rows", count=100, **forest)},
    )
    assert found["unchecked"]["forest"].words == "equal"


def test_a_recipe_is_all_that_an_exam_needs():
    assert Recipe("module:convert") == Recipe(**Recipe("module:convert").__dict__)
