"""What tests of several folders share: the book executed at profile smoke, and its site."""

import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("unlocked", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("unlocked")

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "smoke"


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the repository's scripts; what it prints is in the result."""
    command = [sys.executable, str(ROOT / "scripts" / name), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="session")
def smoke_run() -> subprocess.CompletedProcess[str]:
    """Every chapter executed at profile smoke; those that are current already are kept."""
    return script("run.py", "--profile", "smoke")


@pytest.fixture(scope="session")
def site(smoke_run: subprocess.CompletedProcess[str]) -> Path:
    """Folder of the site, built strictly from every chapter at profile smoke."""
    if smoke_run.returncode:
        pytest.fail(f"there is no site: a chapter fails at smoke\n{smoke_run.stdout}")
    built = script("build.py", "--profile", "smoke", "--output", str(SITE))
    if built.returncode:
        pytest.fail(f"there is no site: the strict build fails\n{built.stdout}")
    return SITE
