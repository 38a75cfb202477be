"""Running a book: what is skipped, what is reused, and every fault that a run may meet."""

import importlib.util
import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from unlocked.book.pages import Book, BookError, Edition
from unlocked.book.parameters import ParameterError

HANG = """\
import pathlib, subprocess, sys, os, time
child = subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True)
pathlib.Path({pids!r}).write_text(f"{{os.getpid()}} {{child.pid}} ")
"""
WAIT = "while True: time.sleep(1)"


@pytest.fixture
def hanging(toy, tmp_path: Path):
    """The toy book whose first chapter measures, starts a busy child, and then hangs."""
    toy.write("01-first", MEASURE, HANG.format(pids=str(tmp_path / "pids")), WAIT)
    return toy


MEASURE = 'total = store.get("total", toy.add, left=size, right=1)\ntotal'


def pids(tmp_path: Path) -> list[int]:
    """The hanging chapter's kernel and its child, once both are there."""
    file = tmp_path / "pids"
    text = file.read_text() if file.exists() else ""
    return [int(word) for word in text.split()] if text.endswith(" ") else []


def states(printed: str) -> dict[str, str]:
    """Chapter and state of each row of the closing table."""
    rows = [line.split("│") for line in printed.splitlines() if line.startswith("│")]
    return {row[1].strip(): row[2].strip() for row in rows}


def test_a_run_executes_all_and_the_next_one_nothing(toy):
    status, printed = toy.run()
    assert status == 0
    assert states(printed) == {"01-first": "executed", "02-second": "executed"}
    executed = json.loads(toy.edition.notebook("01-first").read_text())
    assert executed["cells"][-1]["outputs"][0]["data"]["text/plain"] == ["4"]
    status, printed = toy.run()
    assert status == 0
    assert states(printed) == {"01-first": "unchanged", "02-second": "unchanged"}
    assert toy.measured() == ["3+1"]


def test_a_changed_sentence_executes_its_page_and_reuses_the_records(toy):
    toy.run()
    before = toy.record().read_bytes()
    toy.write("01-first", MEASURE, text="Another sentence.")
    status, printed = toy.run()
    assert status == 0
    assert states(printed) == {"01-first": "executed", "02-second": "unchanged"}
    assert toy.measured() == ["3+1"]
    assert toy.record().read_bytes() == before
    assert [read["reused"] for read in toy.page("01-first").reads] == [True]


def test_a_record_that_the_chapter_no_longer_makes_is_removed(toy):
    toy.run()
    renamed = toy.record().with_name("old-name.json")
    renamed.write_bytes(toy.record().read_bytes())
    toy.write("01-first", MEASURE, text="Another sentence.")
    toy.run()
    assert toy.record().exists()
    assert not renamed.exists()


def test_a_page_record_that_cannot_be_read_is_made_anew(toy):
    toy.run()
    (toy.edition.executed / "01-first.page.json").write_text("")
    status, printed = toy.run()
    assert status == 0
    assert states(printed)["01-first"] == "executed"


def test_again_measures_anew(toy):
    toy.run("01")
    status, printed = toy.run("01-first", again=True)
    assert status == 0
    assert states(printed) == {"01-first": "executed"}
    assert toy.measured() == ["3+1", "3+1"]


def test_a_profile_changes_what_profiles_yml_says(toy):
    (toy.book.notebooks / "profiles.yml").write_text("smoke: {01-first: {size: 1e1}}\n")
    smoke = Book(toy.root).edition("smoke")
    assert toy.run(edition=smoke)[0] == 0
    assert toy.measured() == ["10+1"]
    assert (toy.root / "data/results/smoke/01-first/total.json").exists()


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        ("smoke: {01-first: {siz: 1}}", "did you mean size"),
        ("smoke: {01-first: {size: 0}}", "an int in"),
        ("full: {01-frst: {size: 1}}", "names 01-frst, which is no chapter"),
        ("last: [99-none]", "names 99-none"),
        ("slow: {}", "none of smoke, full and last"),
    ],
)
def test_profiles_yml_is_held_against_the_chapters(toy, profiles, message):
    (toy.book.notebooks / "profiles.yml").write_text(profiles)
    with pytest.raises(BookError, match=message):
        Book(toy.root).edition("smoke")


