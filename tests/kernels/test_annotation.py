"""Cython's annotation tells Python objects from C."""

import pytest

from unlocked.extensions import EXTENSIONS
from unlocked.kernels.annotation import lines

LOOP = "x[i + 1] = x[i] * relax + diffuse * noise[i]"
UPDATE = "out[i + 1] = out[i] * relax + diffuse * noise[i]"


def score(function, source):
    (line,) = (
        line for line in lines(f"unlocked.kernels._ou:{function}") if line.source.strip() == source
    )
    return line.score


def test_types_and_missing_checks_take_python_out_of_the_loop():
    untyped = score("simulate_cython_untyped", LOOP)
    typed = score("simulate_cython_typed", LOOP)
    unchecked = score("simulate_cython_unchecked", LOOP)
    assert untyped > typed > unchecked == 0


def test_bounds_checks_are_all_that_is_left_of_python_in_the_update():
    assert score("update_cython_checked", UPDATE) > 0
    assert score("update_cython", UPDATE) == 0


def test_lines_are_those_of_the_file(capfd):
    text = EXTENSIONS["unlocked.kernels._ou"].source.read_text(encoding="utf-8").splitlines()
    found = lines("unlocked.kernels._ou:simulate_cython_unchecked")
    assert [line.source for line in found] == [text[line.number - 1] for line in found]
    assert found[0].source.startswith("def simulate_cython_unchecked(")
    assert found[-1].source.strip() == "return np.asarray(x)"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("unlocked.kernels.ou:update_python", "no compiled module: choose from .*kernels._ou"),
        ("unlocked.kernels._ou:absent", r"_ou.pyx defines no 'absent'"),
        ("unlocked.kernels._ou", "write unlocked.kernels._ou:function"),
    ],
)
def test_unknown_targets_are_refused(target, message):
    with pytest.raises(ValueError, match=message):
        lines(target)
