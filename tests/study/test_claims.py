"""The claims file is complete and consistent, and a malformed entry is named."""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from unlocked.study.claims import Claim, ClaimsError, Predicate, load_claims, load_study

STUDY = {
    "sources": {"ou18": {"title": "A tour", "author": "A. I.", "year": 2018, "machine": "2 cores"}},
    "chapters": {"02-kernels": "What does each rewriting buy?", "04-gil": "Who holds the GIL?"},
}
CLAIM = {
    "id": "OU-02",
    "source": "ou18",
    "statement": "Switching off bounds checks gains nothing.",
    "published": "6.56 ms → 7.94 ms",
    "where": "Part I, In [57], In [58]",
    "judge": "02-kernels",
    "ratio": "time with checks / time without",
    "output_factor": 0.83,
    "predicate": {"kind": "at_most", "bound": 1.1},
}


def write(folder: Path, *claims: dict, **study) -> Path:
    path = folder / "claims.yml"
    path.write_text(yaml.safe_dump(STUDY | {"claims": list(claims)} | study), encoding="utf-8")
    return path


def test_every_claim_of_the_five_sources_is_there():
    claims = load_claims()
    families = Counter(claim.id[:2] for claim in claims.values())
    assert families == {"OU": 17, "FM": 19, "HB": 5, "AS": 2, "DK": 6}
    assert [key for key in claims if key.startswith("OU-01")] == [f"OU-01{c}" for c in "abcde"]
    assert {claim.source for claim in claims.values()} == set(load_study().sources)
    assert all(key == claim.id for key, claim in claims.items())


@pytest.mark.parametrize(
    "chapter",
    [
        "02-kernels",
        "04-gil",
        "05-joblib",
        "06-random",
        "07-ou-parallel",
        "08-oversubscription",
        "09-predict",
        "10-batch-size",
    ],
)
def test_a_written_judge_has_a_predicate_for_each_of_its_claims(chapter):
    judged = [claim for claim in load_claims().values() if claim.judge == chapter]
    assert judged
    assert all(claim.predicate for claim in judged)


def test_a_bound_is_four_fifths_of_the_factor_that_the_text_names_or_gives_its_reason():
    for claim in load_claims().values():
        if claim.predicate and claim.text_factor:
            expected = round(0.8 * claim.text_factor, 2)
            assert claim.predicate.bound == max(expected, 1.05), claim.id
            assert claim.predicate.reason, claim.id


def test_the_text_factor_of_a_claim_is_printed_in_what_it_published():
    for claim in load_claims().values():
        if claim.text_factor:
            as_gain = f"{round(100 * (claim.text_factor - 1))} %"
            as_factor = re.compile(rf"(?<!\d){claim.text_factor:g}×")
            assert as_gain in claim.published or as_factor.search(claim.published), claim.id


@pytest.mark.parametrize(
    ("claim", "before", "after"),
    [
        ("OU-01a", 5.4, 5.31),
        ("OU-01b", 5.31, 1.17),
        ("OU-01c", 1.17, 0.300),
        ("OU-01d", 0.300, 0.248),
        ("OU-01e", 0.248, 0.0361),
        ("OU-02", 6.56, 7.94),
        ("OU-03", 285, 269),
        ("OU-04", 20, 5.4),
        ("OU-05", 1.55, 1.31),
        ("OU-06", 1.55, 0.63),
        ("OU-07", 630, 580),
        ("OU-08", 285, 175),
        ("OU-09", 269, 159),
        ("OU-11", 8.88, 0.431),
        ("FM-05", 107.1, 4.3),
        ("FM-08", 0.3965, 0.2371),
        ("FM-09", 0.3965, 0.3269),
        ("FM-13", 19.5, 21.8),
        ("FM-14", 28.6, 13.8),
        ("HB-01", 9580, 195),
        ("HB-02", 79.6, 1.28),
    ],
)
def test_output_factors_follow_from_the_printed_outputs(claim, before, after):
    assert load_claims()[claim].output_factor == pytest.approx(before / after, rel=0.005)


