"""The entry point for machines with a GPU, on the CPU and tiny."""

import json
import subprocess
import sys

from unlocked.inference.engines import gpu
from unlocked.lab.timing import Comparison
from unlocked.study.records import REFERENCE, Store

TINY = [
    "--trees",
    "3",
    "--depth",
    "3",
    "--rows",
    "60",
    "--features",
    "5",
    "--processes",
    "1",
    "--rounds",
    "1",
]


def run(folder, *arguments):
    command = [sys.executable, "-m", "unlocked.inference.engines.gpu", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_records_can_be_read_as_those_of_a_reference(tmp_path):
    done = run(tmp_path / "new", "--device", "cpu", *TINY)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "new" / REFERENCE).read_text())
    assert set(about) == {"machine", "date", "profile", "described"}
    store = Store.open(str(tmp_path / "new"), gpu.CHAPTER)
    assert store.mode == "replay"
    (device,) = store.read(f"{gpu.CHAPTER}/devices", dict[str, gpu.Device]).values()
    assert device.precision == "float32"
    timed = store.read(f"{gpu.CHAPTER}/compiled", Comparison)
    assert timed.names == [
        "scikit-learn, 1 row",
        "packed forest, 1 row",
        "Hummingbird on cpu, 1 row",
        "scikit-learn, 60 rows",
        "packed forest, 60 rows",
        "Hummingbird on cpu, 60 rows",
    ]


def test_bad_numbers_are_refused_by_name(tmp_path):
    done = run(tmp_path, "--rows", "0")
    assert done.returncode == 2
    assert "--rows 0: at least 1 is needed" in done.stderr


def test_the_exact_thresholds_are_timed_where_the_default_is_not_equal():
    agreed = {"rows": 5, "difference": 0.0, "beyond": 0, "ties": 0, "flipped": 0, "wrong": 0}
    fields = {"device": "cpu", "name": "x", "memory": None, "torch": "2", "cuda": None}
    chosen = [
        gpu.Device(**fields, agreement={"float32": agreed | {"beyond": n}, "float64": agreed})
        for n in (0, 1)
    ]
    assert [device.precision for device in chosen] == ["float32", "float64"]
    none = {"float32": agreed | {"wrong": 1}, "float64": agreed | {"wrong": 1}}
    assert gpu.Device(**fields, agreement=none).precision is None