def test_pages_that_collect_run_last_and_when_what_they_collect_changes(toy):
    toy.write("00-all", 'store.read("01-first/total", int)')
    (toy.book.notebooks / "profiles.yml").write_text("last: [00-all]\n")
    _, printed = toy.run()
    assert list(states(printed)) == ["01-first", "02-second", "00-all"]
    shutil.rmtree(toy.edition.results / "01-first")
    _, printed = toy.run()
    assert states(printed) == {
        "01-first": "executed",
        "02-second": "unchanged",
        "00-all": "executed",
    }
    assert set(states(toy.run()[1]).values()) == {"unchanged"}


def test_settings_go_to_a_store_and_pages_of_their_own(toy):
    edition = toy.book.edition(chapters=["01-first"], settings={"size": "1e1"})
    assert toy.run("01-first", edition=edition)[0] == 0
    assert toy.measured() == ["10+1"]
    assert edition.results.name.startswith("custom-")
    assert edition.notebook("01-first").exists()
    assert not toy.edition.results.exists()
    assert not toy.edition.executed.exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"siz": "5"}, "unknown parameter siz: did you mean size"),
        ({"size": "many"}, "an int in"),
        ({"size": "0"}, "an int in"),
        ({"size": "-1"}, "an int in"),
        ({"size": "nan"}, "an int in"),
        ({"results": "/elsewhere"}, "runner's to set"),
    ],
)
def test_settings_are_refused_before_anything_starts(toy, settings, message):
    with pytest.raises(ParameterError, match=message):
        toy.book.edition(settings=settings)
    assert not (toy.root / "_build").exists()


