"""Following a notebook while it runs: which cell, since when, and why it failed."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from unlocked.book.pages import tags

REASON_LENGTH = 300


class Watch:
    """Follows a notebook cell by cell: which one runs, when the setup was done."""

    def __init__(self, chapter: str, cell_seconds: float, progress: Progress, task: TaskID) -> None:
        self.cell_seconds = cell_seconds
        self.notebook: Any = None
        self.cell = "before the first cell"
        self.imported: float | None = None
        self._progress, self._task = progress, task
        self._start = self._cell_start = time.perf_counter()
        self._number = 0
        self._tell(description=chapter, completed=0, last="kernel starts", visible=True)

    def notebook_start(self, notebook: Any) -> None:
        """The kernel is up."""
        self.notebook = notebook
        self._total = sum(_counts(cell) for cell in notebook.cells)

    def cell_start(self, cell: Any, cell_index: int) -> None:
        """A code cell starts."""
        self._number += _counts(cell)
        self._cell_start = time.perf_counter()
        first = cell.source.strip().splitlines()[0]
        self.cell = f"code cell {self._number} of {self._total}, {first!r}"
        self._tell(completed=self._number, total=self._total)

    def cell_end(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        """A code cell has ended."""
        seconds = time.perf_counter() - self._cell_start
        self._tell(last=f"last cell {seconds:.1f} s")
        if "setup" in tags(cell):
            self.imported = time.perf_counter() - self._start

    def split(self, measure: float) -> dict[str, float]:
        """The seconds since the start: to the end of the setup, measuring, and the rest."""
        total = time.perf_counter() - self._start
        imported = total - measure if self.imported is None else self.imported
        return {"import": imported, "measure": measure, "draw": total - imported - measure}

    def text(self) -> str:
        """The notebook as far as it is executed."""
        import nbformat

        return f"{nbformat.writes(self.notebook)}\n"

    def reason(self, error: Exception) -> str:
        """One line on why the chapter failed, and in which cell."""
        from nbclient.exceptions import CellTimeoutError, DeadKernelError
        from papermill.exceptions import PapermillExecutionError

        if isinstance(error, CellTimeoutError):
            what = f"ran past the limit of {self.cell_seconds:g} s for a cell"
        elif isinstance(error, DeadKernelError):
            what = "the kernel died"
        elif isinstance(error, PapermillExecutionError):
            what = f"{error.ename}: {error.evalue}"
        else:
            what = f"{type(error).__name__}: {error}"
        return f"{self.cell}: {' '.join(what.split())[:REASON_LENGTH]}"

    def _tell(self, **news: Any) -> None:
        self._progress.update(self._task, **news)
        self._progress.refresh()


def progress_bar(console: Console) -> Progress:
    """A bar that moves with the cells alone, so that nothing ticks beside a measurement."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[last]}"),
        console=console,
        transient=True,
        auto_refresh=False,
        disable=not console.is_terminal,
    )


def _counts(cell: Any) -> bool:
    return (
        cell.cell_type == "code"
        and bool(cell.source.strip())
        and "injected-parameters" not in tags(cell)
    )
