"""What `make` says where something is missing, and when it makes the environment anew."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

OLD = """\
#!/bin/sh
shift
exec "{python}" -c "import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])" "$1"
"""


@pytest.fixture
def environment(tmp_path, monkeypatch) -> ModuleType:
    """The script as a module, with a folder of its own."""
    path = ROOT / "scripts" / "environment.py"
    spec = importlib.util.spec_from_file_location("environment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(module, "SECONDS", tmp_path / "_build" / "install-seconds")
    monkeypatch.setattr(module.venv, "create", lambda folder, **how: folder.mkdir(exist_ok=True))
    return module


def make(target: str, *variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in the repository; only for what fails before it changes anything."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    above = {name: os.environ[name] for name in os.environ if not name.startswith(("MAKE", "MFL"))}
    command = ["make", target, *variables]
    return subprocess.run(command, cwd=ROOT, env=above, capture_output=True, text=True)


def test_make_alone_lists_the_targets():
    listed = make("help").stdout
    for target in ("book", "test", "lint", "bench", "lab", "serve", "clean", "env", "lock"):
        assert f"make {target} " in listed


def test_a_missing_python_is_one_sentence():
    tried = make("env", "PYTHON=no-such-python")
    assert tried.returncode
    sentence, *rest = tried.stderr.splitlines()
    assert sentence.startswith("Python is missing (no 'no-such-python' here): install it with")
    assert all(line.startswith("make") for line in rest)


def test_an_old_python_is_one_sentence(tmp_path):
    old = tmp_path / "python3.9"
    old.write_text(OLD.format(python=sys.executable))
    old.chmod(0o755)
    tried = make("env", f"PYTHON={old}")
    assert tried.returncode
    sentence, *rest = tried.stderr.splitlines()
    assert sentence.startswith("Python 3.9 will not do, Unlocked needs 3.11 to 3.14: install")
    assert all(line.startswith("make") for line in rest)


def test_nothing_is_missing_here(environment):
    assert environment.missing() == []


@pytest.mark.parametrize(
    ("broken", "replacement", "sentence"),
    [
        ("find_spec", lambda name: None, "Python's module venv is missing: install it with 'sudo"),
        ("compiler", lambda: None, "A C compiler is missing: install one with 'sudo apt"),
    ],
)
def test_what_is_missing_is_one_sentence(environment, monkeypatch, broken, replacement, sentence):
    monkeypatch.setattr(environment, broken, replacement)
    (missing,) = environment.missing()
    assert missing.startswith(sentence)
    for system in ("Debian", "Fedora", "macOS"):
        assert system in missing


def test_missing_headers_are_one_sentence(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda name: str(tmp_path))
    (missing,) = environment.missing()
    assert missing.startswith("Python's headers (Python.h) are missing: install them with 'sudo")


def test_a_compiler_that_does_not_run_is_none(environment, monkeypatch, tmp_path):
    for name in ("cc", "gcc", "clang"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "cc")
    monkeypatch.setattr(environment.sysconfig, "get_config_var", lambda name: None)
    assert environment.compiler() is None


def test_the_environment_is_made_once_for_a_python_and_a_folder(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "compiled", lambda: True)
    marker = tmp_path / ".venv" / ".python"

    def made_anew() -> bool:
        if marker.exists():
            os.utime(marker, (0, 0))
        environment.prepare()
        return marker.stat().st_mtime > 0

    assert made_anew()
    assert not made_anew()
    monkeypatch.setattr(environment.sys, "version", "3.12.0 of another build")
    assert made_anew()
    monkeypatch.setattr(environment, "PYTHON", tmp_path / "gone")
    assert made_anew()
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(environment, "ROOT", tmp_path / "moved")
    assert made_anew()


def test_lost_binaries_are_installed_again(environment, monkeypatch, tmp_path):
    environment.prepare()
    marker = tmp_path / ".venv" / ".python"
    os.utime(marker, (0, 0))
    monkeypatch.setattr(environment, "compiled", lambda: False)
    environment.prepare()
    assert marker.stat().st_mtime > 0


def test_the_seconds_of_the_installation_are_kept_for_the_closing_table(environment):
    environment.record(12.34)
    assert environment.SECONDS.read_text() == "12.3\n"


def test_what_asks_for_outdated_versions_is_installed_without_its_dependencies(
    environment, monkeypatch
):
    calls = []
    monkeypatch.setattr(environment, "pip", lambda *arguments: calls.append(arguments))
    environment.VENV.mkdir()
    environment.record(0.0)
    environment.install()
    assert calls == [
        ("-r", "requirements.txt"),
        ("--no-deps", "-r", "requirements-nodeps.txt"),
        ("--no-deps", "--no-build-isolation", "-e", "."),
    ]


def test_the_lock_names_no_index_and_installs_with_pytorch_for_the_cpu_alone():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert all(re.match(r"[a-z0-9._-]+==[\w.]+( ; .*)?$", line) for line in lines), lines
    assert "torch==2.13.0" in lines
    assert not [line for line in lines if line.startswith(("nvidia-", "cuda-", "triton"))]
