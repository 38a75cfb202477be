"""How many cores a prediction keeps busy where nobody tells idle threads to sleep.

The threads of BLAS and OpenMP spin for a while after a call, and would be charged to whatever runs
next. So each model is asked alone, after a pause that is longer than they spin.
"""

import time
from math import log
from typing import Any

import numpy as np
from pydantic import BaseModel

from unlocked.fresh_process import call_fresh
from unlocked.inference import models
from unlocked.inference.predict import limited
from unlocked.lab.intervals import Interval, ratio_interval

PAUSE_SECONDS = 0.2
ASK_SECONDS = 0.2


class Busy(BaseModel):
    """CPU seconds a second, ``readings[process][place]``, in the order of what was asked."""

    readings: list[list[float]]

    def interval(self, place: int) -> Interval:
        """How many cores were busy on average, one number a fresh process."""
        return ratio_interval([log(process[place]) for process in self.readings])


def busy(asked: list[dict[str, Any]], processes: int) -> Busy:
    """Read the quotient of each prediction in fresh processes.

    Parameters
    ----------
    asked : list of dict
        Arguments of :func:`unlocked.inference.models.inputs`.
    """
    target = "unlocked.inference.as_it_comes:readings"
    return Busy(readings=[call_fresh(target, {"asked": asked}) for _ in range(processes)])


def readings(asked: list[dict[str, Any]]) -> list[float]:
    """Predict again and again in this process; CPU seconds a second of each prediction.

    Raises
    ------
    AssertionError
        Where labels differ from those that one thread predicts.
    """
    found = []
    for arguments in asked:
        given = models.inputs(**arguments)
        expected = limited(**given, threads=1)
        np.testing.assert_array_equal(given["model"].predict(given["rows"]), expected)
        time.sleep(PAUSE_SECONDS)
        found.append(_cpu_per_second(**given))
    return found


def _cpu_per_second(model: Any, rows: models.FloatArray) -> float:
    start, before = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < ASK_SECONDS:
        model.predict(rows)
    return (time.process_time() - before) / (time.perf_counter() - start)
