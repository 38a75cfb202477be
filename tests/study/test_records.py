import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlocked.lab.intervals import Interval
from unlocked.lab.timing import Comparison, call, candidate
from unlocked.study import records
from unlocked.study.records import Store, describe_call, key_of, read_record, stale

CHAPTER = "02-kernels"


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A copy of the module `measured`, so that a test may edit it."""
    source = Path(__file__).with_name("measured.py")
    (tmp_path / "measured.py").write_text(source.read_text())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("COUNT_FILE", str(tmp_path / "count"))
    monkeypatch.delitem(sys.modules, "measured", raising=False)
    import measured

    forget()
    return measured


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results", CHAPTER)


@pytest.fixture
def journal(tmp_path, monkeypatch):
    path = tmp_path / "journal"
    monkeypatch.setenv("UNLOCKED_JOURNAL", str(path))
    return lambda: [json.loads(line) for line in path.read_text().splitlines()]


def forget():
    """What a new process would not know: digests are computed once a process."""
    records._key.cache_clear()
    records.digests._closure.cache_clear()


def file_of(store, name):
    return store.root / CHAPTER / f"{name}.json"


def test_a_result_is_measured_once_and_reused(store, measured, journal):
    assert store.get("count", measured.count, n=3) == {"n": 3, "calls": 1}
    assert store.get("count", measured.count, n=3) == {"n": 3, "calls": 1}
    assert [event["reused"] for event in journal()] == [False, True]
    assert journal()[0]["path"] == "02-kernels/count.json"


def test_other_arguments_are_measured_anew(store, measured):
    store.get("count", measured.count, n=3)
    assert store.get("count", measured.count, n=4)["calls"] == 2


def test_a_default_argument_is_part_of_the_call(store, measured):
    store.get("count", measured.count)
    assert store.get("count", measured.count, n=1)["calls"] == 1


def test_edited_code_is_measured_anew(store, measured, tmp_path):
    store.get("count", measured.count)
    with (tmp_path / "measured.py").open("a") as file:
        file.write("\n# edited\n")
    forget()
    assert store.get("count", measured.count)["calls"] == 2


def test_another_machine_measures_anew(store, measured, monkeypatch):
    store.get("count", measured.count)
    other = records.machine.describe().model_copy(update={"cpu": "another processor"})
    monkeypatch.setattr(records.machine, "describe", lambda: other)
    forget()
    assert store.get("count", measured.count)["calls"] == 2


def test_load_and_time_do_not_belong_to_the_key(measured, monkeypatch):
    described = describe_call(measured.count, {})
    key = key_of(described)
    monkeypatch.setattr(records.machine, "now", lambda: {"time": "later", "load": 99})
    forget()
    assert key_of(described) == key


def test_again_measures_once_more_but_not_twice_in_one_run(store, measured, monkeypatch):
    store.get("count", measured.count)
    monkeypatch.setenv("UNLOCKED_AGAIN", "1")
    again = Store(store.root, CHAPTER)
    assert again.get("count", measured.count)["calls"] == 2
    assert again.get("count", measured.count)["calls"] == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: text.replace('"calls": 1', '"calls": 9'),
        lambda text: "[]",
    ],
)
def test_a_damaged_record_is_set_aside_named_and_measured_anew(store, measured, journal, damage):
    store.get("count", measured.count)
    path = file_of(store, "count")
    path.write_text(damage(path.read_text()))
    assert store.get("count", measured.count)["calls"] == 2
    assert path.with_name("count.json.bad").exists()
    bad = [event for event in journal() if event["event"] == "bad"]
    assert bad[0]["path"] == "02-kernels/count.json.bad"
    assert "count.json" in bad[0]["reason"]
    assert read_record(path)["result"]["calls"] == 2


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_flipped_byte_goes_unnoticed(tmp_path_factory, position, flip):
    path = tmp_path_factory.mktemp("flip") / "record.json"
    content = {"result": {"seconds": [1.5, 2.25]}, "name": "a/b"}
    records._write(path, records._seal(content))
    data = bytearray(path.read_bytes())
    data[position % len(data)] ^= flip
    path.write_bytes(data)
    try:
        read = read_record(path)
    except ValueError:
        return
    assert {key: read[key] for key in content} == content  # white space, or the same text


def test_a_failing_measurement_leaves_nothing_behind(store, measured):
    with pytest.raises(RuntimeError, match="power cut"):
        store.get("fails", measured.fails)
    assert not list(store.root.rglob("*"))


def test_a_write_that_fails_leaves_the_old_record(store, measured, monkeypatch):
    store.get("count", measured.count, n=1)

    def full(*arguments, **options):
        raise OSError("disk full")

    monkeypatch.setattr(records.json, "dump", full)
    with pytest.raises(OSError, match="disk full"):
        store.get("count", measured.count, n=2)
    assert read_record(file_of(store, "count"))["result"]["n"] == 1
    assert [path.name for path in file_of(store, "count").parent.iterdir()] == ["count.json"]


def test_models_come_back_as_models(store):
    kept = store.get(
        "pair",
        compared,
        candidates={"one": candidate("unlocked.lab.examples:loop")},
        inputs=call("unlocked.lab.examples:numbers", n=10),
    )
    assert isinstance(kept, Comparison)
    assert isinstance(
        Store(store.root, "01-timing").read("02-kernels/pair", Comparison), Comparison
    )
    assert Store(store.root, "01-timing").read("02-kernels/absent", Comparison) is None


def compared(candidates: dict, inputs: dict) -> Comparison:
    ones = {name: [[1.0]] for name in candidates}
    fields = ("seconds", "cpu_seconds", "own_cpu_seconds", "waited", "steal")
    return Comparison(
        baseline="one", names=["one"], threads=1, cores=1, first_call={}, calls={}, control=[],
        short_rounds=0, repeated_rounds=0, **dict.fromkeys(fields, ones),
    )  # fmt: skip


def test_a_function_without_an_importable_name_is_refused(store):
    with pytest.raises(ValueError, match="cannot be imported by its name"):
        store.get("lambda", lambda: {})


def test_a_reference_is_replayed_and_never_measured(store, measured, tmp_path):
    store.get("count", measured.count, n=3)
    (store.root / "reference.json").write_text("{}")
    replay = Store.open(str(store.root), CHAPTER)
    (tmp_path / "measured.py").write_text("# other code\n")
    forget()
    assert replay.get("count", measured.count, n=3)["calls"] == 1
    with pytest.raises(LookupError, match=r"02-kernels/other.json is not in the reference"):
        replay.get("other", measured.count, n=3)
    with pytest.raises(LookupError, match="made by another call"):
        replay.get("count", measured.count, n=4)


def test_an_empty_name_opens_a_temporary_store(measured):
    store = Store.open("", CHAPTER)
    store.get("count", measured.count)
    assert file_of(store, "count").exists()
    assert Store.open("", CHAPTER).root != store.root


def test_a_verdict_is_kept_and_collected(store, journal):
    store.judge("OU-01a", Interval(4.0, 3.9, 4.1, 5))
    found = Store(store.root, "18-verdicts").verdicts()
    assert found["OU-01a"].verdict == "supported"
    assert found["OU-01a"].ratio == Interval(4.0, 3.9, 4.1, 5)
    assert {"event": "verdict", "claim": "OU-01a", "verdict": "supported"} in journal()


def test_a_chapter_judges_its_own_claims_only(tmp_path):
    with pytest.raises(ValueError, match="OU-01a is judged by 02-kernels, not by 04-gil"):
        Store(tmp_path, "04-gil").judge("OU-01a", Interval(4.0, 3.9, 4.1, 5))


def test_an_endless_interval_survives_the_file(store):
    store.judge("OU-01a", Interval(4.0, 0.0, float("inf"), 1), cause="too few samples")
    assert store.verdicts()["OU-01a"].ratio.high == float("inf")


def test_a_page_is_stale_when_what_it_read_has_changed(store, measured, journal, tmp_path):
    store.get("count", measured.count)
    store.judge("OU-01a", Interval(4.0, 3.9, 4.1, 5))
    store.verdicts()
    reads = [event for event in journal() if event["event"] == "record"]
    assert {read["path"] for read in reads} == {
        "02-kernels/count.json",
        "02-kernels/OU-01a.verdict.json",
    }
    assert stale(store.root, reads) == []
    store.judge("OU-01a", Interval(3.0, 2.9, 3.1, 5))
    assert stale(store.root, reads) == ["02-kernels/OU-01a.verdict.json was measured anew"]
    with (tmp_path / "measured.py").open("a") as file:
        file.write("\n# edited\n")
    forget()
    assert "count.json was measured with other code" in stale(store.root, reads)[1]
    file_of(store, "count").unlink()
    assert "count.json" in " ".join(stale(store.root, reads))
