import getpass
import json
import socket
from pathlib import Path

import joblib
import pytest

from unlocked import machine


def test_a_machine_is_described_without_naming_its_owner():
    text = json.dumps([machine.describe().model_dump(mode="json"), machine.now()])
    assert str(Path.home()) not in text
    assert socket.gethostname() not in text
    assert "/" not in json.loads(text)[1]["cflags"]
    user = getpass.getuser()
    assert f'"{user}"' not in text


def test_cores_are_those_this_process_may_use():
    assert machine.describe().effective_cores == joblib.cpu_count() >= 1


def test_the_id_stays_and_tells_machines_apart():
    here = machine.describe()
    assert here.id == machine.Machine.model_validate(here.model_dump()).id
    for change in ({"cpu": "Z80"}, {"effective_cores": 4096}, {"python": "2.7"}):
        assert here.model_copy(update=change).id != here.id
    assert here.model_copy(update={"memory": 1}).id == here.id


def test_the_summary_fits_a_caption():
    assert "Python" in machine.describe().summary
    assert "\n" not in machine.describe().summary


def test_caches_are_those_of_one_core(tmp_path, monkeypatch):
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "32K"), ("3", "Unified", "32768K")]
    ):
        place = tmp_path / f"index{index}"
        place.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (place / name).write_text(text + "\n")
    monkeypatch.setattr(machine, "CACHES", tmp_path)
    assert machine._caches({}) == {"L1d": 48 * 1024, "L3": 32 * 1024**2}
    monkeypatch.setattr(machine, "CACHES", tmp_path / "absent")
    assert machine._caches({"l2_cache_size": 2048, "l3_cache_size": "?"}) == {"L2": 2048}


@pytest.mark.parametrize(
    ("cores", "counts"),
    [
        (1, [1, 2]),
        (2, [1, 2, 3, 4]),
        (6, [1, 2, 4, 6, 8, 12]),
        (64, [1, 2, 4, 8, 16, 32, 64, 128]),
    ],
)
def test_thread_counts_go_to_twice_the_cores_in_few_steps(cores, counts):
    assert machine.thread_counts(cores) == counts
