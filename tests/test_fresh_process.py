import os
import subprocess
import sys

import pytest

from unlocked import fresh_process
from unlocked.fresh_process import FreshProcessError, call_fresh, can_pin


def test_the_answer_comes_from_another_process():
    assert call_fresh("os:getpid") != os.getpid()
    assert call_fresh("os:getppid") == os.getpid()


def test_arguments_and_variables_arrive():
    assert call_fresh("json:dumps", {"obj": [1, 2]}) == "[1, 2]"
    told = {"UNLOCKED_TEST": "seven"}
    assert call_fresh("os:getenv", {"key": "UNLOCKED_TEST"}, told) == "seven"
    assert call_fresh("os:getenv", {"key": "UNLOCKED_TEST"}) is None


def test_what_the_function_prints_does_not_disturb_the_answer():
    assert call_fresh("builtins:print", {"sep": "x"}) is None


def test_an_error_of_the_function_is_named():
    with pytest.raises(FreshProcessError, match="json:loads: JSONDecodeError: Expecting value"):
        call_fresh("json:loads", {"s": "no"})


def test_the_death_of_the_process_is_told():
    with pytest.raises(FreshProcessError, match=r"the process died \(exit 3\)"):
        call_fresh("os:_exit", {"status": 3})


@pytest.mark.skipif(not can_pin(), reason="this system pins no process to cores")
def test_a_process_can_be_held_to_one_core():
    assert call_fresh("joblib:cpu_count", cores=1) == 1


@pytest.mark.skipif(not can_pin(), reason="this system pins no process to cores")
@pytest.mark.parametrize("cores", [-1, 100_000])
def test_cores_that_are_not_there_are_refused(cores):
    with pytest.raises(ValueError, match=f"{cores} cores asked for: this process may use 1 to"):
        call_fresh("os:getpid", cores=cores)


def test_a_system_that_pins_nothing_says_so(monkeypatch):
    monkeypatch.setattr(fresh_process, "can_pin", lambda: False)
    with pytest.raises(ValueError, match="pins no process to cores: leave cores at 0"):
        call_fresh("os:getpid", cores=1)


def test_nothing_that_counts_cores_is_loaded_before_the_process_is_held_to_its_own():
    loaded = "import sys, unlocked.fresh_process; print({'numpy', 'numba'} & set(sys.modules))"
    finished = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True)
    assert finished.stdout.strip() == "set()"
