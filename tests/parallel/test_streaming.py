import pytest

from unlocked.lab.timing import MeasurementError
from unlocked.parallel import streaming
from unlocked.parallel.streaming import Stream

SIZE = 2**20


@pytest.mark.parametrize("way", streaming.WAYS)
def test_every_result_is_seen_once(way):
    found = streaming.consume(tasks=7, steps=10, size=SIZE, jobs=2, return_as=way)
    assert found["seen"] == sum(range(7))
    assert 0 < found["first"] <= found["last"]
    assert found["peak"] >= SIZE


def test_a_list_holds_all_results_at_once():
    found = streaming.consume(tasks=7, steps=10, size=SIZE, jobs=2, return_as="list")
    assert 7 * SIZE <= found["peak"] < 9 * SIZE


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="choose one of list, generator"):
        streaming.consume(tasks=1, steps=1, size=8, jobs=2, return_as="tuple")


def test_fresh_processes_give_one_value_each():
    found = streaming.streams(tasks=4, steps=10, size=64, jobs=2, processes=2)
    assert list(found) == list(streaming.WAYS)
    assert all(len(one.first) == len(one.last) == len(one.peak) == 2 for one in found.values())


def test_a_failing_process_is_an_error_with_its_reason():
    with pytest.raises(MeasurementError, match=r"return_as='list': ValueError"):
        streaming.streams(tasks=4, steps=10, size=64, jobs=0, processes=1)


def test_ratios_are_the_others_over_ours():
    ours, theirs = (
        Stream(first=[t, t], last=[1, 1], peak=[p, p]) for t, p in ((0.1, 10), (0.4, 20))
    )
    assert ours.sooner(theirs).estimate == pytest.approx(4)
    assert ours.smaller(theirs).estimate == pytest.approx(2)
