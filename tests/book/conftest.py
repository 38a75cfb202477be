"""A toy book: two chapters that run in no time, on which every fault can be tried."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from unlocked.book.pages import Book, Edition, Page
from unlocked.book.run import run

PARAMETERS = """\
size: int = 3  # how many; [1, 1_000_000]
loud: bool = False  # whether to shout
results: str = ""  # folder of the store; empty for a temporary one"""

SETUP = """\
from unlocked.book.parameters import check_parameters
check_parameters(globals())
import toy
from unlocked.study.records import Store
store = Store.open(results, "{chapter}")"""

MEASURE = 'total = store.get("total", toy.add, left=size, right=1)\ntotal'

RUNNER = """\
import sys
from pathlib import Path
from unlocked.book.pages import Book
from unlocked.book.run import run
book = Book(Path(sys.argv[1]))
sys.exit(run(book, book.edition()))"""

CONFIG = {
    "title": "Toy",
    "author": "Nobody",
    "logo": "",
    "only_build_toc_files": True,
    "execute": {"execute_notebooks": "off"},
}


@dataclass
class Toy:
    """The toy book, with what the tests do to it."""

    book: Book
    log: Path

    @property
    def root(self) -> Path:
        return self.book.root

    @property
    def edition(self) -> Edition:
        return self.book.edition()

    @staticmethod
    def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
        """A stored cell."""
        made = {"cell_type": kind, "id": f"c{abs(hash(source))}", "source": source}
        made["metadata"] = {"tags": list(tags)}
        return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})

    def write(self, chapter: str, *bodies: str | dict[str, Any], text: str = "Toy.") -> None:
        """Store a chapter: title, parameters, setup, and these cells."""
        cells = [
            self.cell(f"# Chapter {chapter}\n\n{text}", kind="markdown"),
            self.cell(PARAMETERS, "parameters"),
            self.cell(SETUP.format(chapter=chapter), "setup"),
            *(self.cell(body) if isinstance(body, str) else body for body in bodies),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = {"cells": cells, "metadata": {"kernelspec": kernel}}
        path = self.book.notebooks / f"{chapter}.ipynb"
        path.write_text(json.dumps(notebook | {"nbformat": 4, "nbformat_minor": 5}))

    def run(self, *chapters: str, edition: Edition | None = None, **how: Any) -> tuple[int, str]:
        """Run the book; the exit status and what it printed."""
        printed = io.StringIO()
        console = Console(file=printed, width=200)
        # a fresh Book, as every command makes one
        status = run(Book(self.root), edition or self.edition, chapters, console=console, **how)
        return status, printed.getvalue()

    @contextmanager
    def runner(self) -> Iterator[subprocess.Popen[bytes]]:
        """A runner in a process of its own, killed at the end."""
        process = subprocess.Popen([sys.executable, "-c", RUNNER, str(self.root)])
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @staticmethod
    def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
        """Poll until a condition holds; whether it came to."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.02)
        return condition()

    @staticmethod
    def alive(pid: int) -> bool:
        """Whether a process runs; one that waits to be reaped does not."""
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def measured(self) -> list[str]:
        """All measurements made so far."""
        return self.log.read_text().split() if self.log.exists() else []

    def page(self, chapter: str) -> Page:
        """The record of an executed page."""
        page = Page.load(self.edition, chapter)
        assert page is not None
        return page

    def record(self, chapter: str = "01-first") -> Path:
        """The file of the one measurement of a chapter."""
        return self.edition.results / chapter / "total.json"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A toy book with two sound chapters, of which the first measures."""
    here = str(Path(__file__).parent)
    monkeypatch.syspath_prepend(here)
    monkeypatch.setenv("PYTHONPATH", here)
    monkeypatch.setenv("TOY_LOG", str(tmp_path / "measured"))
    monkeypatch.delenv("UNLOCKED_REPOSITORY_URL", raising=False)
    toy = Toy(Book(tmp_path / "toy"), tmp_path / "measured")
    (toy.root / "book").mkdir(parents=True)
    toy.book.notebooks.mkdir()
    (toy.root / "_config.yml").write_text(json.dumps(CONFIG))
    toc = {"format": "jb-book", "root": "notebooks/01-first"}
    toc["chapters"] = [{"file": "notebooks/02-second"}, {"file": "book/about"}]  # type: ignore[assignment]
    (toy.root / "_toc.yml").write_text(json.dumps(toc))
    (toy.root / "book" / "about.md").write_text("# About\n\nA toy.\n")
    toy.write("01-first", MEASURE)
    toy.write("02-second", "size")
    return toy
