"""The quotient of CPU time and wall time is read for each model, in fresh processes."""

from math import exp

import pytest

from unlocked.inference import as_it_comes
from unlocked.inference.as_it_comes import Busy


def test_each_prediction_is_read_in_every_process():
    asked = [{"name": "bayes", "rows": n} for n in (5, 50)]
    found = as_it_comes.busy(asked, processes=1)
    assert [len(process) for process in found.readings] == [2]
    assert all(0 < reading < 2 for process in found.readings for reading in process)


def test_one_process_is_one_number():
    found = Busy(readings=[[1.0, exp(0.1)], [1.0, exp(0.3)]])
    assert found.interval(0).estimate == pytest.approx(1.0)
    assert found.interval(1).estimate == pytest.approx(exp(0.2))
    assert found.interval(1).processes == 2
