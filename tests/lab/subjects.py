"""Candidates for the tests of the lab, importable by a measuring process."""

import os
import signal
import sys
import time
from typing import Any

import joblib


def inputs(n: int, fail: bool = False) -> dict[str, Any]:
    if fail:
        raise RuntimeError("no inputs today")
    return {"values": list(range(n))}


def slow(values: list[int]) -> int:
    time.sleep(0.01)
    return sum(values)


def fast(values: list[int]) -> int:
    return sum(values)


def wrong(values: list[int]) -> int:
    return sum(values) + 1


def nearly(values: list[int]) -> float:
    return sum(values) * (1 + 1e-9)


def exactly(values: list[int]) -> float:
    return float(sum(values))


def talkative(values: list[int]) -> int:
    print("{not json}")
    os.write(1, b"neither is this\n")
    return sum(values)


def suicidal(values: list[int]) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def positive(answer: int, inputs: dict[str, Any]) -> None:
    assert answer > 0, f"{answer} is not positive"


def in_a_pool(values: list[int]) -> int:
    return joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(burn)() for _ in range(2))[0]


def burn() -> int:
    until = time.process_time() + 0.15
    while time.process_time() < until:
        pass
    return 0


def zero(values: list[int]) -> int:
    return 0


def forever(values: list[int]) -> int:
    joblib.Parallel(n_jobs=2, backend="loky")(joblib.delayed(sleep_long)() for _ in range(2))
    return 0


def sleep_long() -> None:
    print("asleep", file=sys.stderr, flush=True)
    time.sleep(600)


def burn_one(values: list[int]) -> int:
    return burn()


def big(values: list[int]) -> int:
    return 10**30


def bigger(values: list[int]) -> int:
    return 10**30 + 1
