"""The published claims that the book judges, read from ``data/claims.yml``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

CLAIMS_FILE = Path(__file__).resolve().parents[3] / "data" / "claims.yml"


class ClaimsError(ValueError):
    """An entry of the claims file is malformed; the message names it and what is allowed."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Entry):
    """A publication that makes claims.

    Attributes
    ----------
    title, author : str
    year : int or None
        None for a source that gives no date.
    machine : str
        The machine that it measured on, as it says itself.
    """

    title: str
    author: str
    year: int | None
    machine: str


class Predicate(_Entry):
    """What a measured ratio must satisfy for a claim to hold.

    Attributes
    ----------
    kind : {"at_least", "at_most", "equivalent", "exact"}
        ``at_least`` and ``at_most`` compare the ratio with the bound, ``equivalent`` asks that
        it lies within ``1/bound … bound``, ``exact`` needs no ratio: every case holds or one
        does not.
    bound : float or None
        Positive; above 1 for ``equivalent``; None for ``exact``.
    reason : str or None
        Why this bound, where it is not the default one.
    """

    kind: Literal["at_least", "at_most", "equivalent", "exact"]
    bound: float | None = Field(default=None, gt=0)
    reason: str | None = None

    @model_validator(mode="after")
    def _bound_fits_kind(self) -> Self:
        if self.kind == "exact":
            if self.bound is not None:
                raise ValueError(f"exact takes no bound, but {self.bound} was given; remove it")
        elif self.bound is None:
            raise ValueError(f"{self.kind} has no bound; give the ratio that decides")
        elif self.kind == "equivalent" and self.bound <= 1:
            raise ValueError(f"equivalent needs a bound above 1, {self.bound} was given")
        return self


class Claim(_Entry):
    """One published claim.

    Attributes
    ----------
    id : str
        Two capitals, two digits, perhaps a letter: ``OU-01a``.
    source : str
        Key of a source.
    statement : str
        The claim in the book's own words.
    published : str
        The source's figures, or how it states the claim.
    where : str
        Where they stand in the source: part, cell (``In [16]``), section.
    judge : str
        The one chapter that decides.
    shown_in : list of str
        Other chapters that show it.
    ratio : str or None
        What is divided by what, so that a value above 1 is a gain of the kind claimed.
        None where the claim is not about a ratio.
    text_factor, output_factor : float or None
        That ratio as the source's text names it, and as its own outputs give it.
    predicate : Predicate or None
        None while the judging chapter is not written.
    """

    id: str = Field(pattern=r"^[A-Z]{2}-\d{2}[a-z]?$")
    source: str
    statement: str
    published: str
    where: str
    judge: str
    shown_in: list[str] = []
    ratio: str | None = None
    text_factor: float | None = Field(default=None, gt=0)
    output_factor: float | None = Field(default=None, gt=0)
    predicate: Predicate | None

    @model_validator(mode="after")
    def _ratio_is_defined(self) -> Self:
        needs_ratio = self.text_factor is not None or self.output_factor is not None
        if self.predicate is not None and self.predicate.kind != "exact":
            needs_ratio = True
        if needs_ratio and self.ratio is None:
            raise ValueError("a factor or a bound without ratio; say in words what is divided")
        if self.judge in self.shown_in:
            raise ValueError(f"shown_in repeats the judge {self.judge}; name other chapters only")
        return self


class Study(_Entry):
    """The whole claims file.

    Attributes
    ----------
    sources : dict of str to Source
    chapters : dict of str to str
        Every chapter of the plan, written or not, and the question that it answers.
    claims : dict of str to Claim
        By id, in the order of the file.
    """

    sources: dict[str, Source]
    chapters: dict[str, str]
    claims: dict[str, Claim]


def load_study(path: Path | None = None) -> Study:
    """Read and check a claims file.

    Parameters
    ----------
    path : Path, optional
        The project's ``data/claims.yml`` by default.

    Raises
    ------
    ClaimsError
        Where an entry is malformed: a field missing or unknown, two claims of one id, an
        unknown source, chapter or kind of predicate, a bound missing.
    """
    path = CLAIMS_FILE if path is None else path
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or set(content) != set(Study.model_fields):
        given = ", ".join(content) if isinstance(content, dict) else type(content).__name__
        raise ClaimsError(f"{path.name}: needs sources, chapters and claims, found {given}")
    entries = content["claims"] or []
    labels = [_label(entry, place) for place, entry in enumerate(entries, start=1)]
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise ClaimsError(f"{path.name}: more than one {twice[0]}; give each claim its own id")
    try:
        study = Study(**content | {"claims": dict(zip(labels, entries, strict=True))})
    except ValidationError as error:
        raise ClaimsError(f"{path.name}: {_first_problem(error)}") from None
    for claim in study.claims.values():
        _check_references(claim, study, path.name)
    return study


def load_claims(path: Path | None = None) -> dict[str, Claim]:
    """Claims by id, in the order of the file; see `load_study`."""
    return load_study(path).claims


def _label(entry: object, place: int) -> str:
    has_id = isinstance(entry, dict) and isinstance(entry.get("id"), str)
    return entry["id"] if has_id else f"claim number {place}"  # type: ignore[index]


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    place = ": ".join(str(step) for step in problem["loc"][1:] or problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] in ("literal_error", "string_pattern_mismatch"):
        message += f", but {problem['input']!r} was given"
    return f"{place}: {message}"


def _check_references(claim: Claim, study: Study, file: str) -> None:
    if claim.source not in study.sources:
        known = ", ".join(study.sources)
        raise ClaimsError(f"{file}: {claim.id}: unknown source {claim.source}; known: {known}")
    for chapter in (claim.judge, *claim.shown_in):
        if chapter not in study.chapters:
            known = ", ".join(study.chapters)
            raise ClaimsError(f"{file}: {claim.id}: unknown chapter {chapter}; known: {known}")
