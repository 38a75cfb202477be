"""Verdicts: what a measured interval says about a published claim."""

from math import log
from typing import Literal

from pydantic import BaseModel, ConfigDict

from unlocked.lab.intervals import Interval
from unlocked.study.claims import Claim

Name = Literal["supported", "refuted", "inconclusive", "not run"]

WIDE = 0.10
"""Half-width on the log scale from which an undecided interval is called too wide."""


class Verdict(BaseModel):
    """What this machine says about one claim.

    Attributes
    ----------
    ratio : Interval or None
        The measured ratio, for claims about a ratio.
    value : str or None
        What was found, in words, for claims about a fact.
    cause : str or None
        Why the verdict is inconclusive or the claim was not run.
    chapter : str
        The chapter that judged.
    """

    model_config = ConfigDict(frozen=True)

    claim: str
    verdict: Name
    chapter: str
    cause: str | None = None
    ratio: Interval | None = None
    value: str | None = None


def judge(claim: Claim, ratio: Interval, cause: str | None = None) -> Verdict:
    """Hold a ratio's interval against a claim's bound.

    The whole interval within the bound supports the claim, the whole interval beyond it refutes
    it, and anything else is inconclusive, with its cause.

    Parameters
    ----------
    cause : str or None
        Why the measurement can judge nothing (``Comparison.cause``); None where it can.

    Raises
    ------
    ValueError
        Where the claim has no bound for a ratio.
    """
    low, high = _allowed(claim)
    verdict: Name
    if cause is not None:
        verdict = "inconclusive"
    elif low <= ratio.low and ratio.high <= high:
        verdict = "supported"
    elif ratio.high < low or ratio.low > high:
        verdict = "refuted"
    else:
        verdict, cause = "inconclusive", _undecided(ratio)
    return Verdict(claim=claim.id, verdict=verdict, chapter=claim.judge, cause=cause, ratio=ratio)


def judge_fact(claim: Claim, holds: bool | None, value: str, cause: str | None = None) -> Verdict:
    """Judge a claim of the kind ``exact``: it holds or not; None where that stayed open.

    Raises
    ------
    ValueError
        Where the claim is about a ratio, or `holds` is None without a cause.
    """
    if claim.predicate is None or claim.predicate.kind != "exact":
        raise ValueError(f"{claim.id} is not a claim of the kind exact; use judge with a ratio")
    if holds is None and cause is None:
        raise ValueError(f"{claim.id}: an open question needs its cause")
    verdict: Name = "inconclusive"
    if cause is None:
        verdict = "supported" if holds else "refuted"
    return Verdict(claim=claim.id, verdict=verdict, chapter=claim.judge, cause=cause, value=value)


def _allowed(claim: Claim) -> tuple[float, float]:
    predicate = claim.predicate
    if predicate is None or predicate.bound is None:
        raise ValueError(f"{claim.id} has no bound for a ratio in data/claims.yml")
    infinite = float("inf")
    return {
        "at_least": (predicate.bound, infinite),
        "at_most": (0.0, predicate.bound),
        "equivalent": (1 / predicate.bound, predicate.bound),
    }[predicate.kind]


def _undecided(ratio: Interval) -> str:
    if ratio.low <= 0 or log(ratio.high / ratio.low) / 2 > WIDE:
        return "too few samples: the interval is wide and holds the bound"
    return "at the threshold: the bound lies within the interval"
