import os
from functools import reduce
from operator import xor

import joblib
import pytest

from unlocked.lab.control import Control, cores_were_free, spin, spin_wide
from unlocked.lab.neighbour import busy_neighbour


@pytest.mark.parametrize(
    ("speedup", "threads", "cores", "free"),
    [
        (1.80, 2, 2, True),
        (1.79, 2, 2, False),
        (0.95, 2, 1, True),
        (1.8, 4, 2, True),
        (3.5, 4, 64, False),
        (3.6, 4, 64, True),
    ],
)
def test_free_means_nine_tenths_of_what_the_cores_allow(speedup, threads, cores, free):
    assert cores_were_free(speedup, threads, cores) is free


def xorshift(state: int, rounds: int) -> int:
    for _ in range(rounds):
        state ^= state << 13 & 2**64 - 1
        state ^= state >> 7
        state ^= state << 17 & 2**64 - 1
    return state


def test_the_loops_do_all_their_steps():
    """What a compiler could leave out would not keep a core busy."""
    assert spin(50) == xorshift(88172645463325252, 50)
    assert spin_wide(50) == reduce(xor, (xorshift(state, 50) for state in range(1, 9)))


def test_one_thread_gains_nothing_over_one_thread():
    control = Control(1)
    assert 0.5 < sorted(control.speedup() for _ in range(9))[4] < 1.5
    control.close()


@pytest.mark.skipif(joblib.cpu_count() < 2, reason="one core has no free core to lose")
def test_a_busy_neighbour_is_seen():
    """It takes a core from the threads and leaves the single thread alone."""
    cores = joblib.cpu_count()
    control = Control(cores)
    with busy_neighbour(cores - 1):
        speedups = sorted(control.speedup() for _ in range(25))
    control.close()
    assert not cores_were_free(speedups[12], cores, cores)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system keeps no affinity")
@pytest.mark.parametrize("threads", [1, 2, 2 * joblib.cpu_count()])
def test_the_caller_may_run_where_it_could_before(threads):
    before = os.sched_getaffinity(0)
    control = Control(threads)
    control.speedup()
    control.close()
    assert os.sched_getaffinity(0) == before
