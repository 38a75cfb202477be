"""The runner: executes the chapters that are not current, each in a fresh kernel."""

import contextlib
import fcntl
import hashlib
import json
import os
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from unlocked.book.guard import Guard
from unlocked.book.pages import QUICK, Book, BookError, Edition, Page, write_whole
from unlocked.book.parameters import STORE
from unlocked.book.watch import Watch, progress_bar
from unlocked.lab.environment import variables_set
from unlocked.study.records import AGAIN, JOURNAL

CELL_SECONDS = {"smoke": 120.0, QUICK: 600.0, "full": 3600.0}
"""How long one cell may run, by profile."""

SPLIT = ("import", "measure", "draw")
TOTALS = "run.json"
STOPPED = 130


@dataclass
class Outcome:
    """How a chapter came out of a run."""

    chapter: str
    state: Literal["executed", "unchanged", "failed", "stopped"]
    reason: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    set_aside: list[str] = field(default_factory=list)


@dataclass
class Request:
    """What a run was asked for."""

    book: Book
    edition: Edition
    again: bool
    cell_seconds: float
    guard: Guard
    progress: Progress
    stopped: bool = False


def run(
    book: Book,
    edition: Edition,
    chapters: Sequence[str] = (),
    again: bool = False,
    cell_seconds: float | None = None,
    console: Console | None = None,
) -> int:
    """Execute the chapters that are not current and report on all.

    A chapter that fails keeps its partial notebook beside the executed ones, as
    ``NN-name.failed.ipynb``, and the others go on.

    Parameters
    ----------
    chapters : sequence of str
        Names as :meth:`Book.find` takes them; all chapters where there are none.
    again : bool
        Measure anew what has been measured already.
    cell_seconds : float, optional
        Limit for one cell, in seconds; the profile's where not given.

    Returns
    -------
    int
        Exit status: 0, 1 where a chapter failed, 130 where the run was stopped.

    Raises
    ------
    BookError
        Before anything starts: an unknown chapter, a folder that cannot be written, or another
        runner at work.
    """
    console = console or Console(highlight=False)
    chosen = book.find(chapters)
    _check_writable(edition)
    limit = cell_seconds or CELL_SECONDS[edition.profile]
    with _lock(edition.executed), Guard() as guard, progress_bar(console) as progress:
        _remove_partial(edition)
        request = Request(book, edition, again, limit, guard, progress)
        with _stopping(request):
            outcomes = list(_run_all(request, chosen))
    _report(outcomes, console)
    totals = {part: sum(outcome.seconds.get(part, 0.0) for outcome in outcomes) for part in SPLIT}
    write_whole(edition.executed / TOTALS, json.dumps(totals))
    if request.stopped:
        console.print("Stopped. What was measured is kept: the same command goes on from there.")
        return STOPPED
    return int(any(outcome.state == "failed" for outcome in outcomes))


def _run_all(request: Request, chapters: Sequence[str]) -> Iterator[Outcome]:
    task = request.progress.add_task("", total=None, visible=False, last="")
    for chapter in chapters:
        if request.stopped:
            return
        # asked now, for the chapters before may have changed what this one reads
        reason = "asked for" if request.again else request.book.outdated(request.edition, chapter)
        if reason is None:
            page = Page.load(request.edition, chapter)
            yield Outcome(chapter, "unchanged", verdicts=page.verdicts if page else {})
            continue
        outcome = _execute(request, chapter, task)
        seconds = sum(outcome.seconds.values())
        request.progress.console.print(f"{chapter}: {outcome.state} in {seconds:.1f} s")
        yield outcome