def test_claims_come_in_the_order_of_the_file_and_cannot_be_changed(tmp_path):
    claims = load_claims(write(tmp_path, CLAIM, CLAIM | {"id": "OU-01a"}))
    assert list(claims) == ["OU-02", "OU-01a"]
    assert claims["OU-02"].predicate == Predicate(kind="at_most", bound=1.1)
    with pytest.raises(ValidationError, match="frozen"):
        claims["OU-02"].judge = "04-gil"


def test_predicate_and_factors_are_optional():
    claim = Claim(**{**CLAIM, "predicate": None, "ratio": None, "output_factor": None})
    assert claim.predicate is None
    assert claim.shown_in == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": "2"}, r"^claims\.yml: 2: id: .*, but '2' was given$"),
        ({"judge": "03-kernels"}, r"OU-02: unknown chapter 03-kernels; known: .*02-kernels"),
        ({"shown_in": ["gil"]}, r"OU-02: unknown chapter gil; known: .*04-gil"),
        ({"shown_in": ["02-kernels"]}, r"OU-02: shown_in repeats the judge 02-kernels"),
        ({"source": "ou19"}, r"OU-02: unknown source ou19; known: ou18"),
        ({"ratio": None}, r"OU-02: a factor or a bound without ratio"),
        ({"output_factor": -1}, r"OU-02: output_factor: .*greater than 0"),
        ({"verdict": "supported"}, r"OU-02: verdict: Extra inputs are not permitted"),
        (
            {"predicate": {"kind": "above", "bound": 2}},
            r"OU-02: predicate: kind: .*'at_least'.*'above'",
        ),
        ({"predicate": {"kind": "at_most"}}, r"OU-02: predicate: at_most has no bound"),
        (
            {"predicate": {"kind": "at_most", "bound": 0}},
            r"OU-02: predicate: bound: .*greater than 0",
        ),
        ({"predicate": {"kind": "equivalent", "bound": 0.8}}, r"OU-02: predicate: .*above 1, 0\.8"),
        ({"predicate": {"kind": "exact", "bound": 1}}, r"OU-02: predicate: exact takes no bound"),
    ],
)
def test_a_malformed_entry_is_named(tmp_path, changed, message):
    with pytest.raises(ClaimsError, match=message):
        load_claims(write(tmp_path, CLAIM | changed))


@pytest.mark.parametrize(
    "missing", ["source", "statement", "published", "where", "judge", "predicate"]
)
def test_a_missing_field_is_named(tmp_path, missing):
    entry = {key: value for key, value in CLAIM.items() if key != missing}
    with pytest.raises(ClaimsError, match=f"OU-02: {missing}: Field required"):
        load_claims(write(tmp_path, entry))


def test_an_entry_without_id_is_named_by_its_place(tmp_path):
    entry = {key: value for key, value in CLAIM.items() if key != "id"}
    with pytest.raises(ClaimsError, match="claim number 2: id: Field required"):
        load_claims(write(tmp_path, CLAIM, entry))


def test_two_claims_of_one_id_are_refused(tmp_path):
    with pytest.raises(ClaimsError, match="more than one OU-02"):
        load_claims(write(tmp_path, CLAIM, CLAIM | {"statement": "another"}))


def test_a_malformed_source_is_named(tmp_path):
    with pytest.raises(ClaimsError, match="ou18: author: Field required"):
        load_claims(
            write(
                tmp_path, CLAIM, sources={"ou18": {"title": "A tour", "year": 2018, "machine": ""}}
            )
        )


@pytest.mark.parametrize("text", ["", "claims: []", "- OU-02"])
def test_a_file_without_its_three_parts_is_refused(tmp_path, text):
    path = tmp_path / "claims.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        ClaimsError, match=r"claims\.yml: needs sources, chapters and claims, found"
    ):
        load_claims(path)
