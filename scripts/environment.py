"""Make the environment `.venv` with the Python that runs this file (standard library only).

`make env` calls ``prepare`` every time and ``install`` when something it depends on changed.
"""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
import venv
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from unlocked.extensions import EXTENSIONS  # noqa: E402

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SECONDS = ROOT / "_build" / "install-seconds"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def compiler() -> str | None:
    """Command of the first C compiler that works: $CC, the one Python was built with, cc."""
    for command in (os.environ.get("CC"), sysconfig.get_config_var("CC"), "cc", "gcc", "clang"):
        words = shlex.split(command or "")
        if words and shutil.which(words[0]) and runs(words[0]):
            return command
    return None


def runs(compiler: str) -> bool:
    """Does it answer? On macOS `cc` exists even where its tools do not."""
    return subprocess.run([compiler, "--version"], capture_output=True).returncode == 0


def missing() -> list[str]:
    """One sentence for each thing that this Python and this machine lack."""
    checks = [
        (
            find_spec("venv") and find_spec("ensurepip"),
            "Python's module venv is missing: install it",
            (f"apt install python{VERSION}-venv", "dnf install python3", "brew install python"),
        ),
        (
            Path(sysconfig.get_path("include"), "Python.h").is_file(),
            "Python's headers (Python.h) are missing: install them",
            (
                f"apt install python{VERSION}-dev",
                "dnf install python3-devel",
                "brew install python",
            ),
        ),
        (
            compiler(),
            "A C compiler is missing: install one",
            ("apt install gcc libc6-dev", "dnf install gcc", "xcode-select --install"),
        ),
    ]
    return [
        f"{sentence} with 'sudo {debian}' (Debian, Ubuntu), 'sudo {fedora}' (Fedora) "
        f"or '{macos}' (macOS)."
        for found, sentence, (debian, fedora, macos) in checks
        if not found
    ]


def refuse_if_missing() -> None:
    sentences = missing()
    if sentences:
        sys.exit("\n".join(sentences))


def identity() -> str:
    """What `.venv` depends on: this Python, and the folder, whose path is in its scripts."""
    return f"{sys.version}\n{Path(sys.executable).resolve()}\n{ROOT}\n"


def compiled() -> bool:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    return all(extension.source.with_suffix(suffix).is_file() for extension in EXTENSIONS.values())


def record(seconds: float) -> None:
    """Leave the seconds of this installation for the closing table of `make book`."""
    SECONDS.parent.mkdir(exist_ok=True)
    SECONDS.write_text(f"{seconds:.1f}\n")


def prepare() -> None:
    """Make `.venv`, or make it anew where another Python or another folder made it."""
    marker = VENV / ".python"
    record(0.0)
    if marker.is_file() and marker.read_text() == identity() and PYTHON.exists():
        if not compiled():
            marker.touch()  # newer than the installation, so that make installs again
        return
    refuse_if_missing()
    print(f"Making {VENV.name} with Python {sys.version.split()[0]}", flush=True)
    start = time.perf_counter()
    venv.create(VENV, clear=True, symlinks=True, with_pip=True)
    marker.write_text(identity())
    record(time.perf_counter() - start)


def pip(*arguments: str) -> None:
    command = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    environment = os.environ | {"CC": compiler() or "cc"}
    if subprocess.run([*command, *arguments], cwd=ROOT, env=environment).returncode:
        sys.exit("The installation failed, pip says why above: mend that and run `make env` again.")


def install() -> None:
    """Install the locked requirements, then the package itself with its compiled modules."""
    refuse_if_missing()
    print("Installing requirements.txt, requirements-nodeps.txt and the package", flush=True)
    earlier = float(SECONDS.read_text())
    start = time.perf_counter()
    pip("-r", "requirements.txt")
    pip("--no-deps", "-r", "requirements-nodeps.txt")
    pip("--no-deps", "--no-build-isolation", "-e", ".")
    record(earlier + time.perf_counter() - start)
    (VENV / ".installed").touch()


if __name__ == "__main__":
    steps = {"prepare": prepare, "install": install}
    if sys.argv[1:] not in ([name] for name in steps):
        sys.exit(f"usage: environment.py {' | '.join(steps)}")
    steps[sys.argv[1]]()
