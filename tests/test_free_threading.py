"""The free-threading script under ordinary and pretended interpreters."""

import ast
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from unlocked import free_threading
from unlocked.free_threading import Scaling

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
SCRIPT = Path(free_threading.__file__)

ordinary = pytest.mark.skipif(FREE_THREADED, reason="this interpreter is free-threaded itself")


def pretend(folder: Path, name: str, body: str) -> Path:
    """An executable that answers as told."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture(scope="module")
def scaling() -> Scaling:
    return free_threading.measure(threads=[1, 2], processes=2, rounds=3, seconds=0.005)


def test_measures_every_number_of_threads_in_every_round(scaling: Scaling) -> None:
    assert scaling.threads == [1, 2]
    assert len(scaling.steps) == len(scaling.seconds) == 2
    assert all(steps > 0 for steps in scaling.steps)
    for of_process in scaling.seconds:
        assert [len(rounds) for rounds in of_process] == [3, 3]
        assert all(seconds > 0 for rounds in of_process for seconds in rounds)


def test_describes_the_interpreter(scaling: Scaling) -> None:
    assert scaling.implementation == "CPython"
    assert scaling.version == ".".join(map(str, sys.version_info[:3]))
    assert scaling.free_threaded is FREE_THREADED
    assert scaling.gil_enabled is not FREE_THREADED


def test_survives_the_store(scaling: Scaling) -> None:
    adapter = TypeAdapter(Scaling)
    assert adapter.validate_json(adapter.dump_json(scaling)) == scaling


def test_speedup_is_work_over_time_paired_in_the_round() -> None:
    made = Scaling(
        implementation="CPython",
        version="3.14.0",
        free_threaded=True,
        gil_enabled=False,
        threads=[1, 2],
        steps=[100, 100],
        seconds=[[[1.0, 2.0, 3.0], [2.0, 2.0, 4.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]],
    )
    assert made.speedups(2) == [1.5, 2.0]
    assert made.speedups(1) == [1.0, 1.0]


def test_script_needs_the_standard_library_alone() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            SCRIPT,
            "--threads",
            "1",
            "--rounds",
            "1",
            "--seconds",
            "0.001",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout)
    fields = {"implementation", "version", "free_threaded", "gil_enabled", "threads", "steps"}
    assert answer.keys() == fields | {"seconds"}
    assert answer["gil_enabled"] is not FREE_THREADED


def test_script_imports_the_standard_library_alone() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported <= sys.stdlib_module_names


@ordinary
def test_find_refuses_an_ordinary_interpreter_by_name() -> None:
    with pytest.raises(ValueError, match="is not a free-threaded build: name a free-threaded"):
        free_threading.find(sys.executable)


@pytest.mark.parametrize(
    ("body", "reason"),
    [("exit 3", r"does not run as Python \(exit 3\)"), ("echo 0", "is not a free-threaded build")],
)
def test_find_refuses_what_is_no_free_threaded_interpreter(
    tmp_path: Path, body: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        free_threading.find(str(pretend(tmp_path, "python", body)))


def test_find_refuses_a_name_that_is_nowhere() -> None:
    with pytest.raises(ValueError, match=r"'python9\.9t' is not an executable on PATH"):
        free_threading.find("python9.9t")


def test_find_takes_the_one_named(tmp_path: Path) -> None:
    named = str(pretend(tmp_path, "python", "echo 1"))
    assert free_threading.find(named) == named


def test_find_looks_on_path_for_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, "python3.13t", "echo 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert free_threading.find() == "python3.13t"
    pretend(tmp_path, "python3.14t", "echo 1")
    assert free_threading.find() == "python3.14t"


@ordinary
def test_find_says_none_where_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(tmp_path, "python3.14t", "exit 127")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert free_threading.find() is None


@pytest.mark.parametrize("interpreter", ["python9.9t", "/"])
def test_measure_names_an_interpreter_that_does_not_run(interpreter: str) -> None:
    with pytest.raises(RuntimeError, match=f"'{interpreter}' does not run"):
        free_threading.measure(interpreter, threads=[1], processes=1)


def test_measure_reports_the_last_line_of_one_that_fails(tmp_path: Path) -> None:
    broken = pretend(tmp_path, "python", "echo first >&2; echo no such option >&2; exit 2")
    with pytest.raises(RuntimeError, match=r"failed \(exit 2\): no such option"):
        free_threading.measure(str(broken), threads=[1], processes=1)


@pytest.mark.parametrize(
    ("cores", "counts"),
    [
        (1, [1, 2]),
        (2, [1, 2, 3, 4]),
        (6, [1, 2, 3, 4, 5, 6, 7, 8, 12]),
        (16, [*range(1, 9), 16, 32]),
    ],
)
def test_thread_counts_go_from_one_to_twice_the_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, counts: list[int]
) -> None:
    monkeypatch.setattr(free_threading, "cores", lambda: cores)
    assert free_threading.thread_counts() == counts