def test_the_command_line(toy, monkeypatch, capsys):
    command = Path(__file__).parents[2] / "scripts" / "run.py"
    spec = importlib.util.spec_from_file_location("run_command", command)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BOOK", toy.book)

    def call(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as end:
            module.app(module._pairs(list(words)))
        return end.value.code, "".join(capsys.readouterr())

    assert call("01", "-p", "size", "1e6")[0] == 0
    assert toy.measured() == ["1000000+1"]
    assert call("02", "-p", "size", "-5") == (
        2,
        "error: size = '-5' is refused: it must be an int in [1, 1_000_000]\n",
    )
    assert call("03")[0] == 2
    assert "no chapter 03" in call("03")[1]
    assert "the profiles are smoke, quick, full" in call("--profile", "slow")[1]
    assert "-p takes a name and a value" in call("-p", "size")[1]
    status, printed = call("--list")
    assert status == 0
    assert "whether to shout" in printed


def test_a_raising_cell_fails_its_chapter_alone(toy):
    toy.write("01-first", MEASURE, "x = 1\n1 / 0", "never = True")
    status, printed = toy.run()
    assert status == 1
    assert states(printed) == {"01-first": "failed", "02-second": "executed"}
    assert (
        "01-first failed in code cell 4 of 5, 'x = 1': ZeroDivisionError: division by zero"
        in printed
    )
    assert not toy.edition.notebook("01-first").exists()
    failed = toy.edition.notebook("01-first.failed")
    assert "ZeroDivisionError" in failed.read_text()
    toy.write("01-first", MEASURE)
    assert toy.run()[0] == 0
    assert not failed.exists()
    assert toy.measured() == ["3+1"]


def test_a_killed_kernel_fails_its_chapter_and_leaves_no_process(hanging, tmp_path):
    toy = hanging
    start = HANG.format(pids=str(tmp_path / "pids"))
    toy.write("01-first", MEASURE, start, "os.kill(os.getpid(), 9)")
    status, printed = toy.run()
    assert status == 1
    assert states(printed) == {"01-first": "failed", "02-second": "executed"}
    assert "'os.kill(os.getpid(), 9)': the kernel died" in printed
    assert not any(map(toy.alive, pids(tmp_path)))
    assert not toy.edition.notebook("01-first").exists()


def test_a_cell_over_its_limit_fails_its_chapter_and_leaves_no_process(hanging, tmp_path):
    status, printed = hanging.run(cell_seconds=10)
    assert status == 1
    assert states(printed) == {"01-first": "failed", "02-second": "executed"}
    assert "'while True: time.sleep(1)': ran past the limit of 10 s" in printed
    assert not any(map(hanging.alive, pids(tmp_path)))


def test_a_killed_runner_leaves_no_process_and_its_records_are_reused(hanging, tmp_path):
    toy = hanging
    with toy.runner() as runner:
        assert toy.wait_until(lambda: len(pids(tmp_path)) == 2)
        started = pids(tmp_path)
        assert all(map(toy.alive, started))
        os.kill(runner.pid, signal.SIGKILL)
        assert toy.wait_until(lambda: not any(map(toy.alive, started)), seconds=3)
    assert not toy.edition.notebook("01-first").exists()
    half_written = toy.record().with_name(".total.json.1")
    half_written.write_text('{"name": ')
    toy.write("01-first", MEASURE)
    status, _ = toy.run("01")
    assert status == 0
    assert toy.measured() == ["3+1"]
    assert not half_written.exists()
    for file in [*toy.edition.results.rglob("*.json"), *toy.edition.executed.rglob("*.json")]:
        json.loads(file.read_text())


def test_an_interrupted_runner_stops_in_good_order(hanging, tmp_path):
    with hanging.runner() as runner:
        assert hanging.wait_until(lambda: len(pids(tmp_path)) == 2)
        os.kill(runner.pid, signal.SIGINT)
        assert runner.wait(timeout=60) == 130
    assert not any(map(hanging.alive, pids(tmp_path)))
    assert hanging.measured() == ["3+1"]
    assert not hanging.edition.notebook("02-second").exists()


def test_a_second_runner_refuses_and_names_the_first(hanging, tmp_path):
    with hanging.runner() as runner:
        assert hanging.wait_until(lambda: len(pids(tmp_path)) == 2)
        with pytest.raises(BookError, match=f"process {runner.pid} is running the book"):
            hanging.run()
        assert all(map(hanging.alive, pids(tmp_path)))
        runner.kill()
        assert hanging.wait_until(lambda: not any(map(hanging.alive, pids(tmp_path))), seconds=3)


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_record_is_set_aside_named_and_measured_anew(toy, damage):
    toy.run("01")
    text = toy.record().read_text()
    changed = text[:50] if damage == "truncated" else text.replace('"result": 4', '"result": 5')
    assert changed != text
    toy.record().write_text(changed)
    status, printed = toy.run("01")
    assert status == 0
    assert states(printed) == {"01-first": "executed"}
    assert "01-first: set aside 01-first/total.json.bad: total.json" in printed
    assert toy.record().with_name("total.json.bad").read_text() == changed
    assert toy.measured() == ["3+1", "3+1"]


@pytest.mark.parametrize("place", ["a file", "no such device"])
def test_results_that_cannot_be_written_are_one_error_before_any_chapter(toy, tmp_path, place):
    if place == "a file":
        (toy.root / "data").mkdir()
        (toy.root / "data" / "results").write_text("not a folder")
        edition = toy.edition
    else:
        edition = Edition("quick", {}, Path("/dev/null/results"), tmp_path / "executed")
    with pytest.raises(BookError, match=f"cannot write to {edition.results}"):
        toy.run(edition=edition)
    assert not edition.notebook("01-first").exists()
    assert toy.measured() == []


def test_an_altered_page_is_executed_again(toy):
    toy.run("01")
    executed = toy.edition.notebook("01-first")
    executed.write_text(executed.read_text().replace('"4"', '"5"'))
    assert states(toy.run("01")[1])["01-first"] == "executed"
    executed.unlink()
    assert toy.book.outdated(toy.edition, "01-first") is not None
