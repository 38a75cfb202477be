import os

import pytest

from unlocked.lab import environment
from unlocked.lab.environment import compare_under
from unlocked.lab.timing import MeasurementError, call, candidate


def test_a_comparison_finds_the_variables_and_this_process_keeps_its_own(monkeypatch):
    monkeypatch.setenv("UNLOCKED_TEST", "mine")
    monkeypatch.delenv("UNLOCKED_OTHER", raising=False)
    names = ("UNLOCKED_TEST", "UNLOCKED_OTHER")
    seen = {}

    def look(*arguments, **protocol):
        seen.update({name: os.environ.get(name) for name in names}, protocol=protocol)
        raise MeasurementError("failed")

    monkeypatch.setattr(environment, "compare", look)
    with pytest.raises(MeasurementError):
        compare_under(
            {"UNLOCKED_TEST": "theirs", "UNLOCKED_OTHER": "new"},
            {"told": candidate("os:getpid")},
            call("builtins:dict"),
            None,
            "told",
            rounds=3,
        )
    assert seen == {"UNLOCKED_TEST": "theirs", "UNLOCKED_OTHER": "new", "protocol": {"rounds": 3}}
    assert [os.environ.get(name) for name in names] == ["mine", None]
