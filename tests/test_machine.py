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
