import subprocess
import sys

import pytest

from unlocked.inference.engines.engine import ENGINES, Engine, Recipe, engine, families

HEAVY = ("torch", "onnxruntime", "onnx", "skl2onnx", "hummingbird", "treelite", "tl2cgen", "river")


def test_looking_at_the_list_imports_no_engine():
    code = (
        "import sys\nfrom unlocked.inference.engines import engine\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_engine_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no engine 'tensorrt'.*onnxruntime"):
        engine("tensorrt")


def test_what_is_not_installed_is_named_with_the_command_that_mends_it():
    absent = Engine("Nobody's", Recipe("nobody:convert", ("no_such_package",)), "pip install it")
    assert absent.missing() == "not installed (no_such_package): pip install it"
    with pytest.raises(ValueError, match="Nobody's: not installed"):
        absent.convert(None)


def test_a_gpu_that_is_not_there_is_a_reason(monkeypatch):
    monkeypatch.setattr("unlocked.inference.engines.engine._may_have_gpu", lambda: False)
    assert engine("hummingbird-cuda").missing() == "there is no NVIDIA GPU here"
    assert engine("hummingbird-torch").missing() is None


def test_names_are_told_apart():
    assert len({each.name for each in ENGINES.values()}) == len(ENGINES)


def test_families_hold_what_is_here_by_library():
    found = families()
    assert set(found["scikit_learn"]) == {"sklearn", "sklearn-unchecked"}
    here = {short for short, each in ENGINES.items() if each.missing() is None}
    assert {short for family in found.values() for short in family} == here