def _execute(request: Request, chapter: str, task: TaskID) -> Outcome:
    """Execute one chapter in a fresh kernel and keep its page, or its partial notebook."""
    edition, book = request.edition, request.book
    values, key = book.values(edition, chapter), book.key(edition, chapter)
    journal = edition.executed / f".{chapter}.journal"
    journal.unlink(missing_ok=True)
    mark = {**request.guard.mark, JOURNAL: str(journal), AGAIN: "1" if request.again else ""}
    failed = edition.notebook(f"{chapter}.failed")
    watch = Watch(chapter, request.cell_seconds, request.progress, task)
    reason = ""
    with variables_set(mark):
        try:
            _papermill(book, chapter, {**values, STORE: str(edition.results)}, request, watch)
        except Exception as error:  # whatever befalls a chapter, the others go on
            reason = watch.reason(error)
        finally:
            request.guard.sweep()
    events = _events(journal)
    outcome = Outcome(
        chapter,
        "stopped" if request.stopped else "failed" if reason else "executed",
        reason=reason,
        seconds=watch.split(sum(event.get("seconds", 0.0) for event in events)),
        verdicts={event["claim"]: event["verdict"] for event in events if "claim" in event},
        set_aside=[f"{e['path']}: {e['reason']}" for e in events if e["event"] == "bad"],
    )
    if outcome.state == "executed":
        text = watch.text()
        reads = {event["path"]: event for event in events if event["event"] == "record"}
        write_whole(edition.notebook(chapter), text)
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        page = Page(key, sha256, values, list(reads.values()), outcome.verdicts, outcome.seconds)
        page.save(edition, chapter)
        failed.unlink(missing_ok=True)
        _remove_unread(edition, chapter, reads)
    elif watch.notebook is not None:
        write_whole(failed, watch.text())
    journal.unlink(missing_ok=True)
    return outcome


def _remove_unread(edition: Edition, chapter: str, reads: Mapping[str, Any]) -> None:
    """Remove the chapter's records that it no longer makes, so that no page collects them."""
    if not edition.replay:
        for path in (edition.results / chapter).glob("*.json"):
            if path.relative_to(edition.results).as_posix() not in reads:
                path.unlink()


def _papermill(
    book: Book, chapter: str, values: Mapping[str, Any], request: Request, watch: Watch
) -> None:
    import logging

    import papermill
    from traitlets.config import Config

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # it repeats what we report
    papermill.execute_notebook(
        str(book.notebooks / f"{chapter}.ipynb"),
        None,
        parameters=dict(values),
        cwd=str(book.notebooks),
        progress_bar=False,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        start_timeout=120,
        execution_timeout=request.cell_seconds,
        iopub_timeout=60,
        extra_arguments=["--log-level=CRITICAL"],
        config=Config(KernelManager={"shutdown_wait_time": 2.0}),
        on_notebook_start=watch.notebook_start,
        on_cell_execute=watch.cell_start,
        on_cell_executed=watch.cell_end,
    )


def _events(journal: Path) -> list[dict[str, Any]]:
    """What the chapter's store wrote; a last line cut short by a kill is left out."""
    if not journal.exists():
        return []
    lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _check_writable(edition: Edition) -> None:
    for folder in (edition.executed,) if edition.replay else (edition.results, edition.executed):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise BookError(
                f"cannot write to {folder}: {error.strerror}. Make it a folder that you may write"
            ) from None


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold a folder for one runner; the lock falls when its process ends."""
    with open(folder / ".lock", "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            raise BookError(
                f"process {holder} is running the book into {folder}: wait for it or stop it"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _remove_partial(edition: Edition) -> None:
    """Remove what writers that were killed left unfinished."""
    folders = [edition.executed] if edition.replay else [edition.executed, edition.results]
    for folder in folders:
        for partial in [*folder.rglob(".*.json.*"), *folder.rglob(".*.ipynb.*")]:
            partial.unlink()


@contextlib.contextmanager
def _stopping(request: Request) -> Iterator[None]:
    """Let Ctrl-C end the kernel, which ends the chapter and the run in good order."""

    def stop(number: int, frame: object) -> None:
        request.stopped = True
        request.guard.sweep()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _report(outcomes: Iterable[Outcome], console: Console) -> None:
    """The closing table, and the reason of each failure."""
    table = Table("chapter", "state", *(f"{part} s" for part in SPLIT), "verdicts")
    for outcome in outcomes:
        spent = [f"{outcome.seconds[part]:.1f}" if outcome.seconds else "" for part in SPLIT]
        counts = Counter(outcome.verdicts.values())
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        table.add_row(outcome.chapter, outcome.state, *spent, verdicts)
    console.print(table)
    for outcome in outcomes:
        for named in outcome.set_aside:
            console.print(escape(f"{outcome.chapter}: set aside {named}"), soft_wrap=True)
        if outcome.state == "failed":
            console.print(escape(f"{outcome.chapter} failed in {outcome.reason}"), soft_wrap=True)
