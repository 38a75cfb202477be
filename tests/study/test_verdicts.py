import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.lab.intervals import Interval
from unlocked.study.claims import Claim, Predicate
from unlocked.study.verdicts import judge, judge_fact


def claim(kind, bound=None):
    return Claim(
        id="XX-01",
        source="ou18",
        statement="A is faster.",
        published="2 s, 1 s",
        where="cell 1",
        judge="02-kernels",
        ratio="slow / fast",
        predicate=Predicate(kind=kind, bound=bound),
    )


def ratio(low, high):
    return Interval((low * high) ** 0.5, low, high, 5)


@pytest.mark.parametrize(
    ("kind", "bound", "low", "high", "verdict"),
    [
        ("at_least", 1.6, 1.6, 1.9, "supported"),
        ("at_least", 1.6, 1.3, 1.59, "refuted"),
        ("at_least", 1.6, 1.59, 1.7, "inconclusive"),
        ("at_most", 1.1, 0.9, 1.1, "supported"),
        ("at_most", 1.1, 1.11, 1.2, "refuted"),
        ("at_most", 1.1, 1.05, 1.15, "inconclusive"),
        ("equivalent", 1.25, 0.8, 1.25, "supported"),
        ("equivalent", 1.25, 1.26, 1.4, "refuted"),
        ("equivalent", 1.25, 0.5, 0.79, "refuted"),
        ("equivalent", 1.25, 0.7, 0.9, "inconclusive"),
    ],
)
def test_the_whole_interval_decides(kind, bound, low, high, verdict):
    assert judge(claim(kind, bound), ratio(low, high)).verdict == verdict


def test_an_undecided_claim_names_its_cause():
    bound = claim("at_least", 1.6)
    assert judge(bound, ratio(1.5, 1.7)).cause.startswith("at the threshold")
    assert judge(bound, ratio(1.0, 3.0)).cause.startswith("too few samples")
    assert judge(bound, ratio(0.0, float("inf"))).cause.startswith("too few samples")
    assert judge(bound, ratio(1.7, 1.8)).cause is None


def test_what_spoilt_the_measurement_comes_before_the_interval():
    verdict = judge(claim("at_least", 1.6), ratio(1.7, 1.8), cause="cores were not free")
    assert (verdict.verdict, verdict.cause) == ("inconclusive", "cores were not free")


limits = st.floats(0.01, 100)


@given(st.sampled_from(["at_least", "at_most", "equivalent"]), limits, limits, limits)
def test_a_narrower_interval_never_turns_a_decision_around(kind, bound, a, b):
    bound = 1.01 + bound if kind == "equivalent" else bound
    low, high = sorted((a, b))
    middle = ratio(low, high).estimate
    wide = judge(claim(kind, bound), ratio(low, high)).verdict
    narrow = judge(claim(kind, bound), ratio(middle, middle)).verdict
    if wide != "inconclusive":
        assert narrow == wide


def test_facts_hold_or_do_not_or_stay_open():
    exact = claim("exact")
    assert judge_fact(exact, True, "all seven").verdict == "supported"
    assert judge_fact(exact, False, "one of seven").verdict == "refuted"
    assert judge_fact(exact, None, "unclear", cause="too few samples").verdict == "inconclusive"
    with pytest.raises(ValueError, match="needs its cause"):
        judge_fact(exact, None, "unclear")


def test_a_claim_is_judged_by_its_own_kind():
    with pytest.raises(ValueError, match="XX-01 is not a claim of the kind exact"):
        judge_fact(claim("at_least", 2.0), True, "yes")
    with pytest.raises(ValueError, match="XX-01 has no bound"):
        judge(claim("exact"), ratio(1, 2))
